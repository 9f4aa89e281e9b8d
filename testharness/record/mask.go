package record

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	mathrand "math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"
)

// masker makes masks of values: of the same form, the same for the same value,
// and telling nothing else. Its key lives as long as it does.
type masker struct {
	key [32]byte

	mu    sync.Mutex
	taken map[string][sha256.Size]byte // pseudonym to the hash of what it stands for
}

// maxTaken bounds the pseudonyms that are kept apart from each other. Beyond,
// two short references may share one.
const maxTaken = 200_000

func newMasker() *masker {
	m := &masker{taken: map[string][sha256.Size]byte{}}
	_, _ = rand.Read(m.key[:]) // never fails
	return m
}

// hash is a keyed hash.
func (m *masker) hash() hash.Hash { return hmac.New(sha256.New, m.key[:]) }

// letters writes a hash in letters alone, which no search takes for a number.
func letters(sum []byte) string {
	out := make([]byte, 0, 32)
	for _, b := range sum[:16] {
		out = append(out, 'a'+b>>4, 'a'+b&15)
	}
	return string(out)
}

// dice gives random numbers that hang on the value alone.
func (m *masker) dice(value string, try uint32) *mathrand.Rand {
	h := m.hash()
	_ = binary.Write(h, binary.BigEndian, try)
	_, _ = h.Write([]byte(value))
	return mathrand.New(mathrand.NewChaCha8([32]byte(h.Sum(nil)))) //nolint:gosec // Seeded by a keyed hash, of a kind made for it.
}

// mask hides a text: letters become letters, digits digits, and what separates
// them stays. An address, a date and the beginning of a URL stay what they are,
// since the gateway checks them.
func (m *masker) mask(text string) string {
	dice := m.dice(text, 0)
	if addr, err := netip.ParseAddr(text); err == nil {
		if addr.Is4() {
			return fmt.Sprintf("192.0.2.%d", 1+dice.IntN(254))
		}
		return fmt.Sprintf("2001:db8::%x", 1+dice.IntN(0xfffe))
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return fmt.Sprintf("19%02d-%02d-%02d", 40+dice.IntN(60), 1+dice.IntN(12), 1+dice.IntN(28))
	}
	for _, scheme := range []string{"https://", "http://"} {
		if rest, ok := strings.CutPrefix(text, scheme); ok {
			return scheme + shape(rest, dice)
		}
	}
	return shape(text, dice)
}

const (
	lower = "abcdefghijklmnopqrstuvwxyz"
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	tens  = "0123456789"
)

// shape gives random characters of the same kinds. Of digits in a row, separated
// or not, eight are followed by four number signs: no mask is a card number.
func shape(text string, dice *mathrand.Rand) string {
	var out strings.Builder
	row := 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			if row%12 < 8 {
				out.WriteByte(tens[dice.IntN(10)])
			} else {
				out.WriteByte('#')
			}
			row++
			continue
		case c >= 'a' && c <= 'z':
			out.WriteByte(lower[dice.IntN(26)])
			row = 0
		case c >= 'A' && c <= 'Z':
			out.WriteByte(upper[dice.IntN(26)])
			row = 0
		case strings.ContainsRune(" -_.,:;/+=@'#%&?()", c):
			out.WriteRune(c)
		default:
			out.WriteByte('x')
			row = 0
		}
	}
	return out.String()
}

// number hides a number that is no text. One with more than eight digits becomes
// ones alone, which have no right check digit at any length of a card number.
func (m *masker) number(text string) string {
	dice := m.dice(text, 0)
	digits := 0
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			digits++
		}
	}
	out := []byte(text)
	for i, c := range out {
		if c >= '0' && c <= '9' {
			out[i] = '1'
			if digits <= 8 {
				out[i] = tens[1+dice.IntN(9)] // no zero: it may not begin a number
			}
		}
	}
	return string(out)
}

// pseudonym is a mask that no other value of the recording has.
func (m *masker) pseudonym(text string, form func(string, *mathrand.Rand) string) string {
	if text == "" {
		return ""
	}
	of := sha256.Sum256(append(m.key[:], text...))
	m.mu.Lock()
	defer m.mu.Unlock()
	for try := uint32(0); ; try++ {
		name := form(text+strings.Repeat("x", int(try/16)), m.dice(text, try))
		known, isTaken := m.taken[name]
		if !isTaken && len(m.taken) < maxTaken {
			m.taken[name] = of
		}
		if !isTaken || known == of {
			return name
		}
	}
}

var transactionForm = regexp.MustCompile(`^([0-9]{1,3})-([0-9]{1,3})-[0-9]{1,12}`)

// reference hides the number of a transaction and leaves node and route, which
// say who processed it. With them it has fewer digits than a card number.
func reference(text string, dice *mathrand.Rand) string {
	parts := transactionForm.FindStringSubmatch(text)
	if parts == nil {
		return shape(text, dice)
	}
	out := parts[1] + "-" + parts[2] + "-"
	for n := 12 - len(parts[1]) - len(parts[2]); n > 0; n-- {
		out += string(tens[1+dice.IntN(9)])
	}
	return out
}

// site hides a site reference and leaves whether it is a test site.
func site(text string, dice *mathrand.Rand) string {
	if rest, ok := strings.CutPrefix(text, testSite); ok {
		return testSite + shape(rest, dice)
	}
	return shape(text, dice)
}

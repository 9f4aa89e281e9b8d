package charge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/chargehand/chargehand/shared/payment"
)

// Namer makes the references that go to the gateway. The same names give the
// same references for ever, in whatever database they are asked for: an order
// that is posted again after its database was lost finds its old transactions.
// Hence the key is made once for each environment, never changes, and is kept
// apart from the backups of the database.
type Namer struct {
	environment string
	key         []byte
}

// Names are the platform's own names of what a charge is for. Internal ids
// have no place here: they don't survive a lost database.
type Names struct {
	Channel, Order, Fulfiller, Purpose string
}

// MinNamerKey is the length of the shortest key, in bytes.
const MinNamerKey = 32

// NewNamer takes the environment's name and its key.
func NewNamer(environment string, key []byte) (*Namer, error) {
	if environment == "" {
		return nil, fmt.Errorf("reference key: the environment has no name")
	}
	if len(key) < MinNamerKey {
		return nil, fmt.Errorf("reference key: %d bytes; at least %d are needed", len(key), MinNamerKey)
	}
	return &Namer{environment: environment, key: key}, nil
}

// Fingerprint tells this environment's key from any other, and tells nothing
// about it. It stands in the database.
func (n *Namer) Fingerprint() string {
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte("chargehand: fingerprint of the reference key")) // no length before it: can't be a stem's
	return hex.EncodeToString(mac.Sum(nil))
}

// Environment is the environment's name.
func (n *Namer) Environment() string { return n.environment }

// stemLength is 20 letters of 5 bits: 100 bits, so that two charges of one
// site meet by chance never.
const stemLength = 20

// One letter case only: some banks fold it. No letters that are read for
// digits.
var stemEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Stem is what all references of one charge begin with.
func (n *Namer) Stem(names Names) string {
	mac := hmac.New(sha256.New, n.key)
	for _, s := range []string{n.environment, names.Channel, names.Order, names.Fulfiller, names.Purpose} {
		// Lengths first, or ("ab","c") and ("a","bc") would be one.
		_ = binary.Write(mac, binary.BigEndian, uint64(len(s)))
		mac.Write([]byte(s))
	}
	return stemEncoding.EncodeToString(mac.Sum(nil))[:stemLength]
}

// ReferenceOf is the reference of the charge's attempt of that number, from 1.
func ReferenceOf(stem string, number int) payment.Reference {
	return payment.Reference(stem + "-" + strconv.Itoa(number))
}

// SplitReference undoes ReferenceOf. Whatever else a site's other users send
// is not ok.
func SplitReference(r payment.Reference) (stem string, number int, ok bool) {
	stem, digits, found := strings.Cut(string(r), "-")
	number, err := strconv.Atoi(digits)
	if !found || err != nil || number < 1 || len(stem) != stemLength || ReferenceOf(stem, number) != r {
		return "", 0, false
	}
	if _, err := stemEncoding.DecodeString(stem); err != nil {
		return "", 0, false
	}
	return stem, number, true
}

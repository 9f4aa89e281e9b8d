package record

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

func TestHoldsCard(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"4111111111111111", "x4111 1111 1111 1111y", "4111-1111-1111-1111", "1234111111111111111", "340000000004001", "4111\u00a01111\u00a01111\u00a01111",
		"4222222222222", strings.Repeat("1", 60) + "4111111111111111", "41 11 11 11 11 11 11 11",
	} {
		require.True(t, holdsCard(text), text)
	}
	for _, text := range []string{
		"", "1111111111111111", "411111111111", "411111######1111", "55-9-123456789", "2026-11-21 16:02:52", "4111a1111b1111c1111", strings.Repeat("1", 100),
	} {
		require.False(t, holdsCard(text), text)
	}
}

func TestMasksKeepForm(t *testing.T) {
	t.Parallel()
	m := newMasker()
	for text, pattern := range map[string]string{
		"Wilhelmina":               `^[A-Z][a-z]{9}$`,
		"wil.helm@example.org":     `^[a-z]{3}\.[a-z]{4}@[a-z]{7}\.[a-z]{3}$`,
		"+44 7700 900123":          `^\+[0-9]{2} [0-9]{4} [0-9]{2}####$`,
		"Ångström":                 `^x[a-z]{5}x[a-z]$`,
		"4012888888881881":         `^[0-9]{8}####[0-9]{4}$`,
		"203.0.113.9":              `^192\.0\.2\.[0-9]+$`,
		"::1":                      `^2001:db8::[0-9a-f]+$`,
		"1931-06-30":               `^19[0-9]{2}-[01][0-9]-[0-2][0-9]$`,
		"https://example.org/a?b=": `^https://[a-z]{7}\.[a-z]{3}/[a-z]\?[a-z]=$`,
	} {
		masked := m.mask(text)
		require.Regexp(t, pattern, masked)
		require.NotEqual(t, text, masked)
		require.Equal(t, masked, m.mask(text), "the same value has the same mask")
		require.NotEqual(t, masked, newMasker().mask("x"+text))
	}
	require.Equal(t, "1111111111111111", m.number("4012888888881881"))
	require.Regexp(t, `^-[1-9]{2}\.[1-9]$`, m.number("-12.5"))
	require.Regexp(t, `^test_[a-z]{4}[0-9]{5}$`, m.value("sitereference", "test_site12345"))
	require.Equal(t, "411111######1111", m.value("pan", "4111111111111111"))
	require.NotContains(t, m.value("pan", "4012888888881881"), "40128888")
	require.NotEqual(t, "401288######1881", m.value("maskedpan", "401288######1881"))
}

// Short references stay apart, however many there are.
func TestPseudonymsAreUnique(t *testing.T) {
	t.Parallel()
	m := newMasker()
	seen := map[string]bool{}
	for n := range 200 {
		name := m.value("orderreference", "K"+strconv.Itoa(n))
		require.False(t, seen[name])
		seen[name] = true
		require.Equal(t, name, m.value("orderreference", "K"+strconv.Itoa(n)))
	}
}

// cardIn draws a test card, whole or in groups, with or without something around.
func cardIn(t *rapid.T) (text, number string) {
	number = rapid.SampledFrom(append(gateway.TestCards(), "4012888888881881", "6011000990139424", "30569309025904")).Draw(t, "card")
	separator := rapid.SampledFrom([]string{"", "", " ", "-", "  ", "_"}).Draw(t, "separator")
	var out strings.Builder
	for i := range len(number) {
		if i > 0 && i%4 == 0 {
			out.WriteString(separator)
		}
		out.WriteByte(number[i])
	}
	around := rapid.SampledFrom([]string{"", "", "card ", "1", "x"})
	return around.Draw(t, "before") + out.String() + around.Draw(t, "after"), number
}

var someName = rapid.OneOf(
	rapid.SampledFrom([]string{"pan", "baseamount", "orderreference", "filter", "value", "transactionreference", "errormessage", "settlestatus", "new_one"}),
	rapid.StringMatching(`[A-Za-z0-9]{1,20}`),
)

// plant draws a document with the text somewhere in it, as a value or a name.
func plant(t *rapid.T, text string, depth int) any {
	switch {
	case depth == 0:
		return text
	case rapid.IntRange(0, 9).Draw(t, "place") == 0:
		return map[string]any{text: "x"}
	case rapid.Bool().Draw(t, "list"):
		return []any{rapid.String().Draw(t, "beside"), plant(t, text, depth-1), 12.5}
	default:
		return map[string]any{someName.Draw(t, "other"): rapid.String().Draw(t, "beside"), someName.Draw(t, "name"): plant(t, text, depth-1)}
	}
}

// line is what would be written of a request.
func line(t require.TestingT, m *masker, p parsed) string {
	out, err := json.Marshal(Exchange{Request: Request{Body: m.masked(p)}})
	require.NoError(t, err)
	return string(out)
}

func noCard(t require.TestingT, text, number string) {
	require.NotContains(t, text, number)
	require.False(t, holdsCard(text), text)
}

func TestNoDocumentIsWrittenWithItsCard(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, number := cardIn(t)
		document := map[string]any{"request": []any{plant(t, text, rapid.IntRange(0, 6).Draw(t, "depth"))}}
		body, err := json.Marshal(document)
		require.NoError(t, err)
		p, err := parse("/json/", "", body)
		require.NoError(t, err)
		noCard(t, line(t, newMasker(), p), number)

		root := &node{name: "requestblock"}
		at := root
		for range rapid.IntRange(0, 6).Draw(t, "depth in XML") {
			next := &node{name: rapid.SampledFrom([]string{"request", "billing", "payment", "pan", "filter", "amount", "x"}).Draw(t, "element")}
			at.below = append(at.below, next)
			at = next
		}
		at.text = text
		var out bytes.Buffer
		root.write(&out)
		p, err = parse("/xml/", "", out.Bytes())
		require.NoError(t, err)
		noCard(t, line(t, newMasker(), p), number)
	})
}

// FuzzMask masks what anyone may send: nothing that could be a card number gets
// through, and what is written can be read again.
func FuzzMask(f *testing.F) {
	f.Add("/json/", `{"alias":"a","request":[{"pan":"4012888888881881","filter":{"orderreference":[{"value":"4012 8888 8888 1881"}]}}]}`)
	f.Add("/json/", `{"a":4012888888881881,"b":[-1.5e3,true,null],"4012888888881881":"\u0034012888888881881"}`)
	f.Add("/xml/", `<requestblock version="3.67"><request type="AUTH"><billing><payment type="VISA"><pan>4012888888881881</pan></payment></billing></request></requestblock>`)
	f.Add("/xml/", `<a b="4012888888881881">4012<c/>8888<c/>8888<!-- x -->1881</a>`)
	f.Add("/xml/", `<a12345678901234 é1="1"><b: c="2"/><:d/></a12345678901234>`)
	f.Add("/form/", `pan=4012+8888+8888+1881&errorcode=0`)
	f.Fuzz(func(t *testing.T, path, body string) {
		kind := ""
		if path == "/form/" {
			kind = typeForm
		}
		p, err := parse(path, kind, []byte(body))
		if err != nil {
			return
		}
		b := newMasker().masked(p)
		require.False(t, holdsCard(string(b.JSON)+"|"+b.XML+"|"+b.Form), body)
		again := b.parsed()
		require.Equal(t, p.json.Kind, again.json.Kind)
		require.Equal(t, p.xml == nil, again.xml == nil)
		if p.json.Kind == wire.Object {
			require.Len(t, again.json.Members, len(p.json.Members))
		}
	})
}

package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]struct{ good, bad []string }{
		"billingfirstname":      {[]string{"", "Å\r\n\t'(|]><[\\\"", strings.Repeat("é", 127)}, []string{strings.Repeat("é", 128)}},
		"billingemail":          {[]string{"", "a@example.com", "a+b@mail.example.com"}, []string{"a", "@example.com", "a@", "a@example", "a@b@example.com", "a b@example.com", "a@example.com.", "a@.com"}},
		"billingcountryiso2a":   {[]string{"GB"}, []string{"gb", "GBR", "1A"}},
		"billingtelephonetype":  {[]string{"H", "M", "W"}, []string{"X", "HM"}},
		"customerip":            {[]string{"192.0.2.7", "2001:db8::1"}, []string{"192.0.2", "host", "192.0.2.7:80"}},
		"billingdob":            {[]string{"1980-02-29"}, []string{"1981-02-29", "1/2/1980"}},
		"successfulurlredirect": {[]string{"https://shop.example.com/ok?a=b", "http://127.0.0.1:1/"}, []string{"shop.example.com/ok", "ftp://example.com", "https://", "javascript:x"}},
		"customfield5":          {[]string{"anything\n"}, []string{strings.Repeat("x", 256)}},
		"anything else":         {[]string{strings.Repeat("x", 5000)}, nil},
	} {
		for _, value := range values.good {
			require.True(t, rules.Check(name, value), "%s %q", name, value)
		}
		for _, value := range values.bad {
			require.False(t, rules.Check(name, value), "%s %q", name, value)
		}
	}
	require.True(t, rules.Private("nationalid"))
	require.False(t, rules.Private("billingdob"))
	require.False(t, rules.Known("pan"))
	require.IsIncreasing(t, rules.Names())
}

func TestMainAmount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, currency string
		amount         int64
		ok             bool
	}{
		{"10.50", "GBP", 1050, true},
		{"10.5", "GBP", 1050, true},
		{"10", "GBP", 1000, true},
		{"0.01", "GBP", 1, true},
		{"10", "JPY", 10, true},
		{"1.234", "KWD", 1234, true},
		{"10.505", "GBP", 0, false},
		{"10.5", "JPY", 0, false},
		{"10.", "GBP", 0, false},
		{".5", "GBP", 0, false},
		{"-1", "GBP", 0, false},
		{"1,000", "GBP", 0, false},
		{"", "GBP", 0, false},
		{"99999999999.99", "GBP", 9999999999999, true},
		{"999999999999.99", "GBP", 0, false},
		{"1.2.3", "KWD", 0, false},
	} {
		amount, ok := rules.MainAmount(c.text, c.currency)
		require.Equal(t, c.ok, ok, c)
		if ok {
			require.Equal(t, c.amount, amount, c)
		}
	}
}

// FuzzMainAmount reads back what Main writes, and never takes what has too
// many digits.
func FuzzMainAmount(f *testing.F) {
	f.Add("10.50", "GBP")
	f.Add("10", "JPY")
	f.Add("1.234", "KWD")
	f.Fuzz(func(t *testing.T, text, currency string) {
		amount, ok := rules.MainAmount(text, currency)
		if !ok {
			return
		}
		require.GreaterOrEqual(t, amount, int64(0))
		again, ok := rules.MainAmount(rules.Main(amount, currency), currency)
		require.True(t, ok)
		require.Equal(t, amount, again)
	})
}

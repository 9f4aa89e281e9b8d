package currency_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]payment.Amount{
		"12.50 GBP":                {Minor: 1250, Currency: "GBP"},
		"0.05 EUR":                 {Minor: 5, Currency: "EUR"},
		"0.50 EUR":                 {Minor: 50, Currency: "EUR"},
		"-0.05 EUR":                {Minor: -5, Currency: "EUR"},
		"1250 JPY":                 {Minor: 1250, Currency: "JPY"},
		"1.250 KWD":                {Minor: 1250, Currency: "KWD"},
		`1250 minor units of "XX"`: {Minor: 1250, Currency: "XX"},
	} {
		require.Equal(t, want, currency.Format(a))
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	require.True(t, currency.Known("GBP"))
	require.False(t, currency.Known("XXQ"))
	require.False(t, currency.Known(""))
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for code, digits := range map[string]int{"GBP": 2, "JPY": 0, "KWD": 3, "XXQ": 2} {
		require.Equal(t, digits, currency.Digits(code), code)
	}
}

package payment

import (
	"errors"
	"fmt"
)

// MaxMinor is the largest amount of one transaction, in minor units: gateways
// take thirteen digits.
const MaxMinor = 9_999_999_999_999

// Amount is money as an integer count of the currency's minor unit (pence,
// cents; whole yen), together with its ISO 4217 code.
type Amount struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"`
}

// ErrAmount is what every refusal of an amount wraps.
var ErrAmount = errors.New("amount not acceptable")

// Validate refuses an amount that can't be charged. Whether the three letters
// are a currency that exists is for the caller to check: the list of
// currencies changes, and this package has none.
func (a Amount) Validate() error {
	switch {
	case a.Minor <= 0:
		return fmt.Errorf("%w: %d minor units; it must be more than zero", ErrAmount, a.Minor)
	case a.Minor > MaxMinor:
		return fmt.Errorf("%w: %d minor units; the most is %d", ErrAmount, a.Minor, int64(MaxMinor))
	case !isCurrencyCode(a.Currency):
		return fmt.Errorf("%w: currency %q; it must be three capital letters of ISO 4217", ErrAmount, a.Currency)
	}
	return nil
}

// String prints the minor units, and says so: package currency writes amounts
// the way people read them.
func (a Amount) String() string { return fmt.Sprintf("%d minor units of %s", a.Minor, a.Currency) }

func isCurrencyCode(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

package currency

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/Rhymond/go-money"

	"github.com/chargehand/chargehand/shared/payment"
)

// Known reports whether the code is one of ISO 4217.
func Known(code string) bool { return money.GetCurrency(code) != nil }

// Digits is how many digits of an amount are behind the point: 2 for GBP, 0 for
// JPY, and 2 for codes that it does not know.
func Digits(code string) int {
	if c := money.GetCurrency(code); c != nil {
		return c.Fraction
	}
	return 2
}

// Format writes an amount for people: "12.50 GBP", "1250 JPY". An amount in a
// currency that is not known is given in minor units, and says so.
func Format(a payment.Amount) string {
	c := money.GetCurrency(a.Currency)
	if c == nil {
		return fmt.Sprintf("%d minor units of %q", a.Minor, a.Currency)
	}
	digits := strconv.FormatInt(a.Minor, 10)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if c.Fraction > 0 {
		if missing := c.Fraction + 1 - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		at := len(digits) - c.Fraction
		digits = digits[:at] + "." + digits[at:]
	}
	return sign + digits + " " + a.Currency
}

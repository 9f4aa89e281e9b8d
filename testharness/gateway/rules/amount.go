package rules

import (
	"strconv"
	"strings"

	"github.com/chargehand/chargehand/shared/currency"
)

// maxDigits is the longest amount of minor units.
const maxDigits = 13

// Amount reads an amount of minor units: 1 to 13 digits.
func Amount(text string) (int64, bool) {
	if !Digits(text, maxDigits) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// MainAmount reads an amount of main units ("10.50", "10", at most 14
// characters) as minor units of the currency. More digits behind the point
// than the currency has are refused.
func MainAmount(text, code string) (int64, bool) {
	whole, part, point := strings.Cut(text, ".")
	minor := currency.Digits(code)
	if whole == "" || len(text) > maxDigits+1 || point && part == "" || len(part) > minor {
		return 0, false
	}
	return Amount(whole + part + strings.Repeat("0", minor-len(part)))
}

// Main writes an amount of minor units as main units.
func Main(amount int64, code string) string {
	minor := currency.Digits(code)
	text := strconv.FormatInt(amount, 10)
	if minor == 0 {
		return text
	}
	if missing := minor + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	return text[:len(text)-minor] + "." + text[len(text)-minor:]
}

// Digits says whether the text is 1 to limit digits and nothing else.
func Digits(text string, limit int) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != "" && len(text) <= limit
}

package gateway

import (
	"maps"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

// card is what the gateway keeps of a card: never its number.
type card struct {
	masked      string
	paymentType string
	country     string // of the issuer, ISO 3166; ZZ when unknown
	declines    bool
}

// testCards are the only numbers that are accepted. The real test bank takes
// any number with a right check digit; here a number that might be someone's
// must not even get in.
var testCards = map[string]card{
	"4111111111111111": {paymentType: "VISA", country: "US"},
	"4111110000000211": {paymentType: "VISA", country: "US"},
	"4000000000000671": {paymentType: "VISA", country: "US"},
	"4000000000000721": {paymentType: "VISA", country: "US"},
	"4000100011112224": {paymentType: "VISA", country: "ZZ"},
	"4900490000000501": {paymentType: "VISA", country: "GB"},
	"4900490000000519": {paymentType: "VISA", country: "GB"},
	"5100000000000511": {paymentType: "MASTERCARD", country: "GB"},
	"5591390000000504": {paymentType: "MASTERCARD", country: "GB"},
	"5591390000000520": {paymentType: "MASTERCARD", country: "GB"},
	"340000000004001":  {paymentType: "AMEX", country: "US"},
	"340000000004019":  {paymentType: "AMEX", country: "US"},
	"6573700000000009": {paymentType: "DISCOVER", country: "US"},
	"6599999900000313": {paymentType: "DISCOVER", country: "US"},
	"4000000000000812": {paymentType: "VISA", country: "US", declines: true},
	"4242424242424242": {paymentType: "VISA", country: "US", declines: true},
	"4000000000000002": {paymentType: "VISA", country: "US", declines: true},
}

// TestCards are the numbers of the test cards, sorted.
func TestCards() []string { return slices.Sorted(maps.Keys(testCards)) }

// findCard returns what is kept of a card's number. Others than the test cards
// are taken only if any is to be, and if the check digit is right.
func findCard(number string, anyCard bool) (card, bool) {
	c, ok := testCards[number]
	if !ok && anyCard && isCardNumber(number) {
		c, ok = card{paymentType: paymentType(number), country: "ZZ"}, true
	}
	if !ok {
		return card{}, false
	}
	c.masked = mask(number)
	return c, true
}

// mask leaves the first six and the last four digits.
func mask(number string) string {
	if len(number) < 12 {
		return strings.Repeat("#", len(number))
	}
	return number[:6] + strings.Repeat("#", len(number)-10) + number[len(number)-4:]
}

// isCardNumber checks length and check digit (Luhn).
func isCardNumber(number string) bool {
	if len(number) < 12 || !rules.Digits(number, 19) {
		return false
	}
	sum := 0
	for i := range len(number) {
		n := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// paymentType guesses the scheme by the first digits.
func paymentType(number string) string {
	switch {
	case number[0] == '4':
		return "VISA"
	case strings.HasPrefix(number, "34"), strings.HasPrefix(number, "37"):
		return "AMEX"
	case strings.HasPrefix(number, "6"):
		return "DISCOVER"
	case strings.HasPrefix(number, "35"):
		return "JCB"
	case number[0] == '3':
		return "DINERS"
	default:
		return "MASTERCARD"
	}
}

// securityCodeResult is the outcome of the check of a security code: 0 not
// given, 2 matched, 4 not matched.
func securityCodeResult(code, paymentType string) string {
	switch {
	case code == "":
		return "0"
	case code == "123" && paymentType != "AMEX", code == "1234" && paymentType == "AMEX":
		return "2"
	default:
		return "4"
	}
}

// addressResult and postcodeResult know the test values; 1 is "not checked".
func addressResult(premise string) string {
	switch premise {
	case "":
		return "0"
	case "No 789":
		return "2"
	case "No 123":
		return "4"
	default:
		return "1"
	}
}

func postcodeResult(postcode string) string {
	switch postcode {
	case "":
		return "0"
	case "TR45 6ST", "55555":
		return "2"
	case "TR12 3ST", "12345":
		return "4"
	default:
		return "1"
	}
}

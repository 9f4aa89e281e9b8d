package record

// Card numbers have 13 to 19 digits.
const (
	minCard = 13
	maxCard = 19
)

// holdsCard tells whether a text holds what could be a card number: digits with
// a right check digit, next to each other or in groups.
func holdsCard(text string) bool {
	digits := make([]byte, 0, 64)
	gap := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits, gap = append(digits, c-'0'), 0
			if endsInCard(digits) {
				return true
			}
		case separates(c) && gap < maxGap:
			gap++
		default:
			digits = digits[:0]
		}
		if len(digits) == cap(digits) {
			digits = append(digits[:0], digits[len(digits)-maxCard:]...)
		}
	}
	return false
}

// maxGap is how many separators in a row keep two groups together.
const maxGap = 3

func separates(c byte) bool {
	switch c {
	case ' ', '-', '\t', '\n', '\r', '_', '/':
		return true
	}
	return c >= 0x80 // blanks and dashes beyond ASCII, among others
}

// endsInCard tells whether the last 13 to 19 digits have a right check digit.
func endsInCard(digits []byte) bool {
	sum := 0
	for n := 1; n <= min(len(digits), maxCard); n++ {
		d := int(digits[len(digits)-n])
		if n%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		if sum += d; n >= minCard && sum%10 == 0 {
			return true
		}
	}
	return false
}

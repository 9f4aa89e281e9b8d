package pluginhost

import (
	"regexp"
	"strings"
)

const redacted = "********"

var (
	// Short words count only where they stand alone: "span" is no "pan".
	secretName = `(?:[a-z0-9_.-]*(?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key|authori[sz]ation|cookie|security_?code)` +
		`|(?:[a-z0-9]+[_.-])*(?:pwd|cvv2?|cvc|pan))`
	// secretKey is a name whose value is not for the log.
	secretKey = regexp.MustCompile(`(?i)^` + secretName + `$`)
	// secretPair is such a name with its value in running text.
	secretPair = regexp.MustCompile(`(?i)\b(` + secretName + `\\?"?\s*[:=]\s*)(\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|[^\s,;&}"]+)`)
	credential = regexp.MustCompile(`(?i)\b(basic|bearer)\s+[a-z0-9+/=._~-]{6,}`)
	cardNumber = regexp.MustCompile(`\b(?:\d{13,19}|\d{4}(?:[ -]\d{4}){2}[ -]\d{1,7})\b`)
)

// redact takes out of a line what looks like a secret or a card number. It is
// the second line: plugins must not write them in the first place.
func redact(s string) string {
	s = credential.ReplaceAllString(s, "$1 "+redacted)
	s = secretPair.ReplaceAllString(s, "${1}"+redacted)
	return cardNumber.ReplaceAllStringFunc(s, func(number string) string {
		if !luhn(number) {
			return number
		}
		return number[:6] + "######" + number[len(number)-4:]
	})
}

// luhn reports whether the digits among s have a card number's check digit.
func luhn(s string) bool {
	sum, double := 0, false
	for i := len(s) - 1; i >= 0; i-- {
		if !strings.ContainsRune("0123456789", rune(s[i])) {
			continue
		}
		digit := int(s[i] - '0')
		if double {
			digit *= 2
			if digit > 9 {
				digit -= 9
			}
		}
		sum += digit
		double = !double
	}
	return sum%10 == 0
}

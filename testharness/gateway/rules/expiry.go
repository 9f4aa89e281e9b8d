package rules

import "time"

// Expiry reads an expiry date, MM/YYYY or MM/YY, and returns it as MM/YYYY.
func Expiry(text string) (string, bool) {
	t, err := time.Parse("01/2006", text)
	if err != nil {
		if t, err = time.Parse("01/06", text); err != nil {
			return "", false
		}
	}
	return t.Format("01/2006"), true
}

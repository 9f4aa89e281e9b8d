package myst

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

// text is a field of a form, without spaces around it.
func text(r *http.Request, name string) string { return strings.TrimSpace(r.PostFormValue(name)) }

// ticked tells whether a box of a form is.
func ticked(r *http.Request, name string) bool { return r.PostFormValue(name) != "" }

// words are the parts of a field that are parted by spaces, commas or
// semicolons, as MyST takes addresses.
func words(s string) []string {
	parts := strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(" \t\r\n,;", c) })
	if len(parts) == 0 {
		return nil
	}
	return parts
}

// amount reads what people write, "10.50", in minor units of a currency.
func amount(s, code string) (int64, error) {
	minor, ok := rules.MainAmount(s, code)
	if !ok {
		return 0, fmt.Errorf("amount %q: write it like 10.50, with as many digits as the currency has", s)
	}
	return minor, nil
}

// number reads a whole number that is not negative; an empty one is zero.
func number(s, what string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s %q: a whole number, not less than zero", what, s)
	}
	return n, nil
}

// date reads a day, which an empty text is none of.
func date(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return at, fmt.Errorf("date %q: write it as YYYY-MM-DD", s)
	}
	return at, nil
}

// duration writes a duration, and nothing for none.
func duration(d gateway.Duration) string {
	if d == 0 {
		return ""
	}
	return time.Duration(d).String()
}

// positive writes a number, and nothing for zero.
func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

package rules

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// rule is what one field's value must be. An empty value is as good as none.
type rule struct {
	max int
	is  func(string) bool // nil: any characters
	// private fields are checked and then forgotten.
	private bool
}

// fields are the fields that are free for the caller to fill, and that a
// payment keeps beside what it needs itself.
var fields = func() map[string]rule {
	all := map[string]rule{
		"billingdob":          {max: 10, is: IsDate},
		"nationalid":          {max: 255, private: true},
		"customerip":          {max: 39, is: isAddress},
		"customerforwardedip": {max: maxText},
		"merchantemail":       {max: 255, is: isEmail},
		"chargedescription":   {max: maxText},
		// Where the customer of a redirect method is sent back to.
		"successfulurlredirect": {max: 2048, is: IsURL},
		"errorurlredirect":      {max: 2048, is: IsURL},
	}
	for _, n := range "12345" {
		all["customfield"+string(n)] = rule{max: maxText}
	}
	for _, of := range []string{"billing", "customer"} {
		for name, r := range map[string]rule{
			"prefixname": {max: 25}, "firstname": {max: 127}, "middlename": {max: 127}, "lastname": {max: 127}, "suffixname": {max: 25},
			"premise": {max: 25}, "street": {max: 127}, "town": {max: 127}, "county": {max: 127}, "postcode": {max: 25},
			"countryiso2a": {max: 2, is: IsCountry}, "email": {max: 255, is: isEmail}, "telephone": {max: 20},
			"telephonetype": {max: 1, is: isTelephoneType},
		} {
			all[of+name] = r
		}
	}
	return all
}()

// maxText bounds the fields whose limit nobody published.
const maxText = 255

var names = func() []string {
	out := make([]string, 0, len(fields))
	for name := range fields {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}()

// Names lists the fields that Check knows, sorted. The slice is shared: don't
// change it.
func Names() []string { return names }

// Known tells whether Check knows a field.
func Known(name string) bool { _, ok := fields[name]; return ok }

// Private tells whether a field's value must not be kept.
func Private(name string) bool { return fields[name].private }

// Check tells whether a field may have that value. Fields that it does not
// know may have any.
func Check(name, value string) bool {
	r, known := fields[name]
	return !known || value == "" || utf8.RuneCountInString(value) <= r.max && (r.is == nil || r.is(value))
}

// IsDate tells whether the text is a day, YYYY-MM-DD.
func IsDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// IsCountry tells whether the text looks like a country of ISO 3166, AA.
func IsCountry(s string) bool { return len(s) == 2 && capitals(s) }

// IsCurrency tells whether the text looks like a currency of ISO 4217, AAA.
func IsCurrency(s string) bool { return len(s) == 3 && capitals(s) }

func capitals(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// IsURL tells whether the text is a whole address of the web.
func IsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func isTelephoneType(s string) bool { return s == "H" || s == "M" || s == "W" }

// isEmail takes what has one @ with a name before and a host behind it.
func isEmail(s string) bool {
	name, host, found := strings.Cut(s, "@")
	return found && name != "" && host != "" && !strings.ContainsAny(host, "@") && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' }) &&
		strings.Contains(strings.Trim(host, "."), ".") && !strings.HasPrefix(host, ".") && !strings.HasSuffix(host, ".")
}

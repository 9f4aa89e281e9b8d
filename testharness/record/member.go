package record

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

// forms are the members whose values may be kept, and what a value must be for
// that. None of these forms has room for a name, a secret or a card number.
var forms = func() map[string]func(string) bool {
	out := map[string]func(string) bool{}
	add := func(is func(string) bool, names string) {
		for name := range strings.FieldsSeq(names) {
			out[name] = is
		}
	}
	like := func(pattern, names string) { add(regexp.MustCompile("^(?:"+pattern+")$").MatchString, names) }
	like(`[0-9]\.[0-9]{1,2}`, "version acceptcustomeroutput")
	like(`[A-Z]{3,20}(?:[ ,][A-Z]{3,20}){0,7}`, "requesttypedescription requesttypedescriptions")
	like(`[A-Z]{2,20}`, "accounttypedescription paymenttypedescription customeroutput symbol")
	like(`[0-9]{1,5}`, "errorcode subscriptionnumber subscriptionfrequency subscriptionfinalnumber found fraudrating")
	like(`[0-9]{1,9}`, "baseamount settlebaseamount")
	like(`[0-9]{1,7}(?:\.[0-9]{1,3})?`, "mainamount settlemainamount dccbaseamount")
	like(`[A-Z]{3}`, "currencyiso3a dcccurrencyiso3a")
	like(`[A-Z]{2}`, "issuercountryiso2a merchantcountryiso2a billingcountryiso2a customercountryiso2a")
	like(`[0-9]{1,3}`, "settlestatus")
	like(`[0-9]`, "credentialsonfile livestatus securityresponseaddress securityresponsepostcode securityresponsesecuritycode "+
		"splitfinalnumber dccenabled transactionactive debtrepayment acquireradvicecode")
	like(`[A-Z]`, "initiationreason billingtelephonetype customertelephonetype enrolled status")
	like(`RECURRING|INSTALLMENT`, "subscriptiontype")
	like(`DAY|MONTH`, "subscriptionunit")
	like(`FINAL|PRE|INCREMENTAL`, "authmethod")
	like(`TEST ?[0-9]{2}|(?:TEST )?REFUND ACCEPTED|DECLINED`, "authcode")
	like(`[A-Z]?[0-9]{1,2}`, "acquirerresponsecode eci")
	like(`[A-Z]{2,8}(?:-[A-Z]{2,8}){1,2}`, "interface")
	add(func(s string) bool { return s != "" && gateway.IsMessage(s) }, "errormessage")
	add(isHint, "errordata")
	add(isTime(time.DateOnly), "settleduedate subscriptionbegindate")
	add(isTime(timestamp), "transactionstartedtimestamp settledtimestamp starttimestamp endtimestamp")
	return out
}()

// timestamp is how the service writes times, all in UTC.
const timestamp = "2006-01-02 15:04:05"

// isTime takes the times of this layout that a gateway can mean.
func isTime(layout string) func(string) bool {
	return func(s string) bool {
		t, err := time.Parse(layout, s)
		return err == nil && len(s) == len(layout) && t.Year() >= 2000 && t.Year() < 2100
	}
}

// isHint takes what errordata names: a member, or one of three fixed texts.
func isHint(s string) bool {
	return slices.Contains([]string{"None", "invalid json", "invalid xml"}, s) || known[s]
}

// known are the names of all members there are.
var known = func() map[string]bool {
	out := map[string]bool{}
	for _, paths := range []map[string]string{xmlblock.RequestPaths(), xmlblock.AnswerPaths()} {
		for name := range paths {
			out[name] = true
		}
	}
	for name := range strings.FieldsSeq("alias version request response filter updates requesttypedescriptions starttimestamp endtimestamp") {
		out[name] = true
	}
	return out
}()

// pseudonyms are the members that lead from one exchange to another, and those
// that name who calls.
var pseudonyms = map[string]func(m *masker, text string) string{
	"transactionreference":       transactionName,
	"parenttransactionreference": transactionName,
	"orderreference":             plainName,
	"requestreference":           plainName,
	"alias":                      plainName,
	"operatorname":               plainName,
	"cachetoken":                 plainName,
	"md":                         plainName,
	"sitereference":              func(m *masker, text string) string { return m.pseudonym(text, site) },
}

func transactionName(m *masker, text string) string { return m.pseudonym(text, reference) }

func plainName(m *masker, text string) string { return m.pseudonym(text, shape) }

// truncated are the test cards by their first six and last four digits,
// shortened the other way round.
var truncated, shortened = func() (by, of map[string]string) {
	by, of = map[string]string{}, map[string]string{}
	for _, number := range gateway.TestCards() {
		short := truncate(number)
		by[short], of[number] = number, short
	}
	return by, of
}()

func truncate(number string) string {
	return number[:6] + strings.Repeat("#", len(number)-10) + number[len(number)-4:]
}

// value is what is written of a member's text.
func (m *masker) value(name, text string) string {
	switch is := forms[name]; {
	case text == "" || is != nil && is(text):
		return text
	case name == "pan" && shortened[text] != "":
		return shortened[text]
	case (name == "pan" || name == "maskedpan") && truncated[text] != "":
		return text
	}
	if hide := pseudonyms[name]; hide != nil {
		return hide(m, text)
	}
	return m.mask(text)
}

// json masks one value of a JSON document that holds no others.
func (m *masker) json(name string, v wire.Value) wire.Value {
	switch v.Kind {
	case wire.String:
		v.Text = m.value(name, v.Text)
	case wire.Number:
		if is := forms[name]; is == nil || !is(v.Text) {
			v.Text = m.number(v.Text)
		}
	}
	return v
}

var plainMember = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{1,39}[0-9]{0,2}[a-z]?$`)

// name is what is written of a member's name. New ones are kept if they look
// like those of the service: they are what a recording is made to find.
func (m *masker) name(name string) string {
	if known[name] || plainMember.MatchString(name) {
		return name
	}
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '.' {
			return c
		}
		return '_' // a name in XML, too
	}, m.mask(name))
}

package trustpayments

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// kept are the members of an element that may be kept as evidence: what tells
// the state of a payment. Names, addresses and whatever else the gateway adds
// are left out by not being here.
var kept = []string{
	"requesttypedescription", "errorcode", "errormessage",
	"transactionreference", "parenttransactionreference", "orderreference", "sitereference",
	"baseamount", "currencyiso3a", "settlestatus", "settlebaseamount", "settleduedate", "settledtimestamp", "transactionstartedtimestamp",
	"livestatus", "accounttypedescription", "paymenttypedescription", "maskedpan", "issuercountryiso2a",
	"credentialsonfile", "initiationreason", "subscriptiontype", "subscriptionnumber", "authmethod",
	"authcode", "acquirerresponsecode", "acquirerresponsemessage", "acquireradvicecode", "schemereferencedata",
	"securityresponseaddress", "securityresponsepostcode", "securityresponsesecuritycode",
	"retrievalreferencenumber", "stan", "fraudrating", "found",
}

// freeText are those of them that hold whatever the gateway or a bank writes.
var freeText = map[string]bool{"errormessage": true, "acquirerresponsemessage": true, "authcode": true}

// maxText is the longest text kept of one member, in bytes.
const maxText = 255

// evidence is what is kept of an answer: JSON, at most payment.MaxEvidence
// bytes, without secrets and personal data.
type evidence struct {
	HTTPStatus       int              `json:"http_status,omitempty"`
	Failure          string           `json:"failure,omitempty"`
	RequestReference string           `json:"requestreference,omitempty"`
	Response         []map[string]any `json:"response,omitempty"`
	Left             int              `json:"left_out,omitempty"` // elements there was no room for
}

func newEvidence(a webservices.Answer, secrets ...string) evidence {
	ev := evidence{HTTPStatus: 200, RequestReference: clip(a.RequestReference, maxText)}
	for _, e := range a.Elements {
		ev.Response = append(ev.Response, redacted(e, secrets))
	}
	return ev
}

// redacted keeps what may be kept of an element.
func redacted(e webservices.Element, secrets []string) map[string]any {
	out := map[string]any{}
	for _, name := range kept {
		value := e.Get(name)
		switch {
		case value == "":
			continue
		case freeText[name]:
			value = cleaned(value, secrets)
		case name == "maskedpan":
			value = maskedCard(value)
		}
		out[name] = clip(value, maxText)
	}
	if fields := fieldNames(e.ErrorData); len(fields) > 0 {
		out["errordata"] = fields
	}
	return out
}

// String gives the JSON. What there is no room for is counted.
func (ev evidence) String() string {
	for {
		text, err := json.Marshal(ev)
		if err != nil {
			return "" // maps of texts can always be written
		}
		if len(text) <= payment.MaxEvidence {
			return string(text)
		}
		// Halving finds the size in a few steps, whatever the elements weigh.
		keep := len(ev.Response) / 2
		ev.Left += len(ev.Response) - keep
		ev.Response = ev.Response[:keep]
	}
}

// longNumber is what could be a card number, also one written in groups.
var longNumber = regexp.MustCompile(`[0-9](?:[ -]?[0-9]){11,18}`)

// cleaned makes free text fit to be kept: no card number, and none of the
// secrets, should the gateway repeat them.
func cleaned(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "********")
		}
	}
	return clip(longNumber.ReplaceAllString(text, "[number]"), maxText)
}

// maskedCard gives a masked card number as it is, unless it is not masked.
func maskedCard(s string) string {
	digits := 0
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			digits++
		}
	}
	if digits > 10 || len(s) > 25 {
		return ""
	}
	return s
}

// clip cuts a text to so many bytes, between two characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return strings.ToValidUTF8(s, "?")
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.ToValidUTF8(s[:most], "?")
}

package gateway

import (
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// cardTypes are the payment types of cards that callers may name. The number
// decides, whatever they name.
var cardTypes = []string{
	"", "VISA", "DELTA", "ELECTRON", "PURCHASING", "VPAY", "MASTERCARD", "MASTERCARDDEBIT", "AMEX", "MAESTRO", "DISCOVER", "DINERS", "JCB",
}

func isCardType(name string) bool { return slices.Contains(cardTypes, name) }

// readCard reads the card of a request: by number, by token, or none, if the
// parent has one.
func (p *payment) readCard(e *element, anyCard bool) (bad string) {
	p.checks = [3]string{addressResult(e.text("billingpremise")), postcodeResult(e.text("billingpostcode")), "0"}
	number := e.Get("pan")
	token := e.Get("cachetoken")
	switch {
	case token.Kind != wire.Absent && token.Kind != wire.String:
		return "cachetoken"
	case number.Kind == wire.Absent && token.Text != "":
		switch {
		case p.chained: // spent by what came before
		case p.parent != "":
			return "cachetoken"
		default:
			p.token = unwrapToken(token.Text)
		}
		return ""
	case p.parent != "" && !p.chained && number.Kind != wire.Absent:
		return "pan"
	case p.parent != "" && number.Kind == wire.Absent:
		return ""
	}
	p.hasCard = true
	p.card, p.expiry, p.checks[2], bad = readNumber(e, anyCard)
	return bad
}

// readNumber reads a card number and what belongs to it. The number itself is
// forgotten.
func readNumber(e *element, anyCard bool) (c card, expiry, security, bad string) {
	number := e.Get("pan")
	if number.Kind != wire.String {
		return c, "", "", "pan"
	}
	var ok bool
	if c, ok = findCard(number.Text, anyCard); !ok {
		return c, "", "", "pan"
	}
	if expiry, bad = readExpiry(e); bad != "" {
		return c, "", "", bad
	}
	code := e.Get("securitycode")
	if code.Kind != wire.Absent && (code.Kind != wire.String || code.Text != "" && (!rules.Digits(code.Text, 4) || len(code.Text) < 3)) {
		return c, "", "", "securitycode"
	}
	return c, expiry, securityCodeResult(code.Text, c.paymentType), ""
}

// readExpiry takes expirydate, or expirymonth and expiryyear.
func readExpiry(e *element) (expiry, bad string) {
	text, name := e.text("expirydate"), "expirydate"
	if e.Get("expirydate").Kind == wire.Absent && e.Get("expirymonth").Kind != wire.Absent {
		month := e.text("expirymonth")
		if len(month) == 1 {
			month = "0" + month
		}
		text, name = month+"/"+e.text("expiryyear"), "expirymonth"
		if strings.HasSuffix(text, "/") {
			name = "expiryyear"
		}
	}
	expiry, ok := rules.Expiry(text)
	if !ok {
		return "", name
	}
	return expiry, ""
}

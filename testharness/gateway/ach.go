package gateway

import (
	"slices"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

const typeACH = "ACH"

// readACH checks a debit of a bank account. Neither number is kept.
func readACH(p *payment, e *element) (bad string) {
	p.card = card{paymentType: typeACH}
	p.hasCard = true
	switch {
	case p.parent != "":
		return "parenttransactionreference"
	case len(e.text("achaba")) != 9 || !rules.Digits(e.text("achaba"), 9):
		return "achaba"
	case !rules.Digits(e.text("achaccountnumber"), 17):
		return "achaccountnumber"
	case e.text("achchecknumber") != "" && !rules.Digits(e.text("achchecknumber"), 15):
		return "achchecknumber"
	case !slices.Contains([]string{"SAVINGS", "CHECKING", "CORPORATE"}, e.text("achtype")):
		return "achtype"
	}
	return ""
}

// acceptACH takes it. g.mu is held.
func (g *Gateway) acceptACH(t *transaction) {
	t.acquirerCode, t.authCode, t.message = "A01", "", "APPROVED"
}

package gateway

import (
	"slices"
	"strconv"
)

const typeTrustly = "TRUSTLY"

var trustlyCountries = []string{"DK", "EE", "ES", "FI", "IT", "NO", "PL", "SE"}

// readTrustly checks what a bank transfer by Trustly needs. It can't name a
// parent: each one needs the customer.
func readTrustly(p *payment, e *element) (bad string) {
	p.card = card{paymentType: typeTrustly}
	p.hasCard = true
	switch {
	case p.parent != "":
		return "parenttransactionreference"
	case e.text("successfulurlredirect") == "":
		return "successfulurlredirect"
	case e.text("errorurlredirect") == "":
		return "errorurlredirect"
	case e.text("billingfirstname")+e.text("billingmiddlename")+e.text("billinglastname") == "":
		return "billingfirstname"
	case !slices.Contains(trustlyCountries, e.text("billingcountryiso2a")):
		return "billingcountryiso2a"
	case e.text("customerip") == "":
		return "customerip"
	}
	p.transfer = &transfer{}
	return ""
}

// startTransfer sends the customer to the bank: nothing is paid yet. g.mu is
// held.
func (g *Gateway) startTransfer(t *transaction) {
	t.status = StatusSettling
	t.acquirerCode, t.authCode, t.message = "", "", messagePending
	t.transfer.Session = randomText(g.rng, 16)
	t.transfer.Secret = randomText(g.rng, 32)
	t.transfer.Acquirer = strconv.FormatInt(1_000_000_000+g.rng.Int64N(9_000_000_000), 10)
}

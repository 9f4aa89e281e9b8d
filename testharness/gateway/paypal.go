package gateway

const typePayPal = "PAYPAL"

// readPayPal checks a payment of an order; the order itself needs less.
func readPayPal(p *payment, e *element) (bad string) {
	p.card = card{paymentType: typePayPal}
	p.hasCard = true
	switch {
	case p.kind != typeAuth:
		return ""
	case p.parent == "":
		return "parenttransactionreference"
	case p.chained:
		return ""
	case e.text("paypaltoken") == "":
		return "paypaltoken"
	case e.text("paypalpayerid") != payerID(e.text("paypaltoken")):
		return "paypalpayerid"
	}
	return ""
}

// acceptPayPal takes the money of an order. g.mu is held.
func (g *Gateway) acceptPayPal(t *transaction) {
	t.authCode = ""
	t.notes = append(t.notes, detail{"paypaltransactionid", randomText(g.rng, 17)})
	if t.status == StatusSettled {
		t.settled = t.started
	}
}

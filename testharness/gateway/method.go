package gateway

import "slices"

// method is a way to pay that is no card.
type method struct {
	// kinds of requests that it is for.
	kinds []string
	// currencies that it exists for; empty means any.
	currencies []string
	// read checks what it needs, and returns the name of the first field that
	// is wrong.
	read func(p *payment, e *element) (bad string)
	// route is the middle number of its references.
	route string
	// accepted completes an AUTH that was approved. g.mu is held.
	accepted func(g *Gateway, t *transaction)
	// inherits lets an AUTH leave out what its parent has, atOnce lets it ask
	// for settle status 100.
	inherits, atOnce bool
	// refunds says that they are possible, repeats that an AUTH can be a parent.
	refunds, repeats bool
}

// methods are the payment types other than cards, by paymenttypedescription.
var methods = map[string]*method{
	typeTrustly: {
		kinds: []string{typeAuth}, currencies: []string{"DKK", "EUR", "NOK", "PLN", "SEK"}, read: readTrustly, route: "86",
		accepted: (*Gateway).startTransfer, refunds: true,
	},
	typeSofort: {kinds: []string{typeAuth}, currencies: []string{"EUR"}, read: readSofort, route: "86", accepted: (*Gateway).startTransfer},
	typeACH: {
		kinds: []string{typeAuth}, currencies: []string{"USD"}, read: readACH, route: "9", accepted: (*Gateway).acceptACH,
		refunds: true, repeats: true,
	},
	typePayPal: {
		kinds: []string{typeOrder, typeOrderDetails, typeAuth}, read: readPayPal, route: "9", accepted: (*Gateway).acceptPayPal,
		inherits: true, atOnce: true, refunds: true,
	},
}

// has says whether there is an account for the method.
func (m *method) has(kind, account, currency string) bool {
	return slices.Contains(m.kinds, kind) && account == "ECOM" && (len(m.currencies) == 0 || slices.Contains(m.currencies, currency))
}

// once says that a payment by this method is no parent of another.
func (m *method) once() bool { return m != nil && !m.repeats }

// method is how a transaction was paid, nil for cards.
func (t *transaction) method() *method { return methods[t.card.paymentType] }

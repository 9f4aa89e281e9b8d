package gateway

import "slices"

// method is a way to pay that is no card.
type method struct {
	// currencies that it exists for; empty means any.
	currencies []string
	// read checks what it needs, and returns the name of the first field that
	// is wrong.
	read func(p *payment, e *element) (bad string)
	// route is the middle number of its references.
	route string
	// accepted completes a transaction that the bank takes. g.mu is held.
	accepted func(g *Gateway, t *transaction)
}

// methods are the payment types other than cards, by paymenttypedescription.
var methods = map[string]*method{
	typeTrustly: {
		currencies: []string{"DKK", "EUR", "NOK", "PLN", "SEK"}, read: readTrustly, route: "86", accepted: (*Gateway).startTransfer,
	},
}

// has says whether there is an account for the method.
func (m *method) has(kind, account, currency string) bool {
	return kind == typeAuth && account == "ECOM" && (len(m.currencies) == 0 || slices.Contains(m.currencies, currency))
}

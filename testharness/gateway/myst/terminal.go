package myst

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// terminalPage is the Virtual Terminal.
type terminalPage struct {
	frame
	Sites []gateway.Site
	Cards []testCard
	// Form is what was typed in, but for the card.
	Form url.Values
	Card string
}

// testCard is a card that is offered.
type testCard struct{ Number, Name string }

// testCards are some of the published ones; others can be typed in.
var testCards = []testCard{
	{"4111111111111111", "Visa, approves"},
	{"5100000000000511", "Mastercard, approves"},
	{"340000000004001", "American Express, approves"},
	{"4000000000000671", "Visa, gets updated"},
	{"4000000000000812", "Visa, declines"},
	{"4242424242424242", "Visa, declines"},
}

func (p *portal) terminalPage(r *http.Request) *terminalPage {
	return &terminalPage{
		frame: p.frame(r, "terminal", "Virtual Terminal"), Sites: p.g.Sites(), Cards: testCards,
		Form: url.Values{"type": {"AUTH"}, "amount": {"0.01"}, "currency": {"GBP"}, "stored": {"1"}, "settlestatus": {"0"}},
	}
}

func (p *portal) terminal(w http.ResponseWriter, r *http.Request) {
	show(w, "terminal", p.terminalPage(r))
}

func (p *portal) enter(w http.ResponseWriter, r *http.Request) {
	entry, err := p.entered(r)
	if err == nil {
		leave(w, r, "/myst/transactions/"+url.PathEscape(entry.TransactionReference))
		return
	}
	t := p.terminalPage(r)
	t.Form, t.Wrong = r.PostForm, err.Error()
	if c := text(r, "card"); isOffered(c) {
		t.Card = c
	}
	refuse(w, "terminal", t)
}

// entered takes the payment. Expiry, order reference and due date may be left
// out.
func (p *portal) entered(r *http.Request) (gateway.Entry, error) {
	e := gateway.Entered{
		Site: text(r, "site"), Card: text(r, "card"), Expiry: text(r, "expiry"), Currency: text(r, "currency"), Type: text(r, "type"),
		OrderReference: text(r, "order"), SettleDueDate: text(r, "due"), Operator: gateway.Staff,
	}
	if other := text(r, "other"); other != "" {
		e.Card = other
	}
	if ticked(r, "stored") {
		e.CredentialsOnFile = "1"
	}
	var err error
	if e.SettleStatus, err = strconv.Atoi(text(r, "settlestatus")); err != nil {
		e.SettleStatus = -1 // refused with the words of the gateway
	}
	if e.Amount, err = amount(text(r, "amount"), e.Currency); err != nil {
		return gateway.Entry{}, err
	}
	return p.g.Enter(e)
}

// isOffered says whether a card is one that the page itself names: what else
// was typed in is not shown again.
func isOffered(number string) bool {
	for _, c := range testCards {
		if c.Number == number {
			return true
		}
	}
	return false
}

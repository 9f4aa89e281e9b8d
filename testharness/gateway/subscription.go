package gateway

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

// Values of transactionactive.
const (
	planInactive = 0
	planActive   = 1
	planPending  = 2 // until the first payment has settled
	planStopped  = 3 // for good
)

// plan is the series of payments that a SUBSCRIPTION asks for. Exported, for
// the journal.
type plan struct {
	Unit      string // DAY or MONTH
	Frequency int
	Final     int // number of the last payment; 0 is without end
	Number    int // of the last payment that was made
	Active    int
	Begin     time.Time
	// Next is the day of the next payment. While the plan is inactive it stays,
	// so that what was missed is caught up with later.
	Next time.Time
}

// readSubscription reads the series.
func readSubscription(p *payment, e *element) (bad string) {
	pl := &plan{Number: 1}
	if !slices.Contains([]string{"RECURRING", "INSTALLMENT"}, p.subscriptionType) {
		return "subscriptiontype"
	}
	if p.subscription == "" {
		p.subscription = "1"
	}
	for name, into := range map[string]*int{"subscriptionnumber": &pl.Number, "subscriptionfrequency": &pl.Frequency, "subscriptionfinalnumber": &pl.Final} {
		text := e.text(name)
		if name == "subscriptionnumber" {
			text = p.subscription
		}
		if name == "subscriptionfinalnumber" && text == "0" {
			continue
		}
		if !isCount(text) {
			return name
		}
		*into, _ = strconv.Atoi(text)
	}
	if pl.Unit = strings.Clone(e.text("subscriptionunit")); pl.Unit != "DAY" && pl.Unit != "MONTH" {
		return "subscriptionunit"
	}
	if text := e.text("subscriptionbegindate"); text != "" {
		begin, err := time.Parse(time.DateOnly, text)
		if err != nil || begin.Before(p.due) {
			return "subscriptionbegindate"
		}
		pl.Begin = begin
	}
	p.plan = pl
	return ""
}

// againstSubscription has the rules about parent and site. g.mu is held.
func (g *Gateway) againstSubscription(p *payment, parent *transaction, _ *Site) *refusal {
	switch {
	case parent == nil:
		return &refusal{code: codeInvalidField, data: []string{"parenttransactionreference"}}
	case parent.kind != typeAuth && parent.kind != typeAccountCheck:
		return &refusal{code: codeInvalidParent}
	case parent.code != codeOK, g.latest.Before(parent.doubt), parent.kind == typeAuth && parent.status == StatusCancelled:
		return &refusal{code: codeSubscriptionFailed}
	case parent.method().once():
		return &refusal{code: codeNoRepeats}
	case p.amount == 0:
		return &refusal{code: codeInvalidField, data: []string{"baseamount"}}
	}
	return nil
}

// subscribed starts the series. With a payment as parent it waits until that
// has settled. g.mu is held.
func (g *Gateway) subscribed(_ *payment, t, parent *transaction) {
	pl := *t.plan
	if pl.Active = planActive; parent.kind == typeAuth {
		pl.Active = planPending
	}
	if pl.Begin.IsZero() {
		pl.Begin = pl.after(startOfDay(t.started))
	}
	pl.Next = pl.Begin
	t.subscriptionNumber = strconv.Itoa(pl.Number)
	if pl.Final > 0 && pl.Number >= pl.Final && parent.kind == typeAuth {
		pl.Active = planStopped
	}
	t.plan = &pl
}

// after is the day of the payment after one on that day.
func (p *plan) after(at time.Time) time.Time {
	if p.Unit == "DAY" {
		return at.AddDate(0, 0, p.Frequency)
	}
	next := at.AddDate(0, p.Frequency, 0)
	// The 31st of a month that has none is its last day.
	if next.Day() != at.Day() {
		next = next.AddDate(0, 0, -next.Day())
	}
	return next
}

// begins is when a record says that it started: a subscription on its first
// day.
func (t *transaction) begins() time.Time {
	if t.plan != nil {
		return t.plan.Begin
	}
	return t.started
}

// subscriptions makes the payments that are due on the day that begins at that
// midnight, those that were missed included. g.mu is held.
func (g *Gateway) subscriptions(midnight time.Time) {
	for _, t := range g.book.plans {
		pl := *t.plan
		if pl.Active == planPending {
			switch parent := g.book.byRef[t.parent]; {
			case parent == nil, parent.status == StatusCancelled:
				pl.Active = planInactive
			case parent.status == StatusSettled:
				pl.Active = planActive
			}
		}
		g.setPlan(t, pl)
		for pl.Active == planActive && !pl.Next.After(midnight) {
			pl.Number++
			pl.Next = pl.after(pl.Next)
			if pl.Final > 0 && pl.Number >= pl.Final {
				pl.Active = planStopped
			}
			// First: a payment that a kill forgets is better than one made twice.
			g.setPlan(t, pl)
			g.book.add(g.instalment(t, pl.Number, midnight))
		}
	}
}

// setPlan takes over a plan that has changed. g.mu is held.
func (g *Gateway) setPlan(t *transaction, pl plan) {
	if pl != *t.plan {
		t.plan = &pl
		g.book.changed(t)
	}
}

// engine is the operator of what the subscription engine does.
const engine = "subscriptions"

// instalment charges the card of a subscription once more. g.mu is held.
func (g *Gateway) instalment(sub *transaction, number int, at time.Time) *transaction {
	fx := &effects{}
	if !g.script.empty() {
		scripted := g.script.act(&subject{kind: typeAuth, sites: []string{sub.site}, orders: []string{sub.order}, amount: sub.amount, hasAmount: true})
		fx = &scripted
	}
	site := g.sites[sub.site]
	if site == nil {
		site = &Site{Reference: sub.site}
	}
	t := &transaction{
		kind: typeAuth, parent: sub.ref, order: sub.order, site: sub.site, user: engine, account: sub.account,
		currency: sub.currency, amount: sub.amount, card: sub.card, expiry: sub.expiry, credentialsOnFile: "2",
		subscriptionType: sub.subscriptionType, subscriptionNumber: strconv.Itoa(number), origin: "SUBSCRIPTION",
		checks: [3]string{"0", "0", "0"}, live: sub.live, started: at, due: at, visible: at, details: sub.details,
	}
	t.ref = g.reference((&payment{kind: typeAuth}).route(site))
	g.bank(t, site, fx)
	if fx.held && t.code == codeOK {
		t.status = StatusSuspended
	}
	t.history = []Change{{At: at, From: t.status, To: t.status, By: engine}}
	return t
}

// set changes one field of a series, and says whether the value is a right
// one.
func (p *plan) set(name, value string) bool {
	switch name {
	case "subscriptionunit":
		p.Unit = value
		return value == "DAY" || value == "MONTH"
	case "subscriptionfrequency":
		n, err := strconv.Atoi(value)
		p.Frequency = n
		return err == nil && isCount(value)
	case "subscriptionfinalnumber":
		n, err := strconv.Atoi(value)
		p.Final = n
		return err == nil && rules.Digits(value, 5)
	case "transactionactive":
		p.Active = map[string]int{"0": planInactive, "1": planActive, "3": planStopped}[value]
		return value == "0" || value == "1" || value == "3"
	}
	return false
}

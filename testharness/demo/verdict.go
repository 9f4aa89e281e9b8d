package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/verdict"
)

// Summary is the last line of a demo.
type Summary struct {
	Orders int `json:"orders"` // accepted
	// Authorised counts the charges for which money was ever reserved; some of
	// them have been let go since.
	Authorised   int `json:"authorised"`
	Settled      int `json:"settled"`
	Declined     int `json:"declined"`
	NeedsPerson  int `json:"needs_person"`
	Unknown      int `json:"unknown"`       // still on their way, or in doubt
	ChargedTwice int `json:"charged_twice"` // by the gateway's ledger
	// Lost counts orders without a charge, and money that the gateway holds
	// and our books do not.
	Lost    int  `json:"lost"`
	Matches bool `json:"ledger_matches_gateway"`
}

// String is the summary as JSON.
func (s Summary) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// ending is how it all came out.
type ending struct {
	summary Summary
	orders  []*order
	charges map[string]client.Detail     // by order id
	gateway map[string][]verdict.Holding // by charge id
	books   verdict.Comparison
}

// good reports whether every story ended as it should and both ledgers agree.
func (e *ending) good() bool {
	for _, o := range e.orders {
		if len(o.wrong) > 0 {
			return false
		}
	}
	s := e.summary
	return s.Matches && s.Unknown == 0 && s.ChargedTwice == 0 && s.Lost == 0
}

// judge reads everything once more, compares, and counts.
func (w *world) judge(ctx context.Context, orders []*order) (*ending, error) {
	e := &ending{orders: orders, charges: map[string]client.Detail{}, gateway: map[string][]verdict.Holding{}}
	owner := map[string]string{}
	for _, o := range orders {
		if o.id == "" {
			continue
		}
		got, err := w.api.Order(ctx, o.id)
		if err != nil {
			return nil, err
		}
		e.summary.Orders++
		if len(got.Charges) != 1 {
			o.wrong = append(o.wrong, fmt.Sprintf("it has %d charges", len(got.Charges)))
			e.summary.Lost++
			continue
		}
		c, err := w.api.Charge(ctx, got.Charges[0].ID)
		if err != nil {
			return nil, err
		}
		e.charges[o.id] = c
		e.count(c)
		for _, a := range c.AttemptsDetail {
			owner[a.Reference] = c.ID
		}
	}
	entries, err := w.api.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	ledger, err := verdict.ReadLedger(ctx, w.simulator.Simulator)
	if err != nil {
		return nil, err
	}
	for _, h := range ledger {
		if id := owner[h.Reference]; id != "" {
			e.gateway[id] = append(e.gateway[id], h)
		}
	}
	e.books = verdict.Compare(ledger, entries, owner)
	e.summary.Authorised = verdict.EverAuthorised(entries)
	e.summary.ChargedTwice = e.books.Twice
	e.summary.Lost += e.books.Lost
	e.summary.Matches = len(e.books.Differences) == 0
	for _, o := range orders {
		e.check(o)
	}
	return e, nil
}

func (e *ending) count(c client.Detail) {
	if c.NeedsPerson != nil {
		e.summary.NeedsPerson++
	}
	switch c.State {
	case "settled":
		e.summary.Settled++
	case "declined":
		e.summary.Declined++
	case "planned", "charging", "unknown", "cancelling":
		e.summary.Unknown++
	}
}

// check holds an order against its story.
func (e *ending) check(o *order) {
	c, there := e.charges[o.id]
	if !there {
		o.wrong = append(o.wrong, "it has no charge")
		return
	}
	differ := func(what string, got, want any) {
		if got != want {
			o.wrong = append(o.wrong, fmt.Sprintf("%s %v, not %v", what, orNone(got), orNone(want)))
		}
	}
	differ("state is", c.State, o.want.state)
	differ("produce is", c.Produce, o.want.produce)
	differ("a person sees to", c.Case(), o.want.person)
	if o.want.attempts > 0 {
		differ("attempts made:", c.Attempts, o.want.attempts)
	}
	differ("the gateway holds", e.holds(c.ID), o.want.holds)
	differ("its amount is", currency.Format(c.Amount), currency.Format(o.amount()))
}

func orNone(v any) any {
	if v == "" {
		return "nothing"
	}
	return v
}

// holds names what is live at the gateway for a charge.
func (e *ending) holds(charge string) string {
	var live []string
	for _, h := range e.gateway[charge] {
		if h.Live() {
			live = append(live, h.Words())
		}
	}
	return strings.Join(live, " and ")
}

package verdict

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/stand"
)

// ReadWire is what arrived at the gateway, element by element.
func ReadWire(ctx context.Context, s *stand.Simulator) (gateway.Calls, error) {
	var calls gateway.Calls
	err := s.Get(ctx, "/calls", &calls)
	return calls, err
}

// The types and settle statuses of the wire.
const (
	typeCharge = "AUTH"
	typeQuery  = "TRANSACTIONQUERY"
	typeUpdate = "TRANSACTIONUPDATE"
	toRelease  = "0"
	toCancel   = "3"
)

// Broken tells which elements must not be, whatever any books say: one that
// charges under no reference or that follows another of the same reference, and
// a change that does not name one transaction.
func Broken(wire gateway.Calls) []string { return broken(wire, Span{}) }

// broken leaves out what was sent before in the span: the books have forgotten
// that, and what came to nothing at the gateway may be sent again.
func broken(wire gateway.Calls, forgotten Span) []string {
	var faults []string
	sent := map[string]bool{}
	for _, c := range wire.Calls {
		switch {
		case c.Type == typeCharge && len(c.Orders) != 1:
			faults = append(faults, fmt.Sprintf("call %d: an AUTH carries %d references", c.HTTP, len(c.Orders)))
		case c.Type == typeCharge:
			if sent[c.Orders[0]] {
				faults = append(faults, fmt.Sprintf("call %d: reference %s arrived at the gateway before", c.HTTP, c.Orders[0]))
			}
			sent[c.Orders[0]] = sent[c.Orders[0]] || !forgotten.holds(c.At)
		case c.Type == typeUpdate && (len(c.Transactions) != 1 || len(c.Orders) > 0):
			faults = append(faults, fmt.Sprintf("call %d: a TRANSACTIONUPDATE names %d transactions and %d references, and not one transaction alone",
				c.HTTP, len(c.Transactions), len(c.Orders)))
		}
	}
	return faults
}

// wire holds what arrived at the gateway against the books: what had to be
// written down, or looked at, before it was sent. owner gives the charge of
// each reference.
func (j *judge) wire(wire gateway.Calls, charges []client.Detail, ledger []Holding, owner map[string]string) {
	if wire.Dropped > 0 {
		j.fault("the gateway did not keep %d of the calls that arrived: what was sent can't be judged", wire.Dropped)
	}
	j.Faults = append(j.Faults, broken(wire, j.forgotten)...)
	reference := map[string]string{} // of each transaction
	for _, h := range ledger {
		reference[h.ID] = h.Reference
	}
	arrived := map[string][]gateway.Call{} // by charge, what concerns it
	for _, c := range wire.Calls {
		of := map[string]bool{}
		for _, r := range c.Orders {
			of[owner[r]] = true
		}
		for _, t := range c.Transactions {
			of[owner[reference[t]]] = true
		}
		if c.Type == typeCharge && of[""] && !j.forgotten.holds(c.At) {
			j.fault("call %d: reference %s arrived at the gateway, and the books have no attempt of it", c.HTTP, strings.Join(c.Orders, ", "))
		}
		for charge := range of {
			if charge != "" {
				arrived[charge] = append(arrived[charge], c)
			}
		}
	}
	for _, c := range charges {
		j.sent(c, arrived[c.ID], reference)
	}
}

// sent judges what arrived of one charge.
func (j *judge) sent(c client.Detail, arrived []gateway.Call, reference map[string]string) {
	name := fmt.Sprintf("order %s, charge %s (%s)", c.OrderReference, c.ID, c.State)
	charged := map[string]bool{} // references that have arrived
	named := map[string]bool{}   // references that were asked for since
	looked := map[string]bool{}  // references that have arrived, once all were asked for
	updates := map[string]int{}
	for _, call := range arrived {
		switch call.Type {
		case typeCharge:
			if len(call.Orders) == 1 {
				charged[call.Orders[0]] = true
				clear(named)
			}
		case typeQuery:
			for _, r := range call.Orders {
				named[r] = true
			}
			for r := range charged {
				looked[r] = looked[r] || covers(named, charged)
			}
		case typeUpdate:
			if len(call.Transactions) != 1 || j.forgotten.holds(call.At) {
				continue
			}
			id := call.Transactions[0]
			updates[act(call.To)+" transaction "+id]++
			if call.To != toRelease {
				continue
			}
			if !looked[reference[id]] {
				j.fault("%s: transaction %s was released without a look at all references of its charge right before", name, id)
			}
			clear(looked) // the next one takes another look
		}
	}
	j.marks(name, c, updates)
	for _, a := range c.AttemptsDetail {
		at := slices.IndexFunc(arrived, func(call gateway.Call) bool {
			return call.Type == typeCharge && slices.Contains(call.Orders, a.Reference) && !j.forgotten.holds(call.At)
		})
		if at < 0 {
			continue
		}
		if a.StartedAt.IsZero() {
			j.fault("%s: attempt %d arrived at the gateway, but was never written down as started", name, a.Number)
		}
		if slices.ContainsFunc(c.Story, func(e client.Event) bool {
			return e.Class == "answer" && e.Number == a.Number && strings.HasPrefix(e.Text, string(payment.OutcomeNotSent)+":")
		}) {
			j.fault("%s: attempt %d counts as not sent, but arrived at the gateway", name, a.Number)
		}
	}
}

// marks: each change that was sent was written down before as about to be, and
// that after something was known of its transaction. What was written down and
// not sent is nothing bad.
func (j *judge) marks(name string, c client.Detail, updates map[string]int) {
	for what, n := range updates {
		marks := 0
		for _, e := range adjusts(c) {
			if strings.Contains(e.Text, what+".") {
				marks++
			}
		}
		if n > marks {
			j.fault("%s: the gateway was told %d times to %s, and %d times it was written down before", name, n, what, marks)
		}
	}
	for i, e := range c.Story {
		if e.Class != "adjust" {
			continue
		}
		id := strings.TrimSuffix(e.Text[strings.LastIndexByte(e.Text, ' ')+1:], ".")
		known := slices.DeleteFunc(slices.Clone(c.Story[:i]), func(e client.Event) bool { return e.Class == "adjust" })
		if !tells(known, id) {
			j.fault("%s: it was about to change transaction %s before anything was written down of it", name, id)
		}
	}
}

// covers: all references that have arrived were asked for.
func covers(named, charged map[string]bool) bool {
	for r := range charged {
		if !named[r] {
			return false
		}
	}
	return true
}

// act is the word of the books for what an update asks for.
func act(to string) string {
	switch to {
	case toRelease:
		return string(payment.ActionRelease)
	case toCancel:
		return string(payment.ActionCancel)
	}
	return "set to " + to
}

package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// Posted is an order that the host accepted.
type Posted struct {
	ID        string // as the host answered it; again the same, however often it was posted
	Reference string
	Parts     []client.Part
	// Cancelled: the host accepted its cancellation.
	Cancelled bool
}

// Verdict is what came of a run.
type Verdict struct {
	Orders int // accepted
	// ChargedTwice counts the charges for which the gateway debits more than
	// once, or released more than one attempt.
	ChargedTwice int
	// Lost counts accepted orders that the books do not have as they were
	// posted, and live authorisations that the books do not hold.
	Lost int
	// Stuck counts charges that have come to no end and stand with nobody.
	Stuck int
	// NeedsPerson counts charges that stand with a person. That is not wrong by
	// itself.
	NeedsPerson int
	// Matches: both ledgers agree to the penny.
	Matches bool
	// Faults tells each thing that is wrong, with its reason; empty if all is
	// well.
	Faults []string
}

// Good reports whether nothing is wrong.
func (v Verdict) Good() bool { return len(v.Faults) == 0 }

// Judge holds the host's books against the gateway's ledger, against what
// arrived there, and against what was posted. Charges of orders that are not
// among those posted are judged all the same.
func Judge(posted []Posted, books Books, ledger []Holding, wire gateway.Calls) Verdict {
	j := judge{
		Verdict: Verdict{Orders: len(posted)}, holds: map[string][]Holding{},
		byOrder: map[string][]client.Detail{}, orders: map[string]map[string]bool{}, forgotten: books.Forgotten,
	}
	owner := map[string]string{}
	for _, c := range books.Charges {
		for _, a := range c.AttemptsDetail {
			owner[a.Reference] = c.ID
		}
		j.byOrder[c.OrderID] = append(j.byOrder[c.OrderID], c)
		if j.orders[c.OrderReference] == nil {
			j.orders[c.OrderReference] = map[string]bool{}
		}
		j.orders[c.OrderReference][c.OrderID] = true
	}
	sent := map[string]bool{}
	for _, h := range ledger {
		if id := owner[h.Reference]; id != "" {
			j.holds[id] = append(j.holds[id], h)
		}
		if sent[h.Reference] {
			j.fault("reference %s: it was sent to the gateway more than once", h.Reference)
		}
		sent[h.Reference] = true
	}
	compared := Compare(ledger, books.Entries, owner)
	j.Lost, j.Matches = compared.Lost, len(compared.Differences) == 0
	j.Faults = append(j.Faults, compared.Differences...)
	for _, p := range posted {
		j.order(p)
	}
	for _, c := range books.Charges {
		j.charge(c)
	}
	j.wire(wire, books.Charges, ledger, owner)
	return j.Verdict
}

type judge struct {
	Verdict
	holds   map[string][]Holding       // by charge
	byOrder map[string][]client.Detail // by order
	orders  map[string]map[string]bool // ids by reference

	forgotten Span
}

func (j *judge) fault(format string, args ...any) {
	j.Faults = append(j.Faults, fmt.Sprintf(format, args...))
}

// order holds what was posted against what the books have of it.
func (j *judge) order(p Posted) {
	charges := j.byOrder[p.ID]
	var got, want []string
	for _, c := range charges {
		got = append(got, currency.Format(c.Amount))
	}
	for _, part := range p.Parts {
		want = append(want, currency.Format(part.Amount))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		j.Lost++
		j.fault("order %s: it was accepted for %s, but the books have charges of %s",
			p.Reference, strings.Join(want, " and "), cmp.Or(strings.Join(got, " and "), "nothing"))
	}
	if n := len(j.orders[p.Reference]); n > 1 {
		j.fault("order %s: the books have it %d times", p.Reference, n)
	}
	for _, c := range charges {
		if p.Cancelled && c.Produce != "no" {
			j.fault("order %s: it was cancelled, but produce is %s", p.Reference, c.Produce)
		}
	}
}

// ends are the states in which nothing is left to be done.
var ends = []string{"settled", "declined", "rejected", "cancelled"}

// charge judges one charge by itself, and by what the gateway holds for it.
func (j *judge) charge(c client.Detail) {
	name := fmt.Sprintf("order %s, charge %s (%s)", c.OrderReference, c.ID, c.State)
	if c.NeedsPerson != nil {
		j.NeedsPerson++
	} else if !slices.Contains(ends, c.State) {
		j.Stuck++
		j.fault("%s: it has come to no end and stands with nobody: %s", name, c.Text)
	}
	var live, debited, released []string
	for _, h := range j.holds[c.ID] {
		if h.Live() {
			live = append(live, h.ID)
			if h.Amount != c.Amount {
				j.fault("%s: the gateway holds %s for it, but %s is owed", name, currency.Format(h.Amount), currency.Format(c.Amount))
			}
			if !tells(c.Story, h.ID) {
				j.fault("%s: no evidence names transaction %s, which the gateway holds for it", name, h.ID)
			}
			if h.Status != gateway.StatusSuspended {
				debited = append(debited, h.ID)
			}
		}
		// What was written down before it was sent can be gone only if the books were
		// put back. All else must be found again, and is asked for without mercy.
		forgotten := !slices.ContainsFunc(h.Adjusted, func(at time.Time) bool { return !j.forgotten.holds(at) })
		if !forgotten && !tells(adjusts(c), h.ID) {
			j.fault("%s: transaction %s was released or cancelled without being written down before", name, h.ID)
		}
		if h.Released {
			released = append(released, h.ID)
		}
	}
	if len(debited) > 1 || len(released) > 1 {
		j.ChargedTwice++
		j.fault("%s: more than one attempt was released: %s", name, strings.Join(released, ", "))
	}
	switch {
	case c.NeedsPerson != nil:
	case c.State == "settled" && len(debited) != 1:
		j.fault("%s: the gateway debits it %d times", name, len(debited))
	case c.State != "settled" && slices.Contains(ends, c.State) && len(live) > 0:
		j.fault("%s: the gateway still holds %s for it", name, strings.Join(live, ", "))
	}
	if c.Produce == "yes" && len(live) == 0 {
		j.fault("%s: it may be produced, but the gateway holds nothing for it", name)
	}
	j.evidence(name, c)
}

// evidence: each state that a charge came to an end in, and each answer, was
// written down with what it was learnt from.
func (j *judge) evidence(name string, c client.Detail) {
	if slices.Contains(ends, c.State) && !slices.ContainsFunc(c.Story, func(e client.Event) bool { return e.State == c.State }) {
		j.fault("%s: no evidence led to this state", name)
	}
	for _, a := range c.AttemptsDetail {
		if a.Stage != "answered" {
			continue
		}
		// An answer is gone if the books were put back; what was found by a look, with
		// the gateway's time in whole seconds, stands for it.
		start := j.forgotten.From.Truncate(time.Second)
		forgotten := !a.StartedAt.Before(start) && a.StartedAt.Before(j.forgotten.Until)
		if !slices.ContainsFunc(c.Story, func(e client.Event) bool {
			return e.Number == a.Number && (e.Class == "answer" || e.Class == "expired") || forgotten && e.Class == "look"
		}) {
			j.fault("%s: no evidence says what attempt %d came to", name, a.Number)
		}
	}
}

// adjusts are the pieces of evidence that something is about to be sent.
func adjusts(c client.Detail) []client.Event {
	return slices.DeleteFunc(slices.Clone(c.Story), func(e client.Event) bool { return e.Class != "adjust" })
}

// tells reports whether some evidence names a transaction.
func tells(story []client.Event, transaction string) bool {
	return slices.ContainsFunc(story, func(e client.Event) bool {
		return strings.Contains(e.Text, transaction) || strings.Contains(string(e.Body), transaction)
	})
}

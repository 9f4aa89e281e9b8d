package gateway

import (
	"strings"
	"time"
)

// Call is one request element as it arrived, before anything came of it:
// whether it was processed, refused or dropped makes no difference here. One
// with several types is one Call for each.
type Call struct {
	// At is when the call had arrived whole, on the settlement clock.
	At time.Time `json:"at"`
	// HTTP numbers the HTTP calls; the elements of one share it.
	HTTP int64  `json:"http"`
	Type string `json:"type"`
	// Orders are the order references that it names: a payment's own, or those
	// of a filter. Transactions are the transaction references of a filter.
	Orders       []string `json:"orders,omitempty"`
	Transactions []string `json:"transactions,omitempty"`
	// To is the settle status that an update asks for, as it was sent.
	To string `json:"to,omitempty"`
}

// Calls are the request elements that arrived, in that order.
type Calls struct {
	Calls []Call `json:"calls"`
	// Dropped counts older ones that there was no room for.
	Dropped int64 `json:"dropped"`
}

// tape keeps the newest calls. It has no lock: the Gateway's holds for it.
type tape struct {
	most    int
	calls   []Call
	http    int64
	dropped int64
}

func (t *tape) add(c Call) {
	if t.most <= 0 {
		return // a journal may hold what nobody asks for any more
	}
	t.calls = append(t.calls, c)
	t.http = max(t.http, c.HTTP)
	// Twice the room, so that dropping costs little.
	if len(t.calls) >= 2*t.most {
		n := len(t.calls) - t.most
		t.calls = append([]Call(nil), t.calls[n:]...)
		t.dropped += int64(n)
	}
}

// Calls returns what has arrived since the start or the last Reset; with a
// journal, since that began.
func (g *Gateway) Calls() Calls {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Calls{Calls: append([]Call{}, g.tape.calls...), Dropped: g.tape.dropped}
}

// record notes the elements of a call that has arrived.
func (g *Gateway) record(c *call) {
	if g.config.Calls <= 0 {
		return
	}
	var seen []Call
	for i := range c.elements {
		seen = append(seen, c.elements[i].calls()...)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at, number := g.clock(), g.tape.http+1
	for _, s := range seen {
		s.At, s.HTTP = at, number
		g.tape.add(s)
		g.kept.write(journalLine{Call: &s})
	}
}

// calls reads what is remembered of an element, once for each of its types. All
// of it is cloned: the request must not stay in memory with it.
func (e *element) calls() []Call {
	var c Call
	filter := e.Get("filter")
	for _, m := range filter.Members {
		values, _ := filterValues(&m.Value)
		switch m.Name {
		case "orderreference":
			c.Orders = append(c.Orders, clones(values)...)
		case "transactionreference":
			c.Transactions = append(c.Transactions, clones(values)...)
		}
	}
	if own := e.text("orderreference"); own != "" {
		c.Orders = append(c.Orders, strings.Clone(own))
	}
	updates := element{*e.Get("updates")}
	c.To = strings.Clone(updates.text("settlestatus"))
	types, _ := e.types() // what is refused has none
	if len(types) == 0 {
		return []Call{c}
	}
	all := make([]Call, len(types))
	for i, kind := range types {
		all[i] = c
		all[i].Type = strings.Clone(kind)
	}
	return all
}

func clones(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.Clone(s)
	}
	return out
}

package gateway

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// process does one request element and returns its answer. Whatever it
// changes is in the book before it returns.
func (g *Gateway) process(u *user, e *element, fx *effects, rng *rand.Rand) wire.Fields {
	kind, refused := e.kind()
	if refused != "" {
		g.stats.request(typeError)
		return g.refuse(&refusal{code: refused, data: []string{"None"}}, u.Name)
	}
	g.stats.request(kind)
	switch kind {
	case typeQuery:
		return g.query(u, e, fx, rng)
	case typeUpdate:
		return g.update(u, e, fx)
	default:
		return g.pay(u, e, kind, fx)
	}
}

func (g *Gateway) refuse(r *refusal, user string) wire.Fields { return r.fields(g.Now(), user) }

func (g *Gateway) pay(u *user, e *element, kind string, fx *effects) wire.Fields {
	g.mu.Lock()
	today := startOfDay(g.clock())
	g.mu.Unlock()
	p := readPayment(kind, e, today)
	t, refused := g.enter(u, &p, fx)
	switch {
	case refused != nil:
		return g.refuse(refused, u.Name)
	case fx.lostError:
		return g.refuse(&refusal{code: codeUnknown}, u.Name)
	}
	if fx.wrongAmount {
		t.amount++
	}
	return t.fields(merchantName(t.site))
}

// enter books a payment and returns a copy as it is to be answered.
func (g *Gateway) enter(u *user, p *payment, fx *effects) (transaction, *refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.clock()
	t, refused := g.authorise(u, p, fx, at)
	if refused != nil {
		return transaction{}, refused
	}
	answer := *t
	if answer.code = t.answered; answer.code == codeBankError && t.kind == typeAuth {
		answer.status = StatusCancelled
		answer.authCode, answer.acquirerCode = "", ""
	}
	return answer, nil
}

func (g *Gateway) update(u *user, e *element, fx *effects) wire.Fields {
	up, refused := readUpdate(e)
	if refused != nil {
		return g.refuse(refused, u.Name)
	}
	g.mu.Lock()
	at := g.clock()
	refused = g.apply(u, &up, fx, at)
	g.mu.Unlock()
	if refused == nil {
		refused = &refusal{code: codeOK, kind: typeUpdate} // the same bare shape
	}
	return refused.fields(at, u.Name)
}

func (g *Gateway) query(u *user, e *element, fx *effects, rng *rand.Rand) wire.Fields {
	q, refused := readQuery(e.Get("filter"))
	if refused == nil && fx.code != "" {
		refused = &refusal{code: fx.code, kind: typeQuery}
	}
	if refused != nil {
		return g.refuse(refused, u.Name)
	}
	found, counted, at, code := g.search(u, &q)
	if code != "" {
		return g.refuse(&refusal{code: code, kind: typeQuery}, u.Name)
	}
	if fx.partial {
		found = found[:len(found)/2]
		counted = len(found)
	}
	if fx.empty {
		found, counted = nil, 0
	}
	records := make([]wire.Fields, len(found))
	for i := range found {
		records[i] = found[i].record(merchantName(found[i].site))
	}
	out := wire.Fields{
		wire.Text("requesttypedescription", typeQuery),
		wire.Text("errorcode", codeOK),
		wire.Text("errormessage", message(codeOK)),
		wire.Text("transactionstartedtimestamp", at.Format(timestampLayout)),
		wire.Text("found", strconv.Itoa(counted)),
	}
	list := wire.Objects("records", records)
	// With nothing found the list is empty, or not there at all.
	if len(records) > 0 || rng.IntN(2) == 0 {
		out = append(out, list)
	}
	return out
}

// search finds records. It counts those that it gives, unless the switches
// want all counted.
func (g *Gateway) search(u *user, q *query) (found []transaction, counted int, at time.Time, code string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at = g.clock()
	if code = g.sitesFault(u, q.values("sitereference")); code != "" {
		return nil, 0, at, code
	}
	if g.switches.QueryEndExclusive && !q.end.IsZero() {
		q.end = q.end.Add(-time.Second)
	}
	found, counted = q.find(g.book, u, at)
	if !g.switches.QueryCountsAll {
		counted = len(found)
	}
	return found, counted, at, ""
}

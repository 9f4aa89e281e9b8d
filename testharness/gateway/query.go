package gateway

import (
	"slices"
	"strconv"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// maxRecords is what one query answers at most.
const maxRecords = 500

// timestampLayout is how times look on the wire. They are GMT.
const timestampLayout = time.DateTime

// recordFilters are the filters that compare with a value of the record.
var recordFilters = map[string]func(t *transaction, now time.Time) string{
	"sitereference":              func(t *transaction, _ time.Time) string { return t.site },
	"transactionreference":       func(t *transaction, _ time.Time) string { return t.ref },
	"orderreference":             func(t *transaction, _ time.Time) string { return t.order },
	"parenttransactionreference": func(t *transaction, _ time.Time) string { return t.parent },
	"requesttypedescription":     func(t *transaction, _ time.Time) string { return t.kind },
	"accounttypedescription":     func(t *transaction, _ time.Time) string { return t.account },
	"currencyiso3a":              func(t *transaction, _ time.Time) string { return t.currency },
	"paymenttypedescription":     func(t *transaction, _ time.Time) string { return t.card.paymentType },
	"pan":                        func(t *transaction, _ time.Time) string { return t.card.masked },
	"maskedpan":                  func(t *transaction, _ time.Time) string { return t.card.masked },
	"errorcode": func(t *transaction, now time.Time) string {
		code, _ := t.shown(now)
		return code
	},
	"settlestatus": func(t *transaction, now time.Time) string {
		_, status := t.shown(now)
		return strconv.Itoa(status)
	},
}

// query is a set of filters: values of one are alternatives, filters add up.
type query struct {
	filters    []queryFilter
	start, end time.Time // end is the last second that counts; zero is open
}

type queryFilter struct {
	name   string
	values []string
	of     func(*transaction, time.Time) string
}

// readQuery reads a filter member.
func readQuery(filter *wire.Value) (query, *refusal) {
	var q query
	if filter.Kind != wire.Object || len(filter.Members) == 0 {
		return q, &refusal{code: codeNoFilter, kind: typeQuery}
	}
	for i := range filter.Members {
		m := &filter.Members[i]
		values, ok := filterValues(&m.Value)
		if !ok || !q.add(m.Name, values) {
			return q, &refusal{code: codeBadFilters, data: []string{m.Name}, kind: typeQuery}
		}
	}
	if len(q.filters) == 0 && q.start.IsZero() && q.end.IsZero() {
		return q, &refusal{code: codeNoFilter, kind: typeQuery}
	}
	return q, nil
}

// add takes one filter and says whether it is a right one. One without values
// filters nothing.
func (q *query) add(name string, values []string) bool {
	if name == "starttimestamp" || name == "endtimestamp" {
		if len(values) != 1 {
			return false
		}
		at, err := time.Parse(timestampLayout, values[0])
		if err != nil {
			return false
		}
		if name == "starttimestamp" {
			q.start = at
		} else {
			q.end = at
		}
		return true
	}
	of, known := recordFilters[name]
	switch {
	case name == "pan":
		// Compared as masked: no number is kept.
		for i := range values {
			values[i] = mask(values[i])
		}
	case !known && rules.Known(name):
		known = true
		of = func(t *transaction, _ time.Time) string { return t.detail(name) }
	}
	if known && len(values) > 0 {
		q.filters = append(q.filters, queryFilter{name: name, values: values, of: of})
	}
	return known
}

func (q *query) values(name string) []string {
	for i := range q.filters {
		if q.filters[i].name == name {
			return q.filters[i].values
		}
	}
	return nil
}

// candidates finds the transactions to look at by the narrowest index.
func (q *query) candidates(b *book) []*transaction {
	var out []*transaction
	if refs := q.values("transactionreference"); refs != nil {
		for _, ref := range refs {
			if t := b.byRef[ref]; t != nil {
				out = append(out, t)
			}
		}
		return out
	}
	if orders := q.values("orderreference"); orders != nil {
		for _, order := range orders {
			out = append(out, b.byOrder[order]...)
		}
		return out
	}
	if parents := q.values("parenttransactionreference"); parents != nil {
		for _, parent := range parents {
			out = append(out, b.byParent[parent]...)
		}
		return out
	}
	// A subscription tells another day than the one it came in.
	for _, t := range b.between(q.start, q.end) {
		if t.plan == nil {
			out = append(out, t)
		}
	}
	return append(out, b.plans...)
}

// find returns the newest records that match and that the user may see, as
// they are shown at that time, and how many there would be.
func (q *query) find(b *book, u *user, now time.Time) (out []transaction, all int) {
	seen := map[string]bool{}
	for _, t := range slices.Backward(q.candidates(b)) {
		if !u.sees(t.site) || now.Before(t.visible) || !q.matches(t, now) || seen[t.ref] {
			continue
		}
		seen[t.ref] = true
		if all++; all > maxRecords {
			continue
		}
		record := *t
		record.code, record.status = t.shown(now)
		out = append(out, record)
	}
	return out, all
}

func (q *query) matches(t *transaction, now time.Time) bool {
	if at := t.begins(); at.Before(q.start) || !q.end.IsZero() && !at.Before(q.end.Add(time.Second)) {
		return false
	}
	for i := range q.filters {
		if !slices.Contains(q.filters[i].values, q.filters[i].of(t, now)) {
			return false
		}
	}
	return true
}

// query answers TRANSACTIONQUERY.
func (g *Gateway) query(r *request) answer {
	fx := r.fx
	q, refused := readQuery(r.Get("filter"))
	if refused == nil && fx.code != "" {
		refused = fx.codeShape.refusal(fx.code, typeQuery)
	}
	if refused != nil {
		return g.refused(r, refused)
	}
	found, counted, at, code := g.search(r.user, &q)
	if code != "" {
		return g.refused(r, &refusal{code: code, kind: typeQuery})
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
	if len(records) > 0 || r.rng.IntN(2) == 0 {
		out = append(out, list)
	}
	return answer{fields: out}
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

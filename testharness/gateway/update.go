package gateway

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// update is a TRANSACTIONUPDATE of one transaction.
type update struct {
	ref     string
	sites   []string // empty: any that the user sees
	changes []detail // in the order given
}

// readUpdate reads filter and updates, without a look at any state.
func readUpdate(e *element) (update, *refusal) {
	var up update
	no := func(code string, data ...string) (update, *refusal) {
		return up, &refusal{code: code, data: data, kind: typeUpdate}
	}
	filter := e.Get("filter")
	if filter.Kind != wire.Object {
		return no(codeNoFilter)
	}
	for i := range filter.Members {
		m := &filter.Members[i]
		values, ok := filterValues(&m.Value)
		switch {
		case ok && m.Name == "sitereference":
			up.sites = values
		case ok && m.Name == "transactionreference" && len(values) <= 1:
			up.ref = ""
			if len(values) == 1 {
				up.ref = values[0]
			}
		default:
			return no(codeBadFilters, m.Name)
		}
	}
	if up.ref == "" {
		return no(codeNoFilter)
	}
	updates := e.Get("updates")
	if updates.Kind != wire.Object || len(updates.Members) == 0 {
		return no(codeNoUpdates)
	}
	for i := range updates.Members {
		m := &updates.Members[i]
		if !slices.Contains(updatable[typeAuth], m.Name) && !slices.Contains(updatable[typeSubscription], m.Name) {
			return no(codeBadUpdates, m.Name)
		}
		if m.Value.Kind != wire.String || !rules.Check(m.Name, m.Value.Text) {
			return no(codeInvalidField, m.Name)
		}
		up.changes = setDetail(up.changes, m.Name, m.Value.Text)
	}
	return up, nil
}

// updatable are the fields that can be updated, by request type.
var updatable = func() map[string][]string {
	common := []string{"orderreference"}
	for _, name := range rules.Names() {
		if strings.HasPrefix(name, "billing") || name == "nationalid" {
			common = append(common, name)
		}
	}
	money := slices.Concat(common, []string{"settlestatus", "settlebaseamount", "settlemainamount", "settleduedate"})
	return map[string][]string{
		typeAuth: money, typeRefund: money,
		typeSubscription: slices.Concat(common, []string{
			"baseamount", "subscriptionunit", "subscriptionfrequency", "subscriptionfinalnumber", "transactionactive",
		}),
	}
}()

// update answers TRANSACTIONUPDATE.
func (g *Gateway) update(r *request) answer {
	up, refused := readUpdate(r.element)
	if refused != nil {
		return g.refused(r, refused)
	}
	g.mu.Lock()
	at := g.clock()
	refused = g.apply(r.user, &up, r.fx, at)
	g.mu.Unlock()
	if refused == nil {
		refused = &refusal{code: codeOK, kind: typeUpdate} // the same bare shape
	}
	return answer{fields: refused.fields(at, r.user.Name), failed: refused.code != codeOK}
}

// apply makes all changes, or none and says why. g.mu is held.
func (g *Gateway) apply(u *user, up *update, fx *effects, at time.Time) *refusal {
	no := func(code string, data ...string) *refusal { return &refusal{code: code, data: data, kind: typeUpdate} }
	if code := g.sitesFault(u, up.sites); code != "" {
		return no(code)
	}
	t := g.book.byRef[up.ref]
	if t == nil || !u.sees(t.site) || len(up.sites) > 0 && !slices.Contains(up.sites, t.site) {
		return no(codeNotFound)
	}
	if fx.code != "" && !fx.codeApplied {
		return fx.codeShape.refusal(fx.code, typeUpdate)
	}
	names := updatable[t.kind]
	if names == nil || t.plan == nil && (t.status > StatusSuspended || at.Before(t.doubt)) || t.plan != nil && t.plan.Active == planStopped {
		return no(codeNotUpdatable)
	}
	next := *t
	code, bad := next.change(up, names, startOfDay(at))
	switch {
	case bad != "":
		return no(code, bad)
	case code != "":
		return no(code)
	}
	_, shown := t.shown(at)
	g.book.change(t, &next, at, u.Name)
	if fx.lag > 0 && shown != t.status {
		t.stale, t.staleStatus = at.Add(fx.lag), shown
	}
	switch {
	case fx.code != "":
		return fx.codeShape.refusal(fx.code, typeUpdate)
	case fx.lostError != "":
		return &refusal{code: fx.lostError}
	}
	return nil
}

// change makes the changes on a copy. It returns the code that refuses them,
// with the field to blame.
func (t *transaction) change(up *update, names []string, today time.Time) (code, bad string) {
	before := *t
	settlement := false
	for _, c := range up.changes {
		if !slices.Contains(names, c.Name) {
			return codeBadUpdates, c.Name
		}
		code := ""
		switch c.Name {
		case "orderreference":
			if t.order = c.Value; len(c.Value) > maxOrderReference {
				code = codeInvalidField
			}
		case "settlestatus":
			settlement = true
			n, ok := rules.Amount(c.Value)
			if t.status = int(n); !ok || n > StatusCancelled {
				code = codeInvalidField
			}
		case "settlebaseamount", "settlemainamount":
			settlement = true
			code = t.lower(c)
		case "settleduedate":
			settlement = true
			due, err := time.Parse(time.DateOnly, c.Value)
			if t.due = due; err != nil || due.Before(today) || due.After(startOfDay(t.started).Add(holdLimit(t.authMethod))) {
				code = codeInvalidField
			}
		case "baseamount":
			n, ok := rules.Amount(c.Value)
			if t.amount = n; !ok || n == 0 {
				code = codeInvalidField
			}
		case "subscriptionunit", "subscriptionfrequency", "subscriptionfinalnumber", "transactionactive":
			pl := *t.plan
			if t.plan = &pl; !pl.set(c.Name, c.Value) {
				code = codeInvalidField
			}
		case "nationalid": // nowhere to be kept
		default:
			t.details = setDetail(t.details, c.Name, c.Value)
		}
		if code != "" {
			return code, c.Name
		}
	}
	if t.sameAs(&before) {
		if settlement {
			return codeNothingDone, ""
		}
		return codeNoChanges, ""
	}
	return "", ""
}

// lower sets what is to settle.
func (t *transaction) lower(c detail) (code string) {
	n, ok := rules.Amount(c.Value)
	if c.Name == "settlemainamount" {
		n, ok = rules.MainAmount(c.Value, t.currency)
	}
	switch {
	case !ok || n == 0:
		return codeInvalidField
	case n > t.amount:
		return codeSettleAmountTooBig
	}
	t.lowered = n
	return ""
}

// sameAs compares what an update can change.
func (t *transaction) sameAs(o *transaction) bool {
	details := func(d []detail) []detail {
		return slices.SortedFunc(slices.Values(d), func(a, b detail) int { return strings.Compare(a.Name, b.Name) })
	}
	return t.order == o.order && t.status == o.status && t.toSettle() == o.toSettle() && t.due.Equal(o.due) && t.amount == o.amount &&
		(t.plan == nil || *t.plan == *o.plan) && slices.Equal(details(t.details), details(o.details))
}

// sitesFault refuses sites that are named in a filter and that the user may
// not see, and users without a right. g.mu is held.
func (g *Gateway) sitesFault(u *user, sites []string) string {
	for _, site := range sites {
		if _, code := g.siteFor(u, site); code != "" {
			return code
		}
	}
	if u.NoGatewayRight {
		return codeNoRight
	}
	return ""
}

// statusText is a settle status on the wire.
func statusText(status int) string { return strconv.Itoa(status) }

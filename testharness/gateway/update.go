package gateway

import (
	"slices"
	"strconv"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// update is a TRANSACTIONUPDATE of one transaction's settle status.
type update struct {
	ref   string
	sites []string // empty: any that the user sees
	to    int
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
		if m.Name != "settlestatus" {
			return no(codeBadUpdates, m.Name)
		}
		n, ok := rules.Amount(m.Value.Text)
		if m.Value.Kind != wire.String || !ok || n > StatusCancelled {
			return no(codeInvalidField, m.Name)
		}
		up.to = int(n)
	}
	return up, nil
}

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

// apply changes the settle status, or says why not. g.mu is held.
func (g *Gateway) apply(u *user, up *update, fx *effects, at time.Time) *refusal {
	no := func(code string) *refusal { return &refusal{code: code, kind: typeUpdate} }
	if code := g.sitesFault(u, up.sites); code != "" {
		return no(code)
	}
	t := g.book.byRef[up.ref]
	if t == nil || !u.sees(t.site) || len(up.sites) > 0 && !slices.Contains(up.sites, t.site) {
		return no(codeNotFound)
	}
	if fx.code != "" && !fx.codeApplied {
		return no(fx.code)
	}
	_, shown := t.shown(at)
	if t.kind != typeAuth || t.status > StatusSuspended || at.Before(t.doubt) {
		return no(codeNotUpdatable)
	}
	if t.status == up.to {
		return no(codeNothingDone)
	}
	if fx.lag > 0 {
		t.stale, t.staleStatus = at.Add(fx.lag), shown
	}
	g.book.setStatus(t, up.to, at, u.Name)
	switch {
	case fx.code != "":
		return no(fx.code)
	case fx.lostError:
		return &refusal{code: codeUnknown}
	}
	return nil
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

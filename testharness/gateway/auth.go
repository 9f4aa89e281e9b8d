package gateway

import (
	"strconv"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// pay answers every request that books a transaction.
func (g *Gateway) pay(r *request) answer {
	p := g.readPayment(r, g.today())
	t, refused := g.enter(r.user, &p, r.fx)
	switch {
	case refused != nil:
		return g.refused(r, refused)
	case r.fx.lostError != "":
		return g.refused(r, &refusal{code: r.fx.lostError})
	}
	if r.fx.wrongStatus != "" {
		t.status, _ = strconv.Atoi(r.fx.wrongStatus) // a fault is checked to have a number
	}
	if r.fx.wrongAmount {
		t.amount++
	}
	out := answer{fields: t.fields(merchantName(t.site)), ref: t.ref, failed: t.code != codeOK}
	if t.code != codeOK {
		return out
	}
	if t.transfer != nil {
		out.fields = append(out.fields,
			wire.Text("redirecturl", g.front.public()+t.transfer.path(t.card.paymentType)),
			wire.Text("acquirertransactionreference", t.transfer.Acquirer),
			wire.Text("acquirersecret", t.transfer.Secret))
	}
	if t.kind == typeThreeDQuery && noteOf(t.notes, "enrolled") == enrolledYes {
		out.fields = append(out.fields, wire.Text("acsurl", g.front.public()+"/acs/"))
		out.failed, out.output = true, outputRedirect
	}
	return out
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
	if answer.code = t.answered; answer.code == codeBankError && kinds[t.kind].money {
		answer.status = StatusCancelled
		answer.authCode, answer.acquirerCode = "", ""
	}
	if t.transfer != nil && t.transfer.Session != "" && fx.decision != "" {
		if err := g.book.decide(t, fx.decision, at); err != nil {
			return transaction{}, &refusal{code: codeUnknown, ref: t.ref}
		}
	}
	return answer, nil
}

// siteFor returns the site for a user, or the code that refuses it. g.mu is held.
func (g *Gateway) siteFor(u *user, reference string) (*Site, string) {
	site, known := g.sites[reference]
	switch {
	case !known:
		return nil, codeUnknownSite
	case !u.sees(reference):
		return nil, codeSiteNotAlias
	}
	return site, ""
}

// route is the middle number of the references of such payments.
func (p *payment) route(site *Site) string {
	switch k := kinds[p.kind]; {
	case k.route != "":
		return k.route
	case p.method != nil:
		return p.method.route
	case site.Live:
		return "2"
	default:
		return "9"
	}
}

// authorise takes a payment through the checks in the service's order, then to
// the bank, and books it. g.mu is held.
func (g *Gateway) authorise(u *user, p *payment, fx *effects, at time.Time) (*transaction, *refusal) {
	if p.site == "" {
		return nil, &refusal{code: codeInvalidField, data: []string{"sitereference"}}
	}
	site, code := g.siteFor(u, p.site)
	if code != "" {
		return nil, &refusal{code: code}
	}
	if u.NoGatewayRight {
		return nil, &refusal{code: codeNoRight}
	}
	if site.Suspended {
		return nil, &refusal{code: codeSiteSuspended}
	}
	k := kinds[p.kind]
	parent, code := g.parentFor(u, p, site)
	if code == "" && k.parent != nil {
		code = k.parent(g, p, parent)
	}
	if code != "" {
		return nil, &refusal{code: code}
	}
	if p.account, code = p.accountFor(site, parent); code != "" {
		data := []string(nil)
		if code == codeInvalidField {
			data = []string{"accounttypedescription"}
		}
		return nil, &refusal{code: code, data: data}
	}
	ref := g.reference(p.route(site))
	refused := p.complete(g, parent)
	if refused == nil && k.against != nil {
		refused = k.against(g, p, parent, site)
	}
	if refused != nil {
		refused.ref = ref
		return nil, refused
	}
	if fx.code != "" && !fx.codeShape.recorded {
		refused := &refusal{code: fx.code}
		if fx.codeShape.reference {
			refused.ref = ref
		}
		return nil, refused
	}
	t := p.transaction(ref, u.Name, parent, at)
	t.live = site.Live
	g.bank(t, site, fx)
	if p.pares == paresFailed && t.code == codeOK {
		t.fail(codeUnauthenticated)
	}
	switch {
	case t.code != codeOK:
	case p.method != nil && p.method.accepted != nil && t.kind == typeAuth:
		p.method.accepted(g, t)
	default:
		g.suspend(t, p.status, site, fx)
	}
	if t.code == codeOK && k.approved != nil {
		k.approved(g, p, t, parent)
	}
	t.visible = at.Add(time.Duration(g.switches.QueryLag) + fx.lag)
	t.history = []Change{{At: at, From: t.status, To: t.status, By: u.Name}}
	g.book.add(t)
	return t, nil
}

// complete refuses fields that are wrong, and fills in what only the state
// tells: the card behind a token, what is the parent's. g.mu is held.
func (p *payment) complete(g *Gateway, parent *transaction) *refusal {
	no := func(field string) *refusal { return &refusal{code: codeInvalidField, data: []string{field}} }
	k := kinds[p.kind]
	switch {
	case p.bad != "":
		return no(p.bad)
	case p.token != "" && !g.spend(p):
		return no("cachetoken")
	case parent == nil && k.needsCurrency && p.currency == "":
		return no("currencyiso3a")
	case parent == nil:
		return nil
	case p.currency != "" && parent.currency != "" && p.currency != parent.currency:
		return &refusal{code: codeCurrency}
	case p.currency == "" && k.needsCurrency && parent.currency == "":
		return no("currencyiso3a") // a STORE has none
	}
	if p.main != "" {
		var ok bool
		if p.amount, ok = rules.MainAmount(p.main, parent.currency); !ok || p.amount == 0 {
			return no("mainamount")
		}
		p.hasAmount = true
	}
	if !p.hasAmount && p.kind != typeRefund && (k.inherits || p.method != nil && p.method.inherits) {
		p.amount = parent.amount
	}
	return nil
}

package gateway

import (
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// pay answers AUTH and ACCOUNTCHECK.
func (g *Gateway) pay(r *request) answer {
	p := readPayment(r, g.today())
	t, refused := g.enter(r.user, &p, r.fx)
	switch {
	case refused != nil:
		return g.refused(r, refused)
	case r.fx.lostError:
		return g.refused(r, &refusal{code: codeUnknown})
	}
	if r.fx.wrongAmount {
		t.amount++
	}
	f := t.fields(merchantName(t.site))
	if t.transfer != nil && t.code == codeOK {
		f = append(f,
			wire.Text("redirecturl", g.front.public()+"/trustly/"+t.transfer.Session),
			wire.Text("acquirertransactionreference", t.transfer.Acquirer),
			wire.Text("acquirersecret", t.transfer.Secret))
	}
	return answer{fields: f, ref: t.ref, failed: t.code != codeOK}
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
	if t.transfer != nil && t.transfer.Session != "" && fx.decision != "" {
		if err := g.book.decide(t, fx.decision, at); err != nil {
			return transaction{}, &refusal{code: codeUnknown, ref: t.ref}
		}
	}
	return answer, nil
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
	parent, code := g.parentFor(u, p, site)
	if code != "" {
		return nil, &refusal{code: code}
	}
	if code := p.accountFault(site, parent); code != "" {
		data := []string(nil)
		if code == codeInvalidField {
			data = []string{"accounttypedescription"}
		}
		return nil, &refusal{code: code, data: data}
	}
	ref := g.reference(p.route(site))
	if refused := p.against(parent, site); refused != nil {
		refused.ref = ref
		return nil, refused
	}
	if fx.code != "" && fx.codeUnrecorded {
		return nil, &refusal{code: fx.code}
	}
	t := p.transaction(ref, u.Name, parent, at)
	t.live = site.Live
	g.bank(t, site, fx)
	switch {
	case t.code != codeOK:
	case p.method != nil:
		p.method.accepted(g, t)
	default:
		g.suspend(t, p.status, site, fx)
	}
	t.visible = at.Add(time.Duration(g.switches.QueryLag) + fx.lag)
	t.history = []Change{{At: at, From: t.status, To: t.status, By: u.Name}}
	g.book.add(t)
	return t, nil
}

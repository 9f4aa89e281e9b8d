package gateway

import "slices"

// parentFor finds the transaction that a payment names. g.mu is held.
func (g *Gateway) parentFor(u *user, p *payment, site *Site) (*transaction, string) {
	if p.parent == "" {
		return nil, ""
	}
	parent := g.book.byRef[p.parent]
	if len(p.parent) > maxParent || parent == nil || !u.sees(parent.site) || parent.live != site.Live {
		return nil, codeNoParent
	}
	return parent, ""
}

// cardParents are the kinds whose card can be charged again.
var cardParents = []string{
	typeAuth, typeAccountCheck, typeStore, typeThreeDQuery, typeRiskDec, typeOrder, typeOrderDetails, typeCurrencyRate,
}

// cardParent refuses parents of AUTH and ACCOUNTCHECK. g.mu is held.
func (g *Gateway) cardParent(p *payment, parent *transaction) string {
	switch {
	case parent == nil:
		return ""
	case parent.kind == typeSubscription:
		return codeSubscriptionParent
	case parent.kind == typeAuth && parent.method().once():
		return codeNoRepeats
	case !slices.Contains(cardParents, parent.kind), parent.code != codeOK, g.latest.Before(parent.doubt),
		parent.status == StatusCancelled && g.switches.CancelledParentRefused,
		(parent.kind == typeOrder || parent.kind == typeOrderDetails) && (p.method == nil || !p.method.inherits):
		return codeInvalidParent
	}
	return ""
}

// againstAuth compares an AUTH or ACCOUNTCHECK with its parent. g.mu is held.
func (g *Gateway) againstAuth(p *payment, parent *transaction, site *Site) *refusal {
	switch {
	case parent == nil:
		return nil
	case p.reason == "A" && parent.kind == typeAccountCheck:
		return &refusal{code: codeInvalidField, data: []string{"initiationreason"}}
	case p.authMethod == "INCREMENTAL" && parent.authMethod != "PRE":
		return &refusal{code: codeInvalidField, data: []string{"authmethod"}}
	case parent.kind == typeThreeDQuery && !p.chained && noteOf(parent.notes, "enrolled") == enrolledYes && p.pares == "":
		return &refusal{code: codeInvalidField, data: []string{"pares"}}
	case site.MaxMultiple > 0 && parent.amount > 0 && p.amount/site.MaxMultiple >= parent.amount &&
		p.amount > parent.amount*site.MaxMultiple:
		return &refusal{code: codeRepeatTooBig}
	}
	return nil
}

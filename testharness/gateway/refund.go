package gateway

import "time"

// A refund by bank transfer must follow within a year.
const transferRefundLimit = 365 * day

// againstRefund has the rules of a refund, and of a payout without a parent.
// Without an amount all of the parent is refunded. g.mu is held.
func (g *Gateway) againstRefund(p *payment, parent *transaction, site *Site) *refusal {
	if parent == nil {
		return nil
	}
	m := parent.method()
	strict := site.StrictRefunds || site.Live || parent.transfer != nil
	switch now := g.latest; {
	case parent.kind != typeAuth:
		return &refusal{code: codeRefundParent}
	case parent.code != codeOK, now.Before(parent.doubt):
		return &refusal{code: codeRefundDeclined}
	case m != nil && !m.refunds:
		return &refusal{code: codeNoRefunds}
	case strict && parent.status != StatusSettled:
		return &refusal{code: codeRefundUnsettled}
	case !parent.settlesBy(startOfDay(now)):
		return &refusal{code: codeRefundEarly}
	case parent.transfer != nil && now.After(parent.started.Add(transferRefundLimit)):
		return &refusal{code: codeRefundRefused}
	}
	if !p.hasAmount {
		p.amount = parent.toSettle()
	}
	switch {
	case p.amount > parent.toSettle()-g.book.refunded(parent):
		return &refusal{code: codeRefundTooBig}
	case p.amount < site.MinRefund:
		return &refusal{code: codeRefundTooSmall}
	}
	return nil
}

// settlesBy tells whether a payment has settled, is settling, or is due to on
// that day or before.
func (t *transaction) settlesBy(today time.Time) bool {
	switch t.status {
	case StatusPending, StatusManual:
		return !t.due.After(today)
	default:
		return t.status == StatusSettling || t.status == StatusSettled
	}
}

// refunded adds up the refunds of a payment that stand.
func (b *book) refunded(parent *transaction) (sum int64) {
	for _, t := range b.byParent[parent.ref] {
		if t.kind == typeRefund && t.status != StatusCancelled {
			sum += t.toSettle()
		}
	}
	return sum
}

// refunded completes a refund. One by bank transfer settles at once.
func (g *Gateway) refunded(_ *payment, t, parent *transaction) {
	t.authCode = "TEST REFUND ACCEPTED"
	if t.live {
		t.authCode = "REFUND ACCEPTED"
	}
	if parent != nil && parent.transfer != nil {
		t.status, t.settled = StatusSettled, t.started
		t.authCode, t.acquirerCode = "", ""
	}
}

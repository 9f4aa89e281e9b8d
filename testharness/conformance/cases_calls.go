package conformance

import (
	"context"
	"sync"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

const (
	lookDeadline = `plugin/README.md, "Deadlines"`
	// concurrently is how many charges are made at a time.
	concurrently = 100
	// hundredLimit bounds them together: a busy machine takes long to connect.
	hundredLimit = 90 * time.Second
	// letGo is how long a plugin may hold on to the gateway after its call has
	// ended.
	letGo = 5 * time.Second
)

func callCases() []testCase {
	return []testCase{
		{"calls.deadline", "when a call's time is up, the plugin lets go of the gateway", lookDeadline, func(e *exam) {
			// On a busy machine the first may be up before anything is sent.
			for _, patience := range []time.Duration{time.Second, 4 * time.Second, 16 * time.Second} {
				ctx, cancel := context.WithTimeout(e.ctx, patience)
				examined := e.letsGo(ctx, func() {})
				cancel()
				if examined {
					return
				}
			}
			e.fail("given 16 s, a charge does not get as far as the gateway")
		}},
		{"calls.cancel", "when a call is cancelled, the plugin lets go of the gateway", lookDeadline, func(e *exam) {
			ctx, cancel := e.limit()
			defer cancel()
			if !e.letsGo(ctx, cancel) {
				e.fail("a charge does not get as far as the gateway within %s", e.cfg.CallLimit)
			}
		}},
		{"calls.no-deadline", "a call without a deadline is refused, and nothing is sent", lookDeadline, func(e *exam) {
			e.account()
			p := e.plugin()
			ctx, cancel := e.limit()
			defer cancel()
			c := e.chargeWithin(ctx, p.tamper(func(ctx context.Context, _ *pb.ChargeRequest) context.Context {
				bare, stop := context.WithCancel(context.WithoutCancel(ctx))
				context.AfterFunc(ctx, stop)
				return bare
			}), e.request(payment.SettleRecorded))
			if !c.notSent() || c.window.count("") > 0 {
				e.fail("it must be refused as not sent; the plugin answers %s, and the gateway got %d requests", c.said(), c.window.count(""))
			}
		}},
		{"calls.hundred", "a hundred charges at a time wait side by side, and no answer is mixed up", `plugin/README.md, "Many calls at a time"`, func(e *exam) {
			all := e.hundred()
			ids := map[payment.TransactionID]payment.Reference{}
			for _, m := range all {
				if other, twice := ids[m.id]; twice {
					e.fail("the charges %s and %s are both answered with the transaction %s", other, m.request.Reference, m.id)
				}
				ids[m.id] = m.request.Reference
			}
			for _, t := range e.lookUpAll(all) {
				if ids[t.ID] != t.Reference {
					e.fail("the charge %s was answered with another transaction than %s, which the query finds for it", t.Reference, t.ID)
				}
			}
		}},
	}
}

// letsGo makes a charge that the gateway never answers, and looks whether the
// plugin closes its connection when the call ends. It reports whether the
// charge got as far as the gateway.
func (e *exam) letsGo(ctx context.Context, then func()) bool {
	r := e.request(payment.SettleRecorded)
	p := e.plugin()
	e.front.set(holding(&fault{}))
	done := make(chan charged, 1)
	go func() { done <- e.chargeWithin(ctx, p.gateway, r) }()
	arrived := until(ctx, e.cfg.CallLimit, func() bool { return e.front.now().count(string(r.Reference)) > 0 })
	then()
	c := <-done
	e.doubtsUnlessUnsent(c)
	if !arrived {
		return false
	}
	for _, request := range c.window.all() {
		if !waitFor(e.ctx, request.left, letGo) {
			e.fail("%s after the call has ended, the plugin still waits for the gateway", letGo)
		}
	}
	return true
}

func (e *exam) doubtsUnlessUnsent(c charged) {
	if c.window.count("") > 0 || !c.notSent() {
		e.doubts(c)
	}
}

// made is a charge that was approved.
type made struct {
	request payment.ChargeRequest
	id      payment.TransactionID
}

// hundred makes a hundred charges at a time, once for all cases that need them.
// The gateway answers none before all have come.
func (e *exam) hundred() []made {
	switch {
	case e.many != nil:
		return e.many
	case e.manyTried:
		e.omit("a hundred charges at a time could not be made; see calls.hundred")
	}
	e.account()
	e.manyTried = true
	requests := make([]payment.ChargeRequest, concurrently)
	for i := range requests {
		requests[i] = e.request(payment.SettleRecorded)
		requests[i].SendBefore = time.Now().Add(hundredLimit)
	}
	p := e.plugin()
	f := holding(&fault{reaches: true, atOnce: concurrently, each: e.cfg.CallLimit})
	f.patience = time.AfterFunc(e.cfg.CallLimit, f.release)
	e.front.set(f)
	defer f.patience.Stop()
	ctx, cancel := context.WithTimeout(e.ctx, hundredLimit)
	defer cancel()
	w := e.front.open()
	all := make([]charged, concurrently)
	var calls sync.WaitGroup
	for i := range requests {
		calls.Go(func() {
			all[i] = charged{request: requests[i], window: w}
			all[i].result, all[i].err = p.gateway.Charge(ctx, requests[i])
		})
	}
	calls.Wait()
	e.front.set(nil)
	for _, c := range all {
		e.noteCharge(c)
		if n := w.count(string(c.request.Reference)); n > 1 {
			e.watch.broken(caseOnce, "in %s, the gateway got %d requests for one of a hundred charges", e.name, n)
		}
	}
	if n := f.most(); n < concurrently {
		e.fail("of %d charges at a time, only %d got to the gateway before the first was answered: the plugin makes calls wait for each other", concurrently, n)
	}
	var result []made
	for _, c := range all {
		e.approves(c)
		result = append(result, made{c.request, c.result.Transaction.ID})
	}
	e.many = result
	return result
}

// lookUpAll finds all of them by one query.
func (e *exam) lookUpAll(all []made) []payment.Transaction {
	lookups := make([]payment.Lookup, 0, len(all))
	for _, m := range all {
		lookups = append(lookups, payment.Lookup{Reference: m.request.Reference, Asked: m.request.Settle})
	}
	result, err := e.query(e.lookups(lookups...))
	e.right(err, "look up a hundred charges")
	if len(result.Transactions) != len(all) {
		e.fail("%d charges were made, and one query for all of them finds %d", len(all), len(result.Transactions))
	}
	return result.Transactions
}

package conformance

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymentcheck"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

const (
	lookOutcome = `plugin/README.md, "What a charge comes to"; and how the plugin reads the gateway's answer`
	lookNotSent = `plugin/README.md, "Sent or not sent"`
	lookDoubt   = `plugin/README.md, "Doubt"`
)

// outcomeCases are one for each answer of the gateway that the profile can
// bring about, and one for each that every plugin is asked for.
func outcomeCases(p Profile) []testCase {
	all := []testCase{
		{"outcome.approved", "authorised held, as asked: approved, and suspended at the gateway", lookOutcome, func(e *exam) {
			r, t := e.approved(payment.SettleRecorded)
			if t.Status != payment.StatusSuspended {
				e.fail("a charge to be held is approved with the status %q; until it is released it must be %q", t.Status, payment.StatusSuspended)
			}
			if found := e.one(r); found.Status != payment.StatusSuspended || found.Outcome != payment.OutcomeApproved {
				e.fail("the query says the outcome %q with the status %q of a charge that is held as asked", found.Outcome, found.Status)
			}
		}},
		{"outcome.approved-at-once", "authorised to settle at once: approved, and settling by itself", lookOutcome, func(e *exam) {
			r, _ := e.approved(payment.SettleAtOnce)
			if found := e.one(r); !found.Status.Released() || found.Outcome != payment.OutcomeApproved {
				e.fail("the query says the outcome %q with the status %q of a charge that settles at once", found.Outcome, found.Status)
			}
		}},
		{"outcome.rejected-site", "refused credentials: rejected, and everything on the site is at fault", lookOutcome, func(e *exam) {
			r := e.request(payment.SettleRecorded)
			r.Access = e.refusedAccess()
			e.answers(e.charge(r), payment.OutcomeRejected, payment.FaultSite)
			e.none(r)
		}},
		{"outcome.rejected-link", "a stored reference that is not there: rejected, and the stored reference is at fault", lookOutcome, func(e *exam) {
			if e.cfg.Profile.MissingStored == "" {
				e.omit("the profile has no missing_stored")
			}
			r := e.request(payment.SettleRecorded)
			r.Stored = payment.TransactionID(e.cfg.Profile.MissingStored)
			e.answers(e.charge(r), payment.OutcomeRejected, payment.FaultStoredReference)
			e.none(r)
		}},
	}
	standard := map[string]string{
		"held":           "authorised, but suspended by the gateway against our asking: held",
		"declined":       "the bank says no: declined, with the kind of decline and the gateway's code",
		"rejected-order": "the gateway can't charge this order: rejected, and nothing else is at fault",
		"pending":        "decided later: pending",
	}
	for _, name := range []string{"held", "declined", "rejected-order", "pending"} {
		all = append(all, testCase{"outcome." + name, standard[name], lookOutcome, func(e *exam) {
			o, ok := p.outcome(name)
			if !ok {
				e.omit("the profile does not say how to bring it about: outcomes, %s (or never, if the gateway knows no such answer)", name)
			}
			e.outcome(o)
		}})
	}
	for _, o := range p.Outcomes {
		if standard[o.Name] == "" {
			all = append(all, testCase{
				"outcome." + o.Name, "as the profile says, it comes to " + o.Expect, lookOutcome, func(e *exam) { e.outcome(o) },
			})
		}
	}
	return all
}

// outcome brings about what the profile says, and checks the answer and what
// the gateway shows.
func (e *exam) outcome(o Outcome) {
	settle := payment.SettleMode(o.Settle)
	if settle == payment.SettleUnspecified {
		settle = payment.SettleRecorded
	}
	r := e.request(settle)
	if len(o.Settings) > 0 {
		r.Access = e.changed(o.Settings)
	}
	if o.Amount.Minor != 0 {
		r.Amount.Minor = o.Amount.Minor
	}
	if o.Amount.Currency != "" {
		r.Amount.Currency = o.Amount.Currency
	}
	if o.Prepare != nil {
		values := placeholders{"reference": string(r.Reference)}
		for name, value := range e.values {
			values[name] = value
		}
		if err := prepare(e.ctx, *o.Prepare, values); err != nil {
			e.omit("the simulator could not be prepared: %v", err)
		}
	}
	want := payment.Outcome(o.Expect)
	c := e.charge(r)
	if want == payment.OutcomeUnknown {
		e.doubts(c)
		return
	}
	e.answers(c, want, payment.Fault(o.Fault))
	if want == payment.OutcomeDeclined && (c.result.Decline == "" || c.result.Code == "") {
		e.fail("it does not say whether the decline is hard or soft (%q), or not the gateway's code (%q)", c.result.Decline, c.result.Code)
	}
	if want == payment.OutcomeRejected {
		e.none(r)
		return
	}
	if found := e.one(r); found.Outcome != want {
		e.fail("the answer to the charge is %q, and the query says %q", want, found.Outcome)
	}
}

func (e *exam) answers(c charged, want payment.Outcome, fault payment.Fault) {
	if c.err != nil || c.result.Outcome != want {
		e.fail("it must come to %q, and the plugin answers %s", want, c.said())
	}
	if fault != payment.FaultNone && c.result.Fault != fault {
		e.fail("the fault must reach as far as %q, and the plugin says %q", fault, c.result.Fault)
	}
}

// doubts checks that an answer claims nothing.
func (e *exam) doubts(c charged) {
	if c.notSent() {
		e.fail("the request was sent, and the plugin claims that nothing was: %s", c.said())
	}
	if c.err == nil && c.result.Outcome.Known() {
		e.fail("what it came to is not known, and the plugin answers %s", c.said())
	}
}

func chargeCases() []testCase {
	return []testCase{
		{"charge.invalid", "what could not be right is refused as invalid, before anything is sent", lookNotSent, func(e *exam) {
			for _, spoiled := range paymentcheck.Charges() {
				r := e.request(payment.SettleRecorded)
				spoiled.Spoil(&r)
				c := e.charge(r)
				if c.err == nil || payment.KindOf(c.err) != payment.ErrorInvalid || !payment.NotSent(c.err) {
					e.fail("a charge with %s must be refused as invalid and not sent; the plugin answers %s", spoiled.Name, c.said())
				}
				if c.window.count("") > 0 {
					e.fail("a charge with %s was sent to the gateway", spoiled.Name)
				}
			}
		}},
		{"send-before.past", "past the moment to send by, nothing is sent", lookNotSent, func(e *exam) {
			e.late(timestamppb.New(time.Now().Add(-time.Second)))
		}},
		{"send-before.missing", "without a moment to send by, nothing is sent", lookNotSent, func(e *exam) { e.late(nil) }},
		{
			"send-before.connecting", "a connection that is ready only after the moment to send by carries nothing",
			lookNotSent + ": the moment is checked right before the first byte, not only at the beginning", connectsLate,
		},
	}
}

// late sends a charge with a moment to send by that the protocol's own client
// would not let pass.
func (e *exam) late(at *timestamppb.Timestamp) {
	e.account()
	p := e.plugin()
	c := e.chargeBy(p.tamper(func(ctx context.Context, r *pb.ChargeRequest) context.Context {
		r.SendBefore = at
		return ctx
	}), e.request(payment.SettleRecorded))
	if n := c.window.count(""); n > 0 {
		e.fail("the gateway got %d requests", n)
	}
	if !c.notSent() {
		e.fail("nothing was sent, and the plugin does not say so: %s", c.said())
	}
}

func connectsLate(e *exam) {
	const patience = 700 * time.Millisecond
	e.account()
	s, end := e.own() // a process that has no connection yet
	defer end()
	f := holding(&fault{silent: true, reaches: true})
	e.front.set(f)
	r := e.request(payment.SettleRecorded)
	r.SendBefore = time.Now().Add(patience)
	release := time.AfterFunc(patience+500*time.Millisecond, f.release)
	defer release.Stop()
	c := e.chargeBy(s.gateway, r)
	release.Stop()
	f.release()
	// What it still does with its connection would be done at once.
	until(e.ctx, 500*time.Millisecond, func() bool { return c.window.count("") > 0 })
	if n := c.window.count(""); n > 0 {
		e.fail("the gateway got %d requests after the moment to send by", n)
	}
	if !c.notSent() {
		e.fail("nothing was sent, and the plugin does not say so: %s", c.said())
	}
}

// lateAnswer is how long the plugin is told to wait for an answer that comes
// later.
const lateAnswer = time.Second

func doubtCases() []testCase {
	var all []testCase
	for _, d := range doubts {
		all = append(all, testCase{"doubt." + d.name, d.about + ": unknown", lookDoubt, func(e *exam) {
			if d.name == "other-answer" {
				e.approved(payment.SettleRecorded)
			}
			r := e.request(payment.SettleRecorded)
			f := d.fault()
			e.front.set(f)
			c := e.charge(r)
			e.front.set(nil)
			e.doubted(c, f.reaches)
		}})
	}
	return append(all,
		testCase{"doubt.late", "the gateway acts, and answers after the plugin's patience: unknown, in time", lookDoubt, func(e *exam) {
			r := e.request(payment.SettleRecorded)
			r.AnswerWithin = lateAnswer
			e.front.set(holding(&fault{reaches: true}))
			c := e.charge(r)
			e.front.set(nil)
			e.doubted(c, true)
			if c.took > lateAnswer+e.cfg.CallLimit/2 {
				e.fail("told to wait %s for an answer, it waits %s", lateAnswer, c.took.Round(time.Millisecond))
			}
		}},
		testCase{"doubt.refused", "the gateway can't be reached: not sent, or unknown", lookDoubt, func(e *exam) {
			e.account()
			s, end := e.own()
			defer end()
			e.front.set(&fault{refuse: true})
			r := e.request(payment.SettleRecorded)
			c := e.chargeBy(s.gateway, r)
			e.front.set(nil)
			if !c.notSent() {
				e.doubts(c)
			}
			e.none(r)
		}},
	)
}

// doubted checks a charge whose answer got lost, and what the gateway holds.
func (e *exam) doubted(c charged, processed bool) {
	e.doubts(c)
	// It may still be on its way when the plugin's patience has ended.
	if !until(e.ctx, e.cfg.CallLimit, func() bool { return c.window.count("") > 0 }) {
		e.fail("no request came to the gateway, and the plugin answers %s", c.said())
	}
	if !processed {
		e.none(c.request)
		return
	}
	live := false
	for _, t := range e.found(c.request) {
		live = live || t.Live()
	}
	if !live {
		e.fail("the gateway has authorised the charge, and a query by its reference does not find it: a lost answer could not be cleared up")
	}
}

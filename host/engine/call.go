package engine

import (
	"context"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/shared/payment"
)

// call sends one started attempt, and writes down what it came to. It runs on
// a context of its own: whoever posted the order may be gone by now.
func (e *Engine) call(c *charge.Charge) {
	a := *c.Newest()
	room := startedRoom(c)
	begun := e.begun.take(c.ID)
	began := e.cfg.Now()
	res := e.send(c, a, begun.sendBy)
	took := e.cfg.Now().Sub(began)
	e.turns.Give(room)
	e.cfg.Observer.Charged(c.Plugin, res.Outcome, took)
	e.answered(c, charge.Answer{Number: a.Number, At: e.cfg.Now().UTC(), Result: res}, e.pauseFor(c, a, res))
	if !begun.intake.IsZero() {
		e.cfg.Observer.Own(e.cfg.Now().Sub(begun.intake) - took)
	}
}

// send makes the call. Whatever it can't be sure of is unknown.
func (e *Engine) send(c *charge.Charge, a charge.Attempt, sendBy time.Time) payment.ChargeResult {
	ctx, cancel := context.WithDeadline(e.ctx, e.sendBefore(e.cfg.Wall(), c, a, sendBy).Add(e.cfg.Clocks.CallSlack))
	defer cancel()
	values, err := e.cfg.Settings.ForSite(ctx, c.LinkID, a.Endpoint, a.Site)
	if err != nil {
		return notSent(payment.FaultNone, "The settings for the site can't be read: "+publicText(err))
	}
	gateway, err := e.cfg.Gateways.Gateway(c.Plugin)
	if err != nil {
		return notSent(payment.FaultGateway, "The plugin is not there: "+publicText(err))
	}
	if !e.ready() {
		return notSent(payment.FaultNone, "This host was not ready to send it.")
	}
	if why := e.cfg.Gate.Stopped(); why != "" {
		return notSent(payment.FaultNone, why)
	}
	if p, paused := e.board.paused(charge.Keys(c.Plugin, c.FulfillerID, c.LinkID, a.Endpoint, a.Site)); paused {
		return notSent(payment.FaultNone, "Charging was paused before it was sent: "+p.Text)
	}
	// The last moment at which not sending is free: the lease is ours and the
	// window is open, or somebody else may already count this as doubt.
	wall := e.cfg.Wall()
	until := e.sendBefore(wall, c, a, sendBy)
	if !wall.Before(until) {
		return notSent(payment.FaultNone, "It was too late to send it.")
	}
	step.At(step.ChargeSending)
	res, err := gateway.Charge(ctx, payment.ChargeRequest{
		Access:    payment.Access{Company: string(c.FulfillerID), Settings: values, Endpoint: a.Endpoint, Site: a.Site},
		Reference: a.Reference, Amount: c.Amount, Stored: a.Stored, Settle: a.Settle, Mode: a.Mode, Sequence: a.Sequence,
		SendBefore: until, AnswerWithin: e.cfg.Clocks.AnswerLimit,
	})
	step.At(step.ChargeAnswered)
	switch {
	case err == nil:
		return res
	case payment.NotSent(err):
		return fromRefusal(err)
	}
	return payment.ChargeResult{Outcome: payment.OutcomeUnknown, Reason: "The call to the plugin broke off: " + publicText(err)}
}

// sendBefore is when the window for sending ends, by this host's own clock, which
// shows wall: at the moment that was written down or at the lease's end, both in
// the database's time, or at sendBy. It carries the monotonic reading, so that a
// wall clock that is set does not move it. wall is read before anything else: a
// process that stands still meanwhile loses time and gains none.
func (e *Engine) sendBefore(wall time.Time, c *charge.Charge, a charge.Attempt, sendBy time.Time) time.Time {
	own, now := sendBy.Sub(wall), e.cfg.Now()
	return wall.Add(min(own, a.SendBefore.Sub(now), c.LeaseUntil.Sub(now)))
}

// fromRefusal reads a plugin's proof that nothing was sent.
func fromRefusal(err error) payment.ChargeResult {
	res := notSent(payment.FaultGateway, publicText(err))
	switch payment.KindOf(err) {
	case payment.ErrorInvalid:
		// It was refused before the gateway was asked: this link at most is wrong.
		res.Outcome, res.Fault = payment.OutcomeRejected, payment.FaultStoredReference
		res.Reason += " Look at the link's settings, and run its preflight."
	case payment.ErrorUnsupported:
		res.Outcome, res.Fault = payment.OutcomeRejected, payment.FaultNone
	}
	return res
}

// answered writes an answer down, however often it takes: it is the only
// evidence there is. Only the end of the host gives it up, and then the charge
// is in doubt and looked up. pause is what it stops, if anything.
func (e *Engine) answered(c *charge.Charge, a charge.Answer, pause *charge.Pause) {
	evidence := charge.Evidence{
		Number: a.Number, Class: charge.ClassAnswer, At: a.At, By: e.cfg.Owner,
		Text: string(a.Result.Outcome) + ": " + a.Result.Reason, Body: a.Result.Evidence,
	}
	e.persist(c, func(after *charge.Charge) (*charge.Change, error) {
		if err := after.FoldAnswer(a); err != nil {
			return nil, err
		}
		change := &charge.Change{Evidence: []charge.Evidence{evidence}}
		if after.Attempt(a.Number).Outcome == a.Result.Outcome { // an answer that does not fit stops nothing
			change.Pause = pause
		}
		return change, nil
	})
}

// derive applies the verdict to a change, and keeps the charge with this host
// for a while if it goes on at once.
func (e *Engine) derive(change *charge.Change) {
	f := e.facts(e.ctx, change.After)
	if change.Pause != nil {
		f.Paused, f.Probed, f.PauseText, f.SetupFault = true, true, change.Pause.Text, change.Pause.Scope != charge.ScopeEndpoint
	}
	change.Site = e.siteChange(change.Before, change.After, f.Now)
	if change.Site != nil && change.Site.Proven() {
		f.SiteProven = true
	}
	v := change.After.Apply(f)
	if e.inHand(v, f.Now) {
		e.keep(change.After, f.Now)
	} else if change.After.State != charge.StateCharging {
		change.After.LeaseOwner, change.After.LeaseUntil = "", time.Time{}
	}
}

// inHand: the site's batch takes it at once.
func (e *Engine) inHand(v charge.Verdict, now time.Time) bool {
	return (v.Act == charge.ActRelease || v.Act == charge.ActCancel) && !v.At.After(now) && e.loops.Err() == nil
}

func (e *Engine) keep(c *charge.Charge, now time.Time) {
	until := now.Add(e.cfg.Clocks.Handoff)
	c.LeaseOwner, c.LeaseUntil, c.NextCheckAt = e.cfg.Owner, until, until
}

// written goes on after a change stands.
func (e *Engine) written(change charge.Change) {
	after := change.After
	if change.Pause != nil {
		e.board.pause(*change.Pause)
	}
	if change.Site != nil {
		e.board.site(*change.Site)
	}
	if change.Before.State == charge.StateUnknown && after.State != charge.StateUnknown {
		e.cfg.Observer.Resolved(after.State)
	}
	e.waits.tell(after)
	switch {
	case after.LeaseOwner == e.cfg.Owner && after.State != charge.StateCharging:
		e.sites.add(after.Clone())
	case after.State == charge.StatePlanned:
		e.turns.Add(string(after.FulfillerID))
	case !after.NextCheckAt.IsZero():
		e.wakeAt(after.NextCheckAt)
	}
}

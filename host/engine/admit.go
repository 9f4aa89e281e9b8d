package engine

import (
	"context"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Prepare implements order.Engine: it plans the first attempt, and starts it
// under this host's lease if there is room to send it as soon as it is written
// down.
func (e *Engine) Prepare(ctx context.Context, c *charge.Charge) {
	c.Plan(c.CreatedAt)
	f := e.facts(ctx, c)
	if e.loops.Err() == nil && !f.Paused && e.ready() && !e.recall(ctx, c) {
		e.start(ctx, c, e.turns.Try)
	}
	if f.Paused {
		c.Text = f.PauseText
	}
	c.Apply(f)
}

// recall looks whether the attempt that is planned was made before the database
// was put back. What can't be said now is said when its turn comes.
func (e *Engine) recall(ctx context.Context, c *charge.Charge) (recalled bool) {
	eff, err := e.cfg.Settings.Effective(ctx, c.LinkID)
	if err == nil {
		recalled, err = e.cfg.Gate.Recall(ctx, c, sentWith(eff), e.cfg.Now().UTC())
	}
	if err != nil {
		e.cfg.Logger.Error("whether a charge was made before can't be said; it is not started", "charge", c.ID, "error", err)
		return true
	}
	return recalled
}

// sentWith is what an attempt is sent with by these settings.
func sentWith(eff settings.Effective) charge.Attempt {
	p := eff.Profile
	return charge.Attempt{
		Settle: p.Settle, Mode: p.Mode, Endpoint: p.Endpoint, Site: p.Site, User: p.User, Stored: p.Stored, SettingsVersion: eff.Version(),
	}
}

// start turns a planned attempt into a started one, with the settings of this
// moment, if take gives it room. It reports the room that was missing.
func (e *Engine) start(ctx context.Context, c *charge.Charge, take func(turn.Room, string) bool) (missing turn.Room, ok bool) {
	eff, err := e.cfg.Settings.Effective(ctx, c.LinkID)
	if err != nil {
		return turn.Room{}, false
	}
	room := roomOf(eff.Plugin, c.FulfillerID, eff.Profile.Endpoint, eff.Profile.Site)
	if !take(room, string(c.FulfillerID)) {
		return room, false
	}
	a, with := c.Newest(), sentWith(eff)
	a.Settle, a.Mode, a.Endpoint, a.Site = with.Settle, with.Mode, with.Endpoint, with.Site
	a.User, a.Stored, a.SettingsVersion = with.User, with.Stored, with.SettingsVersion
	if eff.Profile.Numbered {
		n, err := e.cfg.Store.Sequence(ctx, c.LinkID, string(a.Stored))
		if err != nil {
			e.turns.Give(room)
			e.cfg.Logger.Error("no number for a recurring charge", "charge", c.ID, "error", err)
			return turn.Room{}, false
		}
		a.Sequence = n
		step.At(step.SequenceAllotted)
	}
	// The process's own clock is read first, so that its window ends first.
	e.begun.put(c.ID, e.cfg.Wall().Add(e.cfg.Clocks.SendWindow))
	now := e.cfg.Now().UTC()
	a.Stage, a.StartedAt, a.SendBefore = charge.StageStarted, now, now.Add(e.cfg.Clocks.SendWindow)
	c.LeaseOwner = e.cfg.Owner
	c.LeaseUntil = a.SendBefore.Add(e.cfg.Clocks.CallSlack + e.cfg.Clocks.LeaseSlack)
	return turn.Room{}, true
}

// roomOf names the room that a call takes.
func roomOf(plugin string, fulfiller settings.CompanyID, endpoint, site string) turn.Room {
	return turn.Room{Plugin: plugin, Site: endpoint + "/" + string(fulfiller) + "/" + site}
}

func startedRoom(c *charge.Charge) turn.Room {
	a := c.Newest()
	return roomOf(c.Plugin, c.FulfillerID, a.Endpoint, a.Site)
}

// Begin implements order.Engine.
func (e *Engine) Begin(cs []*charge.Charge) {
	for _, c := range cs {
		switch c.State {
		case charge.StateCharging:
			e.begun.straight(c.ID, c.CreatedAt)
			e.work.Go(func() { e.call(c.Clone()) })
		case charge.StatePlanned:
			e.turns.Add(string(c.FulfillerID))
		default:
			e.wake()
		}
	}
}

// Abandon implements order.Engine.
func (e *Engine) Abandon(cs []*charge.Charge) {
	for _, c := range cs {
		if c.State == charge.StateCharging {
			e.unstart(c)
		}
	}
}

// unstart gives back what start took for an attempt that was not written down.
func (e *Engine) unstart(c *charge.Charge) {
	e.begun.take(c.ID)
	e.turns.Give(startedRoom(c))
}

// quantum is how many charges one turn may start at the most.
const quantum = 8

// claimLoop starts planned attempts by turn.
func (e *Engine) claimLoop() {
	for {
		company, err := e.turns.Next(e.loops)
		if err != nil {
			return
		}
		left, err := e.claim(e.loops, settings.CompanyID(company))
		if err != nil && e.loops.Err() == nil {
			e.cfg.Logger.Error("planned charges can't be started", "fulfiller", company, "error", err)
		}
		// After an error the company comes up again with the next poll.
		e.turns.Done(company, left)
	}
}

// claim starts up to a quantum of one company's planned charges: claim, commit,
// and only then call. A host that must not start any leaves them to others, and
// comes back with the next poll.
func (e *Engine) claim(ctx context.Context, fulfiller settings.CompanyID) (turn.Left, error) {
	if !e.ready() || e.cfg.Gate.Stopped() != "" {
		return turn.Left{}, nil
	}
	ids, err := e.cfg.Store.Planned(ctx, fulfiller, quantum+1)
	if err != nil || len(ids) == 0 {
		return turn.Left{}, err
	}
	left := turn.Left{More: len(ids) > quantum}
	charges, err := e.cfg.Store.Load(ctx, ids[:min(len(ids), quantum)]...)
	if err != nil {
		return turn.Left{}, err
	}
	var changes []charge.Change
planned:
	for _, before := range charges {
		if n := before.Newest(); before.State != charge.StatePlanned || n == nil || n.Stage != charge.StagePlanned {
			continue
		}
		after := before.Clone()
		f := e.facts(ctx, after)
		switch {
		case f.Stopped:
			break planned // what is planned stays so
		case f.Paused, !after.CancelledAt.IsZero(), after.Unconfirmed(f):
			after.Text, after.CheckedAt = f.PauseText, f.Now
		case e.recall(ctx, after):
			if after.Newest().Stage == charge.StagePlanned {
				continue // it can't be said now
			}
		default:
			room, ok := e.start(ctx, after, func(r turn.Room, _ string) bool { return e.turns.Take(r) })
			if !ok && room == (turn.Room{}) {
				continue
			}
			if !ok {
				left.Blocked, left.Room = true, room
				break planned
			}
		}
		after.Apply(f)
		changes = append(changes, charge.Change{Before: before, After: after})
	}
	for i, err := range e.commitAll(ctx, changes) {
		c := changes[i].After
		switch {
		case err == nil && c.State == charge.StateCharging:
			step.At(step.StartsCommitted)
			e.work.Go(func() { e.call(c.Clone()) })
		case err == nil:
			e.wake()
		case c.State == charge.StateCharging:
			e.unstart(c)
		}
	}
	return left, nil
}

// notSent is the answer of a call that this host did not even make.
func notSent(fault payment.Fault, reason string) payment.ChargeResult {
	return payment.ChargeResult{Outcome: payment.OutcomeNotSent, Fault: fault, Reason: reason}
}

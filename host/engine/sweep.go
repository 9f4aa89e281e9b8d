package engine

import (
	"context"
	"sync"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
)

// sweepBatch is how many due charges are claimed at once.
const sweepBatch = 200

// sweepLoop finds what is due: what was left for later, and what a host left
// behind that died.
func (e *Engine) sweepLoop() {
	for {
		wait, err := e.sweepDue(e.loops)
		e.sweeping.note(err, e.cfg.Wall())
		if err != nil && e.loops.Err() == nil {
			e.cfg.Logger.Error("what is due can't be read", "error", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-e.nudge:
		case <-e.loops.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// wake makes the sweep look now.
func (e *Engine) wake() {
	select {
	case e.nudge <- struct{}{}:
	default:
	}
}

// wakeAt makes the sweep look when something is due before its next poll.
func (e *Engine) wakeAt(at time.Time) {
	if d := at.Sub(e.cfg.Now()); d < e.cfg.Poll {
		time.AfterFunc(max(d, 0), e.wake)
	}
}

// sweepDue works off what is due, and says how long nothing will be.
func (e *Engine) sweepDue(ctx context.Context) (time.Duration, error) {
	for {
		next, err := e.cfg.Store.NextDue(ctx)
		if err != nil {
			return e.cfg.Poll, err
		}
		if wait := next.Sub(e.cfg.Now()); next.IsZero() || wait > 0 {
			if next.IsZero() {
				wait = e.cfg.Poll
			}
			return min(wait, e.cfg.Poll), nil
		}
		// What is due may be locked by another host that takes it just now.
		if n, err := e.sweep(ctx); err != nil || n == 0 {
			return e.cfg.Poll, err
		}
	}
}

func (e *Engine) sweep(ctx context.Context) (int, error) {
	now := e.cfg.Now().UTC()
	due, err := e.cfg.Store.ClaimDue(ctx, e.cfg.Owner, now, now.Add(e.cfg.Clocks.Handoff), sweepBatch)
	if err != nil {
		return 0, err
	}
	var changes []charge.Change
	for _, c := range due {
		if change := e.step(ctx, c, now); change != nil {
			changes = append(changes, *change)
		} else {
			e.sites.add(c)
		}
	}
	for i, err := range e.commitAll(ctx, changes) {
		if err == nil {
			step.At(step.DueCommitted)
			e.written(changes[i])
		} else if ctx.Err() == nil {
			// Its claim runs out, and it comes up again.
			e.cfg.Logger.Warn("a charge that was due can't be written", "charge", changes[i].After.ID, "error", err)
		}
	}
	return len(due), nil
}

// step does what takes no gateway; nil means that it takes one.
func (e *Engine) step(ctx context.Context, c *charge.Charge, now time.Time) *charge.Change {
	change := &charge.Change{Before: c, After: c.Clone()}
	after := change.After
	if n := after.Newest(); n != nil && n.Stage == charge.StageStarted {
		// It came up because its lease has ended.
		after.FoldExpired(n.Number, now)
		change.Evidence = append(change.Evidence, charge.Evidence{
			Number: n.Number, Class: charge.ClassExpired, At: now, By: e.cfg.Owner, Text: after.Text,
		})
		e.derive(change)
		return change
	}
	f := e.facts(ctx, after)
	v := charge.Derive(after, f)
	if !v.At.After(now) {
		switch v.Act {
		case charge.ActLook, charge.ActFollow, charge.ActRelease, charge.ActCancel:
			return nil
		case charge.ActWait:
			after.Checks++
			after.CheckedAt = now
			if f.PauseText != "" {
				after.Text = f.PauseText
			}
		case charge.ActPlan:
			a := after.Plan(now)
			change.Evidence = append(change.Evidence, charge.Evidence{
				Number: a.Number, Class: charge.ClassPlan, At: now, By: e.cfg.Owner, Text: "A new attempt is planned.",
			})
		}
	}
	e.derive(change)
	return change
}

// commitAll writes changes side by side, so that they share their commits.
func (e *Engine) commitAll(ctx context.Context, changes []charge.Change) []error {
	errs := make([]error, len(changes))
	var all sync.WaitGroup
	for i := range changes {
		all.Go(func() { errs[i] = e.cfg.Store.Commit(ctx, changes[i]) })
	}
	all.Wait()
	return errs
}

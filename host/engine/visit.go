package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/shared/payment"
)

// callLimit bounds one query or update, and the way to the plugin and back.
func (e *Engine) callLimit() time.Duration { return e.cfg.Clocks.CallSlack }

// visit asks the gateway about charges of one site, and acts on what it says:
// look, write down what is about to be sent, send it, read it back, write
// that down.
func (e *Engine) visit(key batchKey, batch []*charge.Charge) {
	access, gateway, err := e.access(key, batch)
	var found *sight
	if err == nil {
		found, err = e.look(gateway, access, key.place, batch)
	}
	switch {
	case err == nil:
		step.At(step.LookDone)
	case len(batch) > 1 && payment.KindOf(err) != payment.ErrorUnavailable && e.loops.Err() == nil:
		// One link's credentials, or one record that can't be read, must not fail
		// its neighbours.
		e.visit(key, batch[:len(batch)/2])
		e.visit(key, batch[len(batch)/2:])
		return
	default:
		e.failed(key.place, batch, err)
		return
	}
	acting := e.lookedAt(key.place, batch, found)
	if len(acting) == 0 {
		return
	}
	adjusted, err := e.adjust(gateway, access, acting)
	step.At(step.AdjustAnswered)
	if err != nil {
		e.cfg.Logger.Warn("an update got no answer; it is read back", "site", key.place.Site, "error", err)
	}
	e.readBack(gateway, access, acting, adjusted)
}

// access finds the newest credentials that lead to the site.
func (e *Engine) access(key batchKey, batch []*charge.Charge) (payment.Access, payment.Gateway, error) {
	gateway, err := e.cfg.Gateways.Gateway(key.plugin)
	if err != nil {
		return payment.Access{}, nil, err
	}
	values, err := e.cfg.Settings.ForSite(e.ctx, batch[0].LinkID, key.place.Endpoint, key.place.Site)
	return payment.Access{Company: key.fulfiller, Settings: values, Endpoint: key.place.Endpoint, Site: key.place.Site}, gateway, err
}

// acting is a charge with actions that are written down and not yet sent.
type acting struct {
	change charge.Change
	place  charge.Place
	ids    []payment.TransactionID
	action payment.Action
}

// lookedAt folds the look into every charge, writes down what is to be done,
// and gives those for which something is to be sent now.
func (e *Engine) lookedAt(place charge.Place, batch []*charge.Charge, found *sight) []acting {
	var changes []charge.Change
	var acts []acting
	for _, c := range batch {
		change := charge.Change{Before: c, After: c.Clone()}
		after := change.After
		l := found.of(c)
		after.FoldLook(l, e.cfg.Clocks)
		after.Checks++
		v := charge.Derive(after, e.facts(e.ctx, after))
		act, now := acting{place: place}, e.cfg.Now().UTC()
		switch {
		case v.Act == charge.ActCancel && e.loops.Err() == nil:
			act.ids, act.action = here(after, v.Cancel, place), payment.ActionCancel
		case v.Act == charge.ActRelease && saw(l, v.Chosen) && e.loops.Err() == nil && e.cfg.Gate.Stopped() == "":
			act.ids, act.action = here(after, []payment.TransactionID{v.Chosen}, place), payment.ActionRelease
		}
		for _, id := range act.ids {
			after.MarkAdjust(id, act.action, now)
		}
		change.Evidence = e.lookEvidence(c, after, l, act, now)
		e.derive(&change)
		if len(act.ids) > 0 {
			e.keep(after, now)
		} else if v := after.NextCheckAt; after.LeaseOwner == e.cfg.Owner && !v.IsZero() {
			// In hand, but this look was not enough: the next check takes it.
			after.LeaseOwner, after.LeaseUntil = "", time.Time{}
			after.NextCheckAt = now.Add(e.cfg.Clocks.Backoff(after.Checks))
		}
		act.change = change
		changes, acts = append(changes, change), append(acts, act)
	}
	var going []acting
	for i, err := range e.commitAll(e.ctx, changes) {
		switch {
		case err != nil:
			// Mostly somebody else has decided meanwhile; its next check goes on from
			// what stands there.
			e.unwritten(changes[i], err)
		case len(acts[i].ids) > 0:
			step.At(step.MarkCommitted)
			e.noted(changes[i])
			going = append(going, acts[i])
		default:
			step.At(step.LookCommitted)
			e.written(changes[i])
		}
	}
	return going
}

// here leaves the records that stand where the batch is worked on.
func here(c *charge.Charge, ids []payment.TransactionID, place charge.Place) []payment.TransactionID {
	var list []payment.TransactionID
	for _, id := range ids {
		if c.PlaceOf(id) == place {
			list = append(list, id)
		}
	}
	return list
}

// saw reports whether a look found that transaction itself: what a lagging
// copy does not show yet can't be the only live one.
func saw(l charge.Look, id payment.TransactionID) bool {
	if len(l.References) == 0 {
		return false // only a look at all references shows that there is no other
	}
	for _, t := range l.Found {
		if t.ID == id {
			return true
		}
	}
	return false
}

// lookEvidence keeps what a look has changed, and every look at doubt.
func (e *Engine) lookEvidence(before, after *charge.Charge, l charge.Look, act acting, now time.Time) []charge.Evidence {
	var list []charge.Evidence
	doubt := before.State == charge.StateUnknown || before.State == charge.StateCancelling
	if doubt || !sameRecords(before, after) {
		list = append(list, charge.Evidence{
			Class: charge.ClassLook, At: l.At, By: e.cfg.Owner, Text: after.Tell(l), Body: charge.Excerpt(l.Found),
		})
	}
	for _, id := range act.ids {
		list = append(list, charge.Evidence{
			Class: charge.ClassAdjust, At: now, By: e.cfg.Owner, Text: fmt.Sprintf("About to %s transaction %s.", act.action, id),
		})
	}
	return list
}

func sameRecords(a, b *charge.Charge) bool {
	if len(a.Records) != len(b.Records) {
		return false
	}
	for i := range a.Records {
		if a.Records[i].Status != b.Records[i].Status || a.Records[i].Outcome != b.Records[i].Outcome {
			return false
		}
	}
	return true
}

// unwritten tells of a change that could not be written for another reason
// than that the charge has changed.
func (e *Engine) unwritten(change charge.Change, err error) {
	if !errors.Is(err, charge.ErrStale) && e.ctx.Err() == nil {
		e.cfg.Logger.Error("a charge can't be written", "charge", change.After.ID, "error", err)
	}
	e.wake()
}

// failed notes that the gateway could not be asked. Refused credentials are a
// person's case at once, and pause the site that refused them: a company that
// has moved charges elsewhere by now.
func (e *Engine) failed(place charge.Place, batch []*charge.Charge, err error) {
	now := e.cfg.Now().UTC()
	refused := false
	switch payment.KindOf(err) {
	case payment.ErrorUnauthorized, payment.ErrorForbidden, payment.ErrorNotFound:
		refused = true
	}
	var changes []charge.Change
	for _, c := range batch {
		change := charge.Change{Before: c, After: c.Clone()}
		after := change.After
		after.Checks++
		after.CheckedAt = now
		if refused && after.AccessFailedAt.IsZero() {
			after.AccessFailedAt = now
			change.Evidence = append(change.Evidence, charge.Evidence{
				Class: charge.ClassFailed, At: now, By: e.cfg.Owner, Text: "The gateway could not be asked: " + publicText(err),
			})
			key := siteKey(after, place.Endpoint, place.Site)
			change.Pause = e.newPause(after, charge.ScopeSite, key, "", publicText(err))
		}
		e.derive(&change)
		if after.LeaseOwner == e.cfg.Owner {
			after.LeaseOwner, after.LeaseUntil = "", time.Time{}
			after.NextCheckAt = now.Add(e.cfg.Clocks.Backoff(after.Checks))
		}
		changes = append(changes, change)
	}
	e.cfg.Logger.Warn("the gateway could not be asked", "charges", len(batch), "error", err)
	for i, err := range e.commitAll(e.ctx, changes) {
		if err == nil {
			step.At(step.LookFailureCommitted)
			e.written(changes[i])
		}
	}
}

// noted is written without going on: the caller does.
func (e *Engine) noted(change charge.Change) {
	if change.Site != nil {
		e.board.site(*change.Site)
	}
	e.waits.tell(change.After)
}

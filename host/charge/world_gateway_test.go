package charge_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// held is one transaction of the gateway's.
type held struct {
	payment.Transaction
	visible  time.Time // queries show it from then on
	stale    payment.Status
	fresh    time.Time // queries show the true status from then on
	debited  bool      // it was due at some time
	meddled  bool      // a person changed it at the gateway
	foreign  bool      // somebody else made it under our reference
	resolves payment.Outcome
}

func (w *world) authorise(a charge.Attempt) *held {
	tx := &held{Transaction: payment.Transaction{
		ID: payment.TransactionID(fmt.Sprintf("55-9-%d", len(w.at)+10)), Parent: a.Stored, Reference: a.Reference, Kind: payment.KindAuthorisation,
		Amount: w.c.Amount, Status: payment.StatusSuspended, Outcome: payment.OutcomeApproved, Mode: a.Mode, Site: a.Site, User: a.User,
	}}
	if a.Settle == payment.SettleAtOnce {
		tx.Status, tx.debited = payment.StatusDue, true
	}
	// Around the time that absence takes is where it matters most.
	lag := rapid.SampledFrom([]time.Duration{0, 0, time.Minute, 11 * time.Minute, 12 * time.Minute, 13 * time.Minute, time.Hour, 9 * 24 * time.Hour}).Draw(w.t, "lag")
	tx.visible = w.now.Add(min(lag, w.maxLag))
	w.at = append(w.at, tx)
	return tx
}

// intrude lets something turn up under one of our references that is not what
// we sent.
func (w *world) intrude() {
	if w.c.Newest().StartedAt.IsZero() || !w.oneIn(150, "somebody else's") {
		return
	}
	tx := w.authorise(w.c.Attempts[rapid.IntRange(0, len(w.c.Attempts)-1).Draw(w.t, "whose")])
	tx.foreign, tx.debited = true, false
	tx.Status = rapid.SampledFrom([]payment.Status{payment.StatusSuspended, payment.StatusDue, payment.StatusSettling, payment.StatusCancelled}).Draw(w.t, "its status")
	tx.Amount.Minor++ // the only thing that books which were put back still know
	if w.flip("by another user") {
		tx.User = "someone"
	}
	w.history.foreign[tx.ID] = true
}

// query is what the gateway shows now.
func (w *world) query() (l charge.Look, ok bool) {
	w.now = w.now.Add(time.Second)
	if w.oneIn(5, "query fails") {
		w.c.CheckedAt = w.now
		w.c.Checks++
		return l, false
	}
	l = charge.Look{At: w.now, Place: charge.Place{Site: "test_site"}, References: w.c.References(), Control: w.flip("control") || w.mode == payment.SettleAtOnce}
	for _, tx := range w.at {
		if w.now.Before(tx.visible) {
			continue
		}
		seen := tx.Transaction
		if w.now.Before(tx.fresh) {
			seen.Status = tx.stale
		}
		l.Found = append(l.Found, seen)
	}
	return l, true
}

func (w *world) update(id payment.TransactionID, action payment.Action) bool {
	switch {
	case w.oneIn(5, "update lost"):
		return false
	case w.oneIn(5, "update late"):
		after := rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second, w.clocks.AnswerLimit}).Draw(w.t, "after")
		w.underway = append(w.underway, underway{w.now.Add(after), id, action})
		return false
	}
	return w.updated(id, action)
}

// underway is an update whose caller has given up.
type underway struct {
	at     time.Time
	id     payment.TransactionID
	action payment.Action
}

// uncontradicted: nothing is released while its cancellation may still arrive.
// The other way round the gateway refuses what comes late.
func (w *world) uncontradicted(id payment.TransactionID, action payment.Action) {
	for _, u := range w.underway {
		if u.id == id && u.action == payment.ActionCancel && action == payment.ActionRelease {
			w.t.Fatalf("%s is released while its cancellation is under way until %s", id, u.at)
		}
	}
}

// deliver lets the late updates arrive whose time has come.
func (w *world) deliver() {
	w.underway = slices.DeleteFunc(w.underway, func(u underway) bool {
		if w.now.Before(u.at) {
			return false
		}
		w.updated(u.id, u.action)
		return true
	})
}

func (w *world) updated(id payment.TransactionID, action payment.Action) bool {
	for _, tx := range w.at {
		if tx.ID != id || tx.Status != payment.StatusSuspended && tx.Status != payment.StatusDue {
			continue
		}
		tx.stale = tx.Status
		tx.fresh = w.now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(w.t, "stale for")))
		if action == payment.ActionCancel {
			if tx.foreign {
				w.t.Fatalf("cancelled %s, which is not ours", id)
			}
			tx.Status = payment.StatusCancelled
			return true
		}
		tx.Status, tx.debited = payment.StatusDue, true
		if w.c.Record(id) == nil || tx.foreign {
			w.t.Fatalf("released %s, which is not in the books as ours", id)
		}
		return true
	}
	return false
}

// settle lets the gateway's time do its work, and people meddle.
func (w *world) settle() {
	w.deliver()
	for _, tx := range w.at {
		if tx.Outcome == payment.OutcomeUnknown && tx.resolves != "" && w.flip("bank decides") {
			tx.Outcome, tx.resolves = tx.resolves, ""
			if tx.Outcome == payment.OutcomeDeclined {
				tx.Status = payment.StatusCancelled
			}
		}
		if tx.Outcome != payment.OutcomeApproved {
			continue
		}
		switch tx.Status {
		case payment.StatusDue:
			if w.oneIn(4, "batch") {
				tx.Status = payment.StatusSettling
			}
		case payment.StatusSettling:
			if w.flip("settles") {
				tx.Status = payment.StatusSettled
			}
		case payment.StatusSuspended:
			if w.now.Sub(t0) > 7*24*time.Hour && w.flip("lapses") {
				tx.Status = payment.StatusCancelled
			}
		}
	}
}

// meddle is what a person does in the gateway's portal, or the platform here.
func (w *world) meddle() {
	if w.oneIn(21, "order cancelled") {
		w.c.Cancel(w.now)
		w.history.cancelled = true
		w.apply()
	}
	if w.oneIn(60, "a fault of the set-up") {
		if w.faultSince.IsZero() {
			w.faultSince = w.now
		}
		w.faultUntil = w.now.Add(rapid.SampledFrom([]time.Duration{time.Hour, day, 4 * day}).Draw(w.t, "until"))
	}
	w.intrude()
	switch w.c.Case {
	case charge.CaseAbsent, charge.CaseOrderRefused, charge.CaseGatewayCancel, charge.CaseSetup:
		if w.oneIn(6, "a person allows one more") {
			w.c.Plan(w.now)
			w.yes = false
			w.apply()
		}
	}
	for _, tx := range w.at {
		// A change while an update is under way is what matters most.
		if !w.oneIn(31, "person") && (len(w.underway) == 0 || !w.oneIn(4, "person, just now")) {
			continue
		}
		if tx.Status == payment.StatusDue || tx.Status == payment.StatusSuspended {
			tx.Status = rapid.SampledFrom([]payment.Status{payment.StatusSuspended, payment.StatusCancelled}).Draw(w.t, "does")
			tx.meddled = true
		}
	}
}

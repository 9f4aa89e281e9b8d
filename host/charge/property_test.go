package charge_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

func (w *world) apply() charge.Verdict {
	v := w.c.Apply(w.facts())
	if !w.now.Before(w.faultUntil) {
		w.faultSince = time.Time{}
	}
	if w.noTold && v.Produce != charge.ProduceNo {
		w.t.Fatalf("no was told, and now %s (%s)", v.Produce, v.State)
	}
	w.noTold = w.c.NoTold
	if w.yes && v.Produce == charge.ProduceNo && !w.history.cancelled {
		w.t.Fatalf("yes was told, nobody has cancelled or allowed another attempt, and now no (%s)", v.State)
	}
	w.yes = w.yes || v.Produce == charge.ProduceYes
	if w.state != v.State && !may(w.state, v.State) {
		w.t.Fatalf("%s became %s", w.state, v.State)
	}
	w.state = v.State
	if v.Act == charge.ActNone && v.Case == charge.CaseNone && !v.State.Final() {
		w.t.Fatalf("stuck in %s", v.State)
	}
	if (v.Act == charge.ActNone) != v.At.IsZero() {
		w.t.Fatalf("act %q at %s", v.Act, v.At)
	}
	w.traced(v)
	return v
}

// check holds the rules of the money against what the gateway holds.
func (w *world) check() {
	debited := 0
	for _, tx := range w.at {
		if tx.debited && !tx.foreign && tx.Status != payment.StatusCancelled && tx.Outcome == payment.OutcomeApproved {
			debited++
		}
	}
	if debited > 1 {
		w.t.Fatalf("%d authorisations of one charge will be debited (%s)", debited, w.mode)
	}
}

const day = 24 * time.Hour

// moves lists what a charge may become, besides what it is. Forwards is
// planned, charging, authorised, releasing, released, settled. Backwards it
// goes only where the gateway, its people or a lost answer take it there.
var moves = map[charge.State][]charge.State{
	"":                     {charge.StatePlanned, charge.StateWaiting},
	charge.StatePlanned:    {charge.StateCharging, charge.StateReleasing, charge.StateCancelling, charge.StateWaiting, charge.StateCancelled, charge.StateRejected, charge.StateUnknown, charge.StateAuthorised, charge.StateReleased, charge.StateHeld, charge.StateSettled},
	charge.StateWaiting:    {charge.StatePlanned, charge.StateCharging, charge.StateReleasing, charge.StateDeclined, charge.StateCancelled, charge.StateRejected, charge.StateUnknown, charge.StateAuthorised, charge.StateReleased, charge.StateHeld, charge.StateSettled, charge.StateCancelling},
	charge.StateCharging:   {charge.StateUnknown, charge.StateAuthorised, charge.StateReleased, charge.StateHeld, charge.StatePending, charge.StateDeclined, charge.StateRejected, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateSettled},
	charge.StateUnknown:    {charge.StatePlanned, charge.StateAuthorised, charge.StateReleasing, charge.StateReleased, charge.StateSettled, charge.StateHeld, charge.StatePending, charge.StateDeclined, charge.StateRejected, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled},
	charge.StatePending:    {charge.StateSettled, charge.StateDeclined, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled},
	charge.StateAuthorised: {charge.StateReleasing, charge.StateReleased, charge.StateSettled, charge.StateHeld, charge.StateUnknown, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateDeclined, charge.StateRejected},
	charge.StateReleasing:  {charge.StateAuthorised, charge.StateReleased, charge.StateSettled, charge.StateHeld, charge.StateUnknown, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateDeclined, charge.StateRejected},
	charge.StateReleased:   {charge.StateSettled, charge.StateHeld, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateUnknown},
	charge.StateHeld:       {charge.StateReleased, charge.StateSettled, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateUnknown},
	charge.StateCancelling: {charge.StateCancelled, charge.StateReleased, charge.StateSettled, charge.StateDeclined, charge.StateRejected},
	charge.StateDeclined:   {charge.StateCancelled, charge.StateCancelling, charge.StateReleased, charge.StateSettled},
	charge.StateRejected:   {charge.StateCancelled, charge.StateCancelling, charge.StateReleased, charge.StateSettled},
	charge.StateCancelled:  {charge.StateCancelling, charge.StateReleased, charge.StateSettled},
	charge.StateSettled:    {},
}

func may(from, to charge.State) bool { return slices.Contains(moves[from], to) }

func TestNeverTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range 60 {
			w.meddle()
			w.stale()
			w.step()
		}
	})
}

package charge_test

import (
	"fmt"
	"slices"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// traced holds a state, and the answer to the platform, against what the world
// has handed over: neither is ever there from nothing.
func (w *world) traced(v charge.Verdict) {
	if why := w.untold(v); why != "" {
		w.t.Fatalf("%s, produce %s, from nothing: %s", v.State, v.Produce, why)
	}
}

func released(t payment.Transaction) bool { return t.Status.Released() }

func settled(t payment.Transaction) bool { return t.Status == payment.StatusSettled }

func suspended(t payment.Transaction) bool { return t.Status == payment.StatusSuspended && t.Live() }

func approved(t payment.Transaction) bool {
	return t.Outcome == payment.OutcomeApproved && t.Kind == payment.KindAuthorisation && t.Status != payment.StatusCancelled
}

// untold says what is missing for a verdict; empty if nothing is.
func (w *world) untold(v charge.Verdict) string {
	h, n := &w.history, w.c.Newest()
	refused := w.refused() || h.refused
	missing := map[charge.State]struct {
		there bool
		what  string
	}{
		charge.StatePlanned:    {n.Stage == charge.StagePlanned && len(h.answers[n.Reference]) == 0, "an attempt that was not sent"},
		charge.StateCharging:   {n.Stage == charge.StageStarted && len(h.answers[n.Reference]) == 0, "a call that is under way"},
		charge.StateUnknown:    {w.doubted() || h.intruded, "a call that nobody knows the end of"},
		charge.StateAuthorised: {h.saw(v.Chosen, suspended), "a suspended authorisation"},
		charge.StateReleasing:  {h.saw(v.Chosen, suspended) && h.releases[v.Chosen], "a release that was written down"},
		charge.StateHeld:       {h.saw(v.Chosen, suspended), "a suspended authorisation"},
		charge.StateReleased:   {h.saw(v.Chosen, released), "an authorisation that settles"},
		charge.StateSettled:    {h.saw(v.Chosen, settled), "a settlement"},
		charge.StateDeclined:   {h.came(n.Reference, payment.OutcomeDeclined), "a decline"},
		charge.StateRejected:   {refused, "a refusal"},
		charge.StateCancelling: {h.cancelled || refused, "a cancellation, or a no"},
		charge.StateCancelled:  {h.cancelled, "a cancellation"},
		charge.StateWaiting:    {true, ""},
	}
	switch m, known := missing[v.State]; {
	case !known:
		return "the world knows no such state"
	case !m.there:
		return "there was never " + m.what
	}
	switch {
	case v.Produce == charge.ProduceYes && !h.saw(v.Chosen, approved):
		return "there was never an authorisation"
	case v.Produce == charge.ProduceYes && h.cancelled:
		return "the order is cancelled"
	case v.Produce == charge.ProduceNo && !h.cancelled && !refused:
		return "there was neither a cancellation nor a refusal"
	}
	if v.State == charge.StateCancelled || v.State == charge.StateDeclined || v.State == charge.StateRejected || v.Act == charge.ActPlan {
		if why := w.unresolved(); why != "" {
			return why
		}
	}
	if v.Act == charge.ActNone {
		return w.unwatched()
	}
	return ""
}

// refused: some call was declined or rejected.
func (w *world) refused() bool {
	return slices.ContainsFunc(w.c.Attempts, func(a charge.Attempt) bool {
		return w.history.came(a.Reference, payment.OutcomeDeclined) || w.history.came(a.Reference, payment.OutcomeRejected)
	})
}

// doubted: some call came to nothing that is known, or a record can't be read.
func (w *world) doubted() bool {
	return slices.ContainsFunc(w.c.Attempts, func(a charge.Attempt) bool {
		return slices.ContainsFunc(w.history.answers[a.Reference], func(o payment.Outcome) bool { return !o.Known() }) ||
			w.history.showed(a.Reference, func(t payment.Transaction) bool { return !t.Outcome.Known() })
	})
}

// unresolved names a call that may still turn out to have reserved money.
func (w *world) unresolved() string {
	for _, a := range w.c.Attempts {
		if a.Stage == charge.StageAnswered && !w.history.known(a.Reference) && !w.history.absent(a, w.clocks) {
			return fmt.Sprintf("attempt %d is in doubt, and no absence has aged", a.Number)
		}
	}
	return ""
}

// unwatched names an attempt that was left without a last look.
func (w *world) unwatched() string {
	for _, a := range w.c.Attempts {
		nothing := a.Stage == charge.StageAnswered && len(w.history.answers[a.Reference]) > 0 &&
			!w.history.showed(a.Reference, func(payment.Transaction) bool { return true })
		believed := w.history.came(a.Reference, payment.OutcomeNotSent) || !w.history.known(a.Reference)
		if nothing && believed && !w.history.watched(a, w.clocks) {
			return fmt.Sprintf("nothing is due any more, and attempt %d was never asked for at the end of its watch", a.Number)
		}
	}
	return ""
}

package charge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// cancelThenChosen is a charge whose first authorisation, 55-9-2, turned up
// beside the chosen one of its second attempt, 55-9-3. At the time given a
// cancellation of the first was sent, and then the second lapsed.
func cancelThenChosen(t *testing.T, at time.Time, old payment.Status) *charge.Charge {
	t.Helper()
	c := secondAttempt(t, payment.SettleRecorded, payment.OutcomeApproved, payment.StatusSuspended)
	first, second := transaction(c, 1, "55-9-2", payment.StatusSuspended), transaction(c, 2, "55-9-3", payment.StatusSuspended)
	c.FoldLook(look(c, at, first, second), charge.DefaultClocks())
	v := c.Apply(facts(at))
	require.Equal(t, second.ID, v.Chosen)
	require.Equal(t, []payment.TransactionID{first.ID}, v.Cancel)
	c.MarkAdjust(first.ID, payment.ActionCancel, at)
	c.Apply(facts(at))
	first.Status, second.Status = old, payment.StatusCancelled
	c.FoldLook(look(c, at.Add(time.Second), first, second), charge.DefaultClocks())
	return c
}

// A cancellation that may still be under way would kill what is released
// meanwhile, after "produce" was told for it.
func TestReleaseWaitsForAnOpenCancellation(t *testing.T) {
	t.Parallel()
	sent, clocks := t0.Add(time.Hour), charge.DefaultClocks()
	over := sent.Add(clocks.CallSlack)
	c := cancelThenChosen(t, sent, payment.StatusSuspended)
	v := c.Apply(facts(sent.Add(time.Second)))
	require.Equal(t, payment.TransactionID("55-9-2"), v.Chosen)
	require.Equal(t, charge.StateAuthorised, v.State)
	require.Equal(t, charge.ProduceWait, v.Produce)
	require.Equal(t, charge.ReasonDoubt, v.Reason)
	require.Equal(t, charge.ActFollow, v.Act)
	require.False(t, v.At.After(over), "it is read back as soon as the cancellation can't be under way any more")

	v = charge.Derive(c, facts(over.Add(time.Hour)))
	require.Equal(t, charge.ActFollow, v.Act, "time alone is no read-back")

	gone, still := transaction(c, 2, "55-9-3", payment.StatusCancelled), transaction(c, 1, "55-9-2", payment.StatusSuspended)
	c.FoldLook(look(c, over, still, gone), clocks)
	v = c.Apply(facts(over))
	require.Equal(t, charge.ActRelease, v.Act)
	require.Equal(t, charge.ProduceWait, v.Produce, "until the release is written down")
	c.MarkAdjust(still.ID, payment.ActionRelease, over)
	v = c.Apply(facts(over))
	require.Equal(t, charge.StateReleasing, v.State)
	require.Equal(t, charge.ProduceYes, v.Produce)
}

// What the gateway has agreed to cancel is not released, however long it shows
// it as suspended.
func TestAcceptedCancellationIsNotReversed(t *testing.T) {
	t.Parallel()
	sent := t0.Add(time.Hour)
	c := cancelThenChosen(t, sent, payment.StatusSuspended)
	require.NoError(t, c.FoldAdjusted("55-9-2", payment.ActionCancel, true))
	still := transaction(c, 1, "55-9-2", payment.StatusSuspended)
	for _, later := range []time.Duration{2 * time.Minute, time.Hour, 25 * time.Hour} {
		c.FoldLook(look(c, sent.Add(later), still), charge.DefaultClocks())
		v := c.Apply(facts(sent.Add(later)))
		require.Equal(t, charge.ActFollow, v.Act)
		require.Equal(t, charge.ProduceWait, v.Produce)
	}
	require.Equal(t, charge.CaseDoubtTooLong, c.Case)
}

func TestNoYesForWhatMayBeCancelled(t *testing.T) {
	t.Parallel()
	sent := t0.Add(time.Hour)
	c := cancelThenChosen(t, sent, payment.StatusDue)
	v := c.Apply(facts(sent.Add(time.Second)))
	require.Equal(t, charge.StateReleased, v.State)
	require.Equal(t, charge.ProduceWait, v.Produce)
	settling := transaction(c, 1, "55-9-2", payment.StatusSettling)
	c.FoldLook(look(c, sent.Add(time.Hour), settling), charge.DefaultClocks())
	require.Equal(t, charge.ProduceYes, c.Apply(facts(sent.Add(time.Hour))).Produce)
}

// A late copy may show as suspended what our own cancellation has ended: where
// "produce" was told for it then, its end is a person's, whatever the newest
// attempt came to.
func TestYesThatOurCancellationEndedIsNoDecline(t *testing.T) {
	t.Parallel()
	c := secondAttempt(t, payment.SettleRecorded, payment.OutcomeUnknown, "")
	at, clocks := t0.Add(time.Hour), charge.DefaultClocks()
	old, declined := transaction(c, 1, "55-9-2", payment.StatusSuspended), transaction(c, 2, "55-9-3", payment.StatusCancelled)
	declined.Outcome = payment.OutcomeDeclined
	c.FoldLook(look(c, at, old), clocks)
	c.MarkAdjust(old.ID, payment.ActionCancel, at)
	c.Apply(facts(at))
	at = at.Add(clocks.CallSlack)
	c.FoldLook(look(c, at, old, declined), clocks)
	require.Equal(t, charge.ActRelease, c.Apply(facts(at)).Act)
	c.MarkAdjust(old.ID, payment.ActionRelease, at)
	require.Equal(t, charge.ProduceYes, c.Apply(facts(at)).Produce)
	old.Status = payment.StatusCancelled
	at = at.Add(time.Minute)
	c.FoldLook(look(c, at, old, declined), clocks)
	v := c.Apply(facts(at))
	require.Equal(t, charge.StateWaiting, v.State)
	require.Equal(t, charge.CaseGatewayCancel, v.Case)
}

// Nothing is released while something else under our reference may take money.
func TestReleaseWaitsForAPersonBesideAMismatch(t *testing.T) {
	t.Parallel()
	for _, s := range []payment.Status{
		payment.StatusDue, payment.StatusDueUnchecked, payment.StatusSuspended, payment.StatusSettling, payment.StatusSettled,
	} {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			c, clocks := newCharge(), charge.DefaultClocks()
			start(c, payment.SettleRecorded, t0)
			ours := transaction(c, 1, "55-9-2", payment.StatusSuspended)
			require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeApproved, &ours)))
			require.Equal(t, charge.ProduceYes, c.Apply(facts(t0.Add(time.Second))).Produce)
			theirs := transaction(c, 1, "55-9-3", s)
			theirs.Amount.Minor++
			at := t0.Add(time.Minute)
			c.FoldLook(look(c, at, ours, theirs), clocks)
			v := c.Apply(facts(at))
			require.Equal(t, ours.ID, v.Chosen)
			require.Equal(t, charge.StateAuthorised, v.State)
			require.Equal(t, charge.ProduceWait, v.Produce)
			require.Equal(t, charge.ReasonMismatch, v.Reason)
			require.Equal(t, charge.CaseMismatch, v.Case)
			require.Equal(t, charge.ActFollow, v.Act)
			require.Empty(t, v.Cancel)

			theirs.Status = payment.StatusCancelled // by a person
			c.FoldLook(look(c, at.Add(time.Minute), ours, theirs), clocks)
			v = c.Apply(facts(at.Add(time.Minute)))
			require.Equal(t, charge.ProduceYes, v.Produce)
			require.Equal(t, charge.ActRelease, v.Act)
			require.Equal(t, charge.CaseNone, v.Case)
		})
	}
}

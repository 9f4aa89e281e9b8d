package charge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// What a person has cancelled at the gateway is not taken by way of an older
// attempt that turns up; a person may still allow a newer one.
func TestTakenBackIsNotTakenAnotherWay(t *testing.T) {
	t.Parallel()
	c := secondAttempt(t, payment.SettleRecorded, payment.OutcomeApproved, payment.StatusSuspended)
	c.FoldLook(look(c, t0.Add(time.Hour), transaction(c, 2, "55-9-3", payment.StatusDue)), charge.DefaultClocks())
	require.Equal(t, charge.StateReleased, c.Apply(facts(t0.Add(time.Hour))).State)

	at := t0.Add(2 * time.Hour)
	old, taken := transaction(c, 1, "55-9-2", payment.StatusSuspended), transaction(c, 2, "55-9-3", payment.StatusCancelled)
	c.FoldLook(look(c, at, old, taken), charge.DefaultClocks())
	v := c.Apply(facts(at))
	require.Equal(t, charge.StateWaiting, v.State)
	require.Equal(t, charge.ProduceWait, v.Produce)
	require.Equal(t, charge.CaseGatewayCancel, v.Case)
	require.Equal(t, charge.ActCancel, v.Act)
	require.Equal(t, []payment.TransactionID{"55-9-2"}, v.Cancel)
	require.Empty(t, v.Chosen)

	old.Status = payment.StatusCancelled
	c.MarkAdjust("55-9-2", payment.ActionCancel, at)
	c.FoldLook(look(c, at.Add(time.Minute), old, taken), charge.DefaultClocks())
	require.Equal(t, charge.CaseGatewayCancel, c.Apply(facts(at.Add(time.Minute))).Case)
	c.Plan(at.Add(time.Hour)) // a person
	require.Equal(t, charge.StatePlanned, c.Apply(facts(at.Add(time.Hour))).State)
	start(c, payment.SettleRecorded, at.Add(time.Hour))
	third := transaction(c, 3, "55-9-4", payment.StatusSuspended)
	paid := answer(3, payment.OutcomeApproved, &third)
	paid.At = at.Add(61 * time.Minute)
	require.NoError(t, c.FoldAnswer(paid))
	v = c.Apply(facts(paid.At))
	require.Equal(t, charge.StateAuthorised, v.State)
	require.Equal(t, third.ID, v.Chosen)
}

// Where "produce" was told for an old authorisation that turned up while the
// newest, which the bank then declined, was in doubt, its lapse is a person's, not a decline.
func TestYesThatLapsedIsNoDecline(t *testing.T) {
	t.Parallel()
	c := secondAttempt(t, payment.SettleRecorded, payment.OutcomeUnknown, "")
	at := t0.Add(2 * time.Hour)
	old := transaction(c, 1, "55-9-2", payment.StatusSuspended)
	declined := transaction(c, 2, "55-9-3", payment.StatusCancelled)
	declined.Outcome = payment.OutcomeDeclined
	c.FoldLook(look(c, at, old, declined), charge.DefaultClocks())
	require.Equal(t, charge.ProduceYes, c.Apply(facts(at)).Produce)
	old.Status = payment.StatusCancelled
	c.FoldLook(look(c, at.Add(time.Hour), old, declined), charge.DefaultClocks())
	v := c.Apply(facts(at.Add(time.Hour)))
	require.Equal(t, charge.StateWaiting, v.State)
	require.Equal(t, charge.ProduceWait, v.Produce)
	require.Equal(t, charge.CaseGatewayCancel, v.Case)
}

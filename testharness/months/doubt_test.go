package months

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

const day = 24 * time.Hour

var modes = map[payment.SettleMode]time.Duration{
	payment.SettleRecorded: 10 * time.Minute,
	payment.SettleAtOnce:   time.Hour,
}

func settling(mode payment.SettleMode) map[string]string {
	return map[string]string{"settle": string(mode)}
}

// lostRequest plays an order whose only request never reached the gateway, and
// gives the times of all that was done about it, from its intake on.
func lostRequest(b *bed, mode payment.SettleMode) []time.Duration {
	b.t.Helper()
	began := time.Now()
	b.fault(gateway.Fault{Effect: gateway.EffectReset, Type: "AUTH", Times: 1})
	id := b.place(1250)
	c := b.in(id, charge.StateUnknown)
	require.Equal(b.t, payment.OutcomeUnknown, c.Attempts[0].Outcome)
	b.pass(time.Minute)
	b.place(900) // younger than the attempt: what proves an absence at once
	for range 20 {
		b.pass(time.Hour)
		if c = b.load(id); c.State == charge.StateSettled || c.State == charge.StateReleased {
			break
		}
	}
	b.in(id, charge.StateReleased)
	require.Len(b.t, c.Attempts, 2)
	first, second := c.Attempts[0], c.Attempts[1]
	counts := first.SendBefore.Add(payment.AnswerLimit)
	require.False(b.t, first.FirstLook.Before(counts), "a look counts before the answer could still have come")
	require.GreaterOrEqual(b.t, first.Looks, 6)
	require.GreaterOrEqual(b.t, first.LastLook.Sub(first.FirstLook), modes[mode])
	require.False(b.t, second.StartedAt.Before(first.LastLook))
	require.Less(b.t, second.StartedAt.Sub(counts), modes[mode]*3/2, "an order is not kept waiting for longer than absence takes")
	require.Len(b.t, b.authorisations(c), 1)
	require.Len(b.t, b.debits(c), 1)

	b.pass(9 * day)
	c = b.in(id, charge.StateSettled)
	require.False(b.t, c.Attempts[0].WatchedAt.Before(first.SendBefore.Add(8*day)), "the old reference is asked for once more")
	require.Zero(b.t, c.NextCheckAt)
	require.Empty(b.t, c.Case)

	var times []time.Duration
	for _, e := range b.story(id) {
		times = append(times, e.At.Sub(began).Round(time.Second))
	}
	return times
}

func TestLostRequestIsSentAgainOnceAbsenceHasAged(t *testing.T) {
	t.Parallel()
	for mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			inBubble(t, "2026-05-13 10:00:00", settling(mode), func(b *bed) { lostRequest(b, mode) })
		})
	}
}

// The same story takes the same time on every day of the year: nights that an
// hour is added to or taken from, ends of months and of years, leap days.
func TestDaysOfTheYearAreAlike(t *testing.T) {
	t.Parallel()
	const mode = payment.SettleRecorded
	var plain []time.Duration
	inBubble(t, "2026-05-13 00:45:00", settling(mode), func(b *bed) { plain = lostRequest(b, mode) })
	for _, start := range []string{
		"2026-03-29 00:45:00", "2026-10-25 00:45:00", "2026-01-31 00:45:00", "2028-02-28 00:45:00", "2028-02-29 00:45:00", "2026-12-31 00:45:00",
	} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			inBubble(t, start, settling(mode), func(b *bed) { require.Equal(t, plain, lostRequest(b, mode)) })
		})
	}
}

func TestLateRecordIsAdopted(t *testing.T) {
	t.Parallel()
	for mode, absence := range modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			inBubble(t, "2026-05-13 10:00:00", settling(mode), func(b *bed) {
				lag := absence * 9 / 10
				b.fault(gateway.Fault{Effect: gateway.EffectProcessThenDrop, Type: "AUTH", Times: 1})
				b.fault(gateway.Fault{Effect: gateway.EffectQueryLag, Type: "AUTH", Times: 1, Delay: gateway.Duration(lag)})
				id := b.place(1250)
				b.pass(time.Minute)
				b.place(900)
				b.pass(lag - 2*time.Minute)
				b.in(id, charge.StateUnknown)
				b.pass(absence)
				c := b.in(id, charge.StateReleased)
				require.Len(t, c.Attempts, 1, "what shows late was never sent again")
				require.Len(t, b.debits(c), 1)
			})
		})
	}
}

// A record that shows after its absence was believed costs a reservation and
// never a second debit, because nobody releases it.
func TestRecordBeyondAbsenceIsLetGo(t *testing.T) {
	t.Parallel()
	inBubble(t, "2026-05-13 10:00:00", settling(payment.SettleRecorded), func(b *bed) {
		b.fault(gateway.Fault{Effect: gateway.EffectProcessThenDrop, Type: "AUTH", Times: 1})
		b.fault(gateway.Fault{Effect: gateway.EffectQueryLag, Type: "AUTH", Times: 1, Delay: gateway.Duration(26 * time.Hour)})
		id := b.place(1250)
		b.pass(time.Hour)
		c := b.in(id, charge.StateReleased)
		require.Len(t, c.Attempts, 2)
		require.Len(t, b.authorisations(c), 2)
		b.pass(2 * day)
		c = b.load(id)
		held := b.authorisations(c)
		require.Equal(t, gateway.StatusCancelled, held[0].SettleStatus, "the first is let go as soon as it shows")
		require.Equal(t, gateway.StatusSettled, held[1].SettleStatus)
		b.pass(9 * day)
		c = b.in(id, charge.StateSettled)
		require.Zero(t, c.NextCheckAt)
		require.Len(t, b.debits(c), 1)
	})
}

// What the bank has not decided is asked for, and never guessed.
func TestBankDecidesLater(t *testing.T) {
	t.Parallel()
	for effect, want := range map[gateway.Effect]charge.State{
		gateway.EffectBankErrorThenPaid: charge.StateReleased, gateway.EffectBankErrorThenFailed: charge.StateDeclined,
	} {
		t.Run(string(effect), func(t *testing.T) {
			t.Parallel()
			inBubble(t, "2026-05-13 10:00:00", nil, func(b *bed) {
				b.fault(gateway.Fault{Effect: effect, Times: 1, Delay: gateway.Duration(20 * time.Hour)})
				id := b.place(1250)
				b.pass(19 * time.Hour)
				b.in(id, charge.StateUnknown)
				b.pass(6 * time.Hour)
				c := b.in(id, want)
				require.Len(t, c.Attempts, 1)
			})
		})
	}
}

func TestDoubtThatLastsIsAPersons(t *testing.T) {
	t.Parallel()
	inBubble(t, "2026-05-13 10:00:00", nil, func(b *bed) {
		b.fault(gateway.Fault{Effect: gateway.EffectBankErrorStays, Times: 1})
		id := b.place(1250)
		b.pass(23 * time.Hour)
		require.Empty(t, b.load(id).Case)
		b.pass(3 * time.Hour)
		c := b.in(id, charge.StateUnknown)
		require.Equal(t, charge.CaseDoubtTooLong, c.Case)
		require.Len(t, c.Attempts, 1)
		asked := len(b.looks(id))
		b.pass(2 * day)
		require.Greater(t, len(b.looks(id)), asked, "a person has it, and it is asked for all the same")
	})
}

package months

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

func (b *bed) down(down bool) {
	b.t.Helper()
	s := b.gateway.Switches()
	s.Down = down
	require.NoError(b.t, b.gateway.SetSwitches(b.t.Context(), s))
}

// A gateway that can't be reached for a weekend costs waiting, and uses up
// neither attempts nor patience.
func TestGatewayIsDownForAWeekend(t *testing.T) {
	t.Parallel()
	inBubble(t, "2026-05-15 22:00:00", nil, func(b *bed) {
		b.down(true)
		var ids []charge.ID
		for i := range 40 {
			ids = append(ids, b.place(1000+int64(i)))
			b.pass(time.Hour)
		}
		for _, id := range ids {
			require.Equal(t, charge.ProduceWait, b.load(id).Produce)
		}
		b.down(false)
		b.pass(2 * time.Hour) // probes of what is paused are an hour apart at the most
		for _, id := range ids {
			c := b.in(id, charge.StateReleased)
			require.LessOrEqual(t, len(c.Attempts), 4)
			require.Len(t, b.authorisations(c), 1)
		}
	})
}

func TestReleaseThatNeverGetsThroughLapses(t *testing.T) {
	t.Parallel()
	inBubble(t, "2026-05-13 10:00:00", nil, func(b *bed) {
		first := b.place(900) // proves the site
		b.in(first, charge.StateReleased)
		b.fault(gateway.Fault{Effect: gateway.EffectServerError, Type: "TRANSACTIONUPDATE"})
		id := b.place(1250)
		c := b.in(id, charge.StateReleasing)
		require.Empty(t, c.Case)
		b.pass(90 * time.Minute)
		require.Equal(t, charge.CaseReleaseOverdue, b.in(id, charge.StateReleasing).Case)
		b.pass(8 * day)
		c = b.in(id, charge.StateWaiting)
		require.Equal(t, charge.CaseGatewayCancel, c.Case, "it was authorised, and lapsed: a person decides what becomes of it")
		require.Len(t, c.Attempts, 1)
		require.Empty(t, b.debits(c))
	})
}

func TestHeldByTheGatewayLapses(t *testing.T) {
	t.Parallel()
	inBubble(t, "2026-05-13 10:00:00", settling(payment.SettleAtOnce), func(b *bed) {
		b.fault(gateway.Fault{Effect: gateway.EffectHeld, Times: 1})
		id := b.place(1250)
		c := b.in(id, charge.StateHeld)
		require.Equal(t, charge.CaseHeld, c.Case)
		require.Equal(t, charge.ProduceWait, c.Produce)
		b.pass(8 * day)
		c = b.in(id, charge.StateWaiting)
		require.Equal(t, charge.CaseGatewayCancel, c.Case)
		require.Len(t, c.Attempts, 1)
		require.Empty(t, b.debits(c))
	})
}

// A set-up that nobody mends ends with a no after the patience with it, and
// then nothing is ever charged.
func TestSetupNobodyMends(t *testing.T) {
	t.Parallel()
	inBubble(t, "2026-05-13 10:00:00", nil, func(b *bed) {
		user, ok := b.gateway.User(gateway.DefaultUser)
		require.True(t, ok)
		user.Locked = true
		require.NoError(t, b.gateway.SetUser(user))
		id := b.place(1250)
		require.Equal(t, charge.ProduceWait, b.load(id).Produce)
		b.pass(71 * time.Hour)
		require.Equal(t, charge.ProduceWait, b.load(id).Produce)
		b.pass(3 * time.Hour)
		c := b.in(id, charge.StateRejected)
		require.Equal(t, charge.ProduceNo, c.Produce)
		user.Locked = false
		require.NoError(t, b.gateway.SetUser(user))
		b.pass(3 * day)
		require.Empty(t, b.authorisations(b.in(id, charge.StateRejected)))
	})
}

package months

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// troubles are what happens to one order in ten.
var troubles = []gateway.Fault{
	{Effect: gateway.EffectReset, Type: "AUTH", Times: 1},
	{Effect: gateway.EffectProcessThenDrop, Type: "AUTH", Times: 1},
	{Effect: gateway.EffectBrokenJSON, Type: "AUTH", Times: 1},
	{Effect: gateway.EffectBankErrorThenPaid, Times: 1, Delay: gateway.Duration(3 * time.Hour)},
	{Effect: gateway.EffectBankErrorThenFailed, Times: 1, Delay: gateway.Duration(3 * time.Hour)},
	{Effect: gateway.EffectServerError, Type: "TRANSACTIONUPDATE", Times: 1},
	{Effect: gateway.EffectQueryLag, Type: "TRANSACTIONUPDATE", Times: 1, Delay: gateway.Duration(5 * time.Minute)},
	{Effect: gateway.EffectDown, Times: 3},
}

// A year of one company: an order every day or two, one in ten in trouble, one in
// thirty cancelled, and now and then hours in which the gateway is away.
func TestYear(t *testing.T) {
	t.Parallel()
	for mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			inBubble(t, "2026-03-01 08:00:00", settling(mode), func(b *bed) { year(b, 365) })
		})
	}
}

func year(b *bed, days int) {
	b.t.Helper()
	rng := rand.New(rand.NewPCG(11, 13))
	ids, cancelled := map[charge.ID]int64{}, map[charge.ID]bool{}
	end := time.Now().AddDate(0, 0, days)
	for time.Now().Before(end) {
		if time.Now().Day() == 15 && rng.IntN(3) == 0 {
			b.down(true)
			b.pass(time.Duration(rng.Int64N(int64(4 * time.Hour))))
			b.down(false)
		}
		if rng.IntN(10) == 0 {
			b.fault(troubles[rng.IntN(len(troubles))])
		}
		minor := 500 + rng.Int64N(10_000)
		if rng.IntN(20) == 0 {
			minor = 70_000 // the bank says no to this amount
		}
		o, id := b.placeOrder(minor)
		ids[id] = minor
		if rng.IntN(30) == 0 {
			b.pass(time.Duration(rng.Int64N(int64(time.Hour))))
			cancelled[id] = true
			_, _, err := b.orders.Cancel(b.t.Context(), platform, o, "not wanted any more")
			require.NoError(b.t, err)
		}
		b.pass(time.Duration(rng.Int64N(int64(3 * day))))
	}
	b.gateway.ClearFaults()
	b.pass(30 * day)

	var taken, booked int64
	for id, minor := range ids {
		c := b.load(id)
		debits := b.debits(c)
		require.LessOrEqual(b.t, len(debits), 1, "charge %s", id)
		for _, e := range b.authorisations(c) {
			require.NotEqual(b.t, gateway.StatusSuspended, e.SettleStatus, "a reservation is left over")
		}
		if len(debits) == 1 {
			require.Equal(b.t, minor, debits[0].Amount)
			require.Equal(b.t, gateway.StatusSettled, debits[0].SettleStatus)
			require.Equal(b.t, charge.StateSettled, c.State)
			taken += debits[0].Amount
		}
		switch {
		case c.State.Final():
			require.Zero(b.t, c.NextCheckAt, "what is final is asked for no more")
			require.Contains(b.t, []int{0, 1}, len(debits))
		default:
			require.NotEqual(b.t, charge.CaseNone, c.Case, "%s is neither final nor with a person", c.State)
		}
		if !cancelled[id] && minor != 70_000 && c.Case == charge.CaseNone {
			require.Contains(b.t, []charge.State{charge.StateSettled, charge.StateDeclined}, c.State)
		}
	}
	for _, e := range b.entries() {
		if e.Debit == charge.AccountSettled {
			booked += e.Amount.Minor
		}
		if e.Credit == charge.AccountSettled {
			booked -= e.Amount.Minor
		}
	}
	require.Equal(b.t, taken, booked, "money at the gateway is money in the books")
	require.Greater(b.t, len(ids), days/2)
	b.t.Logf("%d orders, %d cancelled, %d minor units settled, requests %v", len(ids), len(cancelled), taken, b.gateway.Stats().Requests)
}

// entries are all entries of the ledger.
func (b *bed) entries() []charge.Entry {
	b.t.Helper()
	var all []charge.Entry
	after := ""
	for {
		page, err := b.store.Entries(b.t.Context(), after, 1000)
		require.NoError(b.t, err)
		if len(page) == 0 {
			return all
		}
		all, after = append(all, page...), page[len(page)-1].ID
	}
}

package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

var long = Size{Orders: 20_000, Kills: 200, Duration: 10 * time.Minute, Hosts: 2, Shops: 4, AtOnce: true, Server: true, FaultShare: 0.1, Scale: 20, PutBack: true}

// The plan is a function of seed and sizes, and of nothing else.
func TestSameSeedSamePlan(t *testing.T) {
	t.Parallel()
	plan := NewPlan(7, long)
	require.Equal(t, plan, NewPlan(7, long))
	other := NewPlan(8, long)
	require.NotEqual(t, NewPlan(7, long).Posts, other.Posts)
	require.NotEqual(t, NewPlan(7, long).Steps, other.Steps)
}

func TestPlanHoldsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, size := range []Size{long, short, {Orders: 1, Duration: time.Second, Hosts: 1, Shops: 1, Scale: 1}} {
		require.NoError(t, size.Validate())
		plan := NewPlan(3, size)
		numbers, amounts, faults := map[int]bool{}, map[int64]int{}, 0
		for _, p := range plan.Posts {
			require.Less(t, p.At, size.Duration)
			for _, o := range p.Orders {
				require.False(t, numbers[o.Number])
				numbers[o.Number] = true
				amounts[o.Minor]++
				if o.Fault != "" {
					faults++
					require.NotEmpty(t, faultsOf(orderFaults, o.Fault, size.Scale), o.Fault)
					require.NotEqual(t, int64(declinedAmount), o.Minor)
				}
			}
		}
		require.Len(t, numbers, size.Orders)
		delete(amounts, declinedAmount)
		for minor, n := range amounts {
			require.Equal(t, 1, n, minor)
		}
		require.InDelta(t, size.FaultShare, float64(faults)/float64(size.Orders), 0.05)
		kills := 0
		for i, s := range plan.Steps {
			if s.Kind == KindKill {
				kills++
			}
			if i > 0 {
				require.LessOrEqual(t, plan.Steps[i-1].At, s.At)
			}
			if s.Kind == KindFault {
				require.NotEmpty(t, faultsOf(windowFaults, s.Fault, size.Scale), s.Fault)
			}
			if !size.Server && s.Kind != KindFill && s.Kind != KindCopy {
				require.NotContains(t, s.Target, "database")
			}
		}
		require.Equal(t, size.Kills, kills)
	}
}

// A long run leaves out nothing that the gateway or we can do.
func TestLongPlanHasEverything(t *testing.T) {
	t.Parallel()
	kinds, faults := map[Kind]int{}, map[string]int{}
	plan := NewPlan(1, long)
	for _, s := range plan.Steps {
		kinds[s.Kind]++
		faults[s.Fault]++
	}
	for _, p := range plan.Posts {
		for _, o := range p.Orders {
			faults[o.Fault]++
		}
	}
	for _, kind := range []Kind{KindKill, KindStop, KindRestart, KindCut, KindStall, KindSlow, KindDeaf, KindFill, KindSkew, KindFault, KindCopy} {
		require.Positive(t, kinds[kind], kind)
	}
	for _, f := range append(orderFaults, windowFaults...) {
		require.Positive(t, faults[f.name], f.name)
	}
}

// What the runs leave out: they charge cards alone and listen to no
// notifications, and they cut and stall connections by a link of their own.
var leftOut = map[gateway.Effect]bool{
	gateway.EffectBankAgrees: true, gateway.EffectBankDeclines: true,
	gateway.EffectNotificationLate: true, gateway.EffectNotificationDuplicated: true, gateway.EffectNotificationReordered: true,
	gateway.EffectNotificationForged: true, gateway.EffectNotificationTruncated: true, gateway.EffectNotificationLost: true,
	gateway.EffectRefuse: true, gateway.EffectHandshakeStall: true, gateway.EffectCloseKept: true, gateway.EffectHalfOpen: true,
	gateway.EffectCutAfter: true, gateway.EffectStallAfter: true, gateway.EffectTrickle: true,
}

func TestEverySimulatedEffectIsUsed(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, f := range append(orderFaults, windowFaults...) {
		for _, g := range f.make(20) {
			used[string(g.Effect)] = true
		}
	}
	for _, e := range effects() {
		require.Equal(t, !leftOut[gateway.Effect(e)], used[e], e)
	}
}

func TestSizesThatMakeNoPlan(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*Size){
		func(s *Size) { s.Orders = 0 }, func(s *Size) { s.Kills = -1 }, func(s *Size) { s.Duration = 0 }, func(s *Size) { s.Hosts = 0 },
		func(s *Size) { s.Server = false }, func(s *Size) { s.Shops = 0 }, func(s *Size) { s.FaultShare = 2 }, func(s *Size) { s.Scale = 0 },
	} {
		size := long
		change(&size)
		require.Error(t, size.Validate())
	}
}

func effects() []string {
	var list []string
	for _, e := range gateway.Effects() {
		list = append(list, string(e))
	}
	return list
}

// No fault of an order is later than what the clocks are proven for.
func TestNoLagIsLongerThanTheLongest(t *testing.T) {
	t.Parallel()
	for _, f := range append(orderFaults, windowFaults...) {
		for _, g := range f.make(1) {
			require.LessOrEqual(t, time.Duration(g.Delay)+time.Duration(g.Spread), LongestLag, f.name)
		}
	}
}

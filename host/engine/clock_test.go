package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/host/engine"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/shared/payment"
)

// skewed is another host of the same database, whose machine's wall clock is off.
type skewed struct {
	*bed
	orders *order.Service
	calls  atomic.Int64
	faults sync.Map // what was wrong with its calls
}

// skewedGateway is the plugin on the skewed machine.
type skewedGateway struct {
	payment.Gateway
	host *skewed
	wall func() time.Time
}

// Charge implements payment.Gateway.
func (g skewedGateway) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	g.host.calls.Add(1)
	now := g.wall()
	if left := r.SendBefore.Round(0).Sub(now.Round(0)); left <= 0 || left > patient().SendWindow {
		g.host.faults.Store(fmt.Sprintf("by its own clock there were %s left", left), true)
	}
	// The memory behind it is on no machine in particular.
	r.SendBefore = time.Now().Add(time.Minute)
	return g.Gateway.Charge(ctx, r)
}

// patient are clocks of which nothing runs out on a busy machine.
func patient() charge.Clocks {
	c := quick()
	c.SendWindow, c.CallSlack, c.LeaseSlack, c.Handoff = 2*patience, 2*patience, patience, patience
	return c
}

func newSkewed(b *bed, by time.Duration) *skewed {
	b.t.Helper()
	s := &skewed{bed: b}
	wall := func() time.Time { return time.Now().Add(by) }
	clock := database.NewClock(b.db, database.ClockConfig{Wall: wall, Every: 20 * time.Millisecond})
	require.NoError(b.t, clock.Start(b.ctx))
	b.t.Cleanup(clock.Stop)
	e, err := engine.New(engine.Config{
		Store: b.store, Settings: b.settings, Gateways: gateways{skewedGateway{b.gateway, s, wall}}, Clocks: patient(), Limits: b.limits,
		Owner: fmt.Sprintf("host-%d", engines.Add(1)), Poll: 50 * time.Millisecond, Logger: hclog.NewNullLogger(),
		Now: clock.Now, Wall: wall, Ready: clock.Check,
	})
	require.NoError(b.t, err)
	require.NoError(b.t, e.Start(b.ctx))
	b.t.Cleanup(func() { b.stop(e) })
	namer, err := charge.NewNamer("test", make([]byte, charge.MinNamerKey))
	require.NoError(b.t, err)
	s.orders = order.New(order.Config{Store: b.store, Companies: b.settings, Engine: e, Namer: namer, Now: clock.Now})
	return s
}

// Two hosts of one database, whose machines' clocks differ: no lease is lost to
// the other, nothing is charged twice, and a host that is too far off starts
// nothing.
func TestHostsWithDifferentClocks(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{4 * time.Second, -4 * time.Second, 60 * time.Second, -60 * time.Second} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			b := newBed(t, databasetest.MySQL(t), turn.Limits{Plugin: 8, Site: 8})
			b.stop(b.engine) // its clock is not the database's
			s := b.shop("a", nil)
			right, wrong := newSkewed(b, 0), newSkewed(b, by)
			const n = 100
			ids, errs := make([]charge.ID, n), make([]error, n)
			place := func(i int, host *skewed) {
				var cs []*charge.Charge
				if _, cs, _, errs[i] = host.orders.Place(b.ctx, b.placement(s, int64(100+i)), "test", nil); errs[i] == nil {
					ids[i] = cs[0].ID
				}
			}
			place(0, wrong) // nothing waits yet: who takes it in starts it, if it may
			var wg sync.WaitGroup
			for i := 1; i < n; i++ {
				wg.Go(func() { place(i, []*skewed{right, wrong}[i%2]) })
			}
			wg.Wait()
			for i, id := range ids {
				require.NoError(t, errs[i])
				c := b.untilState(id, charge.StateReleased)
				require.Len(t, c.Attempts, 1)
				require.Len(t, b.live(c), 1)
				story, err := b.store.Evidence(b.ctx, id)
				require.NoError(t, err)
				require.False(t, slices.ContainsFunc(story, func(e charge.Evidence) bool { return e.Class == charge.ClassExpired }), "a lease was taken for ended")
			}
			require.EqualValues(t, n, right.calls.Load()+wrong.calls.Load(), "one call each")
			if by.Abs() > 5*time.Second {
				require.Zero(t, wrong.calls.Load())
			} else {
				require.NotZero(t, wrong.calls.Load())
			}
			for _, host := range []*skewed{right, wrong} {
				host.faults.Range(func(fault, _ any) bool { require.Fail(t, fault.(string)); return false })
			}
		})
	}
}

// A host that is not ready starts nothing, neither what comes in nor what is
// planned, and goes on with what is under way; later it starts what waits.
func TestNotReadyStartsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		var notReady atomic.Bool
		b.ready = func() error {
			if notReady.Load() {
				return errors.New("not now")
			}
			return nil
		}
		b.stop(b.engine)
		b.startEngine()
		inside, leave := make(chan struct{}), make(chan struct{})
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			close(inside)
			<-leave
			return b.gateway.Memory.Charge(ctx, r)
		})
		first := b.place(s, 100)
		<-inside
		notReady.Store(true)
		b.gateway.OnCharge(nil)
		second := b.place(s, 200)
		require.Equal(t, charge.StatePlanned, b.load(second).State)
		close(leave)
		b.untilState(first, charge.StateReleased) // looked at, released, read back
		require.Equal(t, charge.StatePlanned, b.load(second).State)
		notReady.Store(false)
		b.untilState(second, charge.StateReleased)
	})
}

// Whatever happened between the start of an attempt and its first byte: the
// window is checked by the database's time and by the host's own.
func TestLateOnAnyClockIsNotSent(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]struct {
		now, wall time.Duration
		ready     error
	}{
		"Stopped":           {now: time.Minute, wall: time.Minute},
		"DatabaseForward":   {now: time.Minute},
		"DatabaseBackwards": {now: -time.Hour, wall: time.Minute}, // and the process stood meanwhile
		"NotReady":          {ready: errors.New("not now")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, db *database.DB) {
				b := newBed(t, db, roomy)
				s := b.shop("a", nil)
				b.stop(b.engine)
				var gone atomic.Bool
				at := func(by time.Duration) func() time.Time {
					return func() time.Time {
						if gone.Load() {
							return time.Now().Add(by)
						}
						return time.Now()
					}
				}
				b.now, b.wall = at(jump.now), at(jump.wall)
				b.ready = func() error {
					if gone.Load() {
						return jump.ready
					}
					return nil
				}
				b.plugins = jumping{b.gateway, func() { gone.Store(true) }}
				b.startEngine()
				// The sweep, by the same clock, may find the lease ended before the call
				// has come back: what the call says counts.
				var said []charge.Evidence
				c := b.until(b.place(s, 100), "answered", func(c *charge.Charge) bool {
					story, err := b.store.Evidence(b.ctx, c.ID)
					require.NoError(t, err)
					said = slices.DeleteFunc(story, func(e charge.Evidence) bool { return e.Class != charge.ClassAnswer || e.Number != 1 })
					return len(said) > 0
				})
				require.Contains(t, said[0].Text, string(payment.OutcomeNotSent)+": ")
				for _, t2 := range b.gateway.Transactions() {
					require.NotEqual(t, c.Attempts[0].Reference, t2.Reference)
				}
			})
		})
	}
}

// jumping lets the clocks jump right before the last check.
type jumping struct {
	gateway payment.Gateway
	jump    func()
}

func (j jumping) Gateway(string) (payment.Gateway, error) {
	j.jump()
	return j.gateway, nil
}

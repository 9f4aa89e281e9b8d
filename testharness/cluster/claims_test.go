package cluster

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/shared/payment"
)

// Hosts on three nodes compete for the same planned charges: each is sent once.
func TestClaims(t *testing.T) {
	t.Parallel()
	b := newBed(t, nodes(t))
	// A decline ends a charge with two commits, so that claims are what is done most.
	b.gateway.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) {
		return payment.ChargeResult{Outcome: payment.OutcomeDeclined, Decline: payment.DeclineHard, Reason: "Declined."}, nil
	})
	const n = 2000
	b.held.Store(true)
	began := time.Now()
	b.placeAll(0, n, b.hosts...)
	t.Logf("%d orders were taken in after %.1f s", n, time.Since(began).Seconds())
	require.Empty(t, b.gateway.Charges())
	began = time.Now()
	b.held.Store(false)
	list := b.untilAll(n, charge.StateDeclined)
	t.Logf("%d charges were claimed and decided after %.1f s", n, time.Since(began).Seconds())
	b.onceEach(list, 0)
	total := int64(0)
	for i, h := range b.hosts {
		require.NotZero(t, h.calls.Load(), "host %d took its share", i)
		total += h.calls.Load()
	}
	require.EqualValues(t, n, total, "one call for each charge")
}

// What is due is given to one host alone.
func TestClaimsOfWhatIsDue(t *testing.T) {
	t.Parallel()
	b := newBed(t, nodes(t))
	const n = 600
	b.held.Store(true)
	b.placeAll(0, n, b.hosts...)
	for _, h := range b.hosts {
		h.engine.Stop(b.ctx)
	}
	now := time.Now().UTC()
	require.NoError(t, b.hosts[0].db.Tx(b.ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE charges SET state = ?, next_check_at = ?", string(charge.StateUnknown), now.Add(-time.Minute)).Error
	}))
	var mu sync.Mutex
	taken := map[charge.ID]int{}
	var all sync.WaitGroup
	for _, h := range b.hosts {
		for range 3 {
			all.Go(func() {
				for empty := 0; empty < 20; {
					got, err := h.store.ClaimDue(b.ctx, "host", now, now.Add(time.Hour), 25)
					if err != nil || len(got) == 0 {
						// What is left may be locked by others, or not have arrived yet.
						empty++
						<-time.After(20 * time.Millisecond)
						continue
					}
					empty = 0
					mu.Lock()
					for _, c := range got {
						taken[c.ID]++
					}
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	require.Len(t, taken, n)
	for id, times := range taken {
		require.Equal(t, 1, times, id)
	}
}

// racer claims rows as it must not be done, or as it must: it acts when its
// UPDATE has won on its own node, or when COMMIT has.
type racer struct {
	db    *database.DB
	early bool
}

func (r racer) claim(ctx context.Context, id charge.ID, version int64, act func()) error {
	won := false
	err := r.db.Tx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE charges SET version = version + 1 WHERE id = ? AND version = ?", string(id), version)
		if won = res.Error == nil && res.RowsAffected == 1; won && r.early {
			act()
		}
		return res.Error
	})
	if err == nil && won && !r.early {
		act()
	}
	return err
}

// race lets hosts of all nodes claim the same rows, and counts those that more
// than one acted on.
func (b *bed) race(list []*charge.Charge, early bool) (doubled int) {
	b.t.Helper()
	var mu sync.Mutex
	acts := map[charge.ID]int{}
	fresh := b.charges(b.hosts[0])
	require.Len(b.t, fresh, len(list))
	var all sync.WaitGroup
	for _, h := range b.hosts {
		for range 4 {
			all.Go(func() {
				for _, c := range fresh {
					// An error is a race lost: nothing was written then.
					_ = racer{h.db, early}.claim(b.ctx, c.ID, c.Version, func() {
						mu.Lock()
						defer mu.Unlock()
						acts[c.ID]++
					})
				}
			})
		}
	}
	all.Wait()
	for _, n := range acts {
		if n > 1 {
			doubled++
		}
	}
	require.Len(b.t, acts, len(list), "somebody won each")
	return doubled
}

// The control: whoever acts before COMMIT does so twice, since locks end at the
// node. If this is not seen, the other tests prove nothing.
func TestActingBeforeCommitDoubles(t *testing.T) {
	t.Parallel()
	b := newBed(t, nodes(t))
	const n = 100
	b.held.Store(true)
	b.placeAll(0, n, b.hosts...)
	for _, h := range b.hosts {
		h.engine.Stop(b.ctx)
	}
	list := b.charges(b.hosts[0])
	doubled := 0
	for round := 0; round < 30 && doubled == 0; round++ {
		doubled = b.race(list, true)
	}
	require.NotZero(t, doubled, "the control did not double")
	t.Logf("acting before COMMIT doubled %d of %d", doubled, n)
	require.Zero(t, b.race(list, false), "acting after COMMIT doubled")
}

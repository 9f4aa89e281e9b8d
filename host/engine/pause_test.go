package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/shared/payment"
)

// reluctant refuses the first commits of an answer, and notes which pauses are
// written.
type reluctant struct {
	charge.Store
	refuse atomic.Int64
	pauses atomic.Int64
}

func (r *reluctant) Commit(ctx context.Context, c charge.Change) error {
	if n := c.After.Newest(); n.Stage == charge.StageAnswered && n.Outcome == payment.OutcomeNotSent && r.refuse.Add(-1) >= 0 {
		return errors.New("not now")
	}
	if c.Pause != nil {
		r.pauses.Add(1)
	}
	return r.Store.Commit(ctx, c)
}

// One call that did not get through is one, however often its answer has to be
// written.
func TestOneMissIsCountedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.stop(b.engine)
		id := b.place(s, 1250)
		store := &reluctant{Store: b.store}
		store.refuse.Store(4)
		var calls atomic.Int64
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			if calls.Add(1) == 1 {
				return payment.ChargeResult{}, &payment.Error{Kind: payment.ErrorUnavailable, Text: "no connection", NotSent: true}
			}
			return b.gateway.Memory.Charge(ctx, r)
		})
		b.engineOn(store)
		c := b.untilState(id, charge.StateReleased)
		require.Len(t, c.Attempts, 2)
		require.Negative(t, store.refuse.Load(), "the answer was written at a later try")
		require.Zero(t, store.pauses.Load())
	})
}

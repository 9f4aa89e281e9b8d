package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

func TestBatchesDropWhatRanOut(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	q := &siteQueue{}
	const n = 200
	for i := range n {
		c := &charge.Charge{State: charge.StateAuthorised, Attempts: make([]charge.Attempt, 1), LeaseUntil: now.Add(time.Minute)}
		if i%2 == 0 {
			c.LeaseUntil = now
		}
		q.waiting = append(q.waiting, c)
	}
	taken := 0
	for {
		batch := takeBatch(q, now)
		if len(batch) == 0 {
			break
		}
		lookups := 0
		for _, c := range batch {
			require.True(t, now.Before(c.LeaseUntil))
			lookups += countLookups(c)
		}
		require.LessOrEqual(t, lookups, payment.MaxLookups)
		taken += len(batch)
	}
	require.Equal(t, n/2, taken)
	require.Empty(t, q.waiting)
}

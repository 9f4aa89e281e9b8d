package paymenttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func (s *suite) doubt(t *testing.T) {
	t.Parallel()

	for name, processed := range map[string]bool{"LostBefore": false, "LostAfter": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s.LoseAnswer == nil {
				t.Skip("the harness can't lose answers")
			}
			r := s.LoseAnswer(s.request(payment.SettleRecorded), processed)
			result, err := s.gw.charge(t, r)
			if err == nil {
				require.False(t, result.Outcome.Known(), "outcome %q of a lost answer", result.Outcome)
			}
			require.False(t, payment.NotSent(err))
			if processed {
				require.True(t, s.one(t, r).Live())
			} else {
				s.none(t, r)
			}
		})
	}

	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"Cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, callLimit)
			cancel()
			return ctx, cancel
		},
		"TimeUp": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Now().Add(-time.Second))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := end(t.Context())
			defer cancel()
			r := s.request(payment.SettleRecorded)
			result, err := s.Gateway.Charge(ctx, r)
			s.gw.check(t, result, err)
			require.True(t, notSent(result, err), "outcome %q, error %v", result.Outcome, err)
			if err != nil {
				require.ErrorIs(t, err, ctx.Err())
			}
			s.none(t, r)

			_, err = s.Gateway.Query(ctx, s.lookups(payment.Lookup{Reference: r.Reference}))
			require.Error(t, err, "a query that was not made has found nothing out")
			require.ErrorIs(t, err, ctx.Err())
			s.gw.check(t, nil, err)
		})
	}
}

// concurrently is how many charges run at a time.
const concurrently = 100

func (s *suite) concurrent(t *testing.T) {
	t.Parallel()
	requests := make([]payment.ChargeRequest, concurrently)
	results := make([]payment.ChargeResult, concurrently)
	errs := make([]error, concurrently)
	var calls sync.WaitGroup
	for i := range requests {
		requests[i] = s.request(payment.SettleRecorded)
		requests[i].SendBefore = time.Now().Add(callLimit)
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*callLimit)
			defer cancel()
			results[i], errs[i] = s.Gateway.Charge(ctx, requests[i])
		})
	}
	calls.Wait()

	lookups := make([]payment.Lookup, concurrently)
	ids := map[payment.TransactionID]payment.Reference{}
	for i, r := range requests {
		require.NoError(t, errs[i])
		require.Equal(t, payment.OutcomeApproved, results[i].Outcome)
		require.Equal(t, r.Reference, results[i].Transaction.Reference, "the answers got mixed up")
		ids[results[i].Transaction.ID] = r.Reference
		lookups[i] = payment.Lookup{Reference: r.Reference, Asked: r.Settle}
	}
	require.Len(t, ids, concurrently)
	found, err := s.gw.query(t, s.lookups(lookups...))
	require.NoError(t, err)
	require.Len(t, found.Transactions, concurrently)
	for _, transaction := range found.Transactions {
		require.Equal(t, ids[transaction.ID], transaction.Reference)
	}
}

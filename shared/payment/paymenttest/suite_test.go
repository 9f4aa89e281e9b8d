package paymenttest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(*testing.T) paymenttest.Harness { return paymenttest.MemoryHarness(&paymenttest.Memory{}) })
}

func TestFake(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(*testing.T) paymenttest.Harness { return paymenttest.MemoryHarness(paymenttest.NewFake()) })
}

func request() payment.ChargeRequest {
	return payment.ChargeRequest{
		Access: paymenttest.Access(), Reference: paymenttest.NewReference(), Amount: payment.Amount{Minor: 100, Currency: "GBP"},
		Stored: paymenttest.Stored, Settle: payment.SettleAtOnce, SendBefore: time.Now().Add(time.Minute),
	}
}

func TestFakeRecordsAndCanBeScripted(t *testing.T) {
	t.Parallel()
	fake := paymenttest.NewFake()
	wanted := errors.New("as told")
	fake.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) {
		return payment.ChargeResult{}, wanted
	})
	r := request()
	_, err := fake.Charge(t.Context(), r)
	require.ErrorIs(t, err, wanted)
	fake.OnCharge(nil)
	result, err := fake.Charge(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeApproved, result.Outcome)
	_, err = fake.Describe(t.Context())
	require.NoError(t, err)

	require.Equal(t, []payment.ChargeRequest{r, r}, fake.Charges())
	require.Equal(t, 1, fake.Count(paymenttest.VerbDescribe))
	require.Len(t, fake.Calls(), 3)
	require.Len(t, fake.Transactions(), 1)
}

func TestFakeLosesAnswers(t *testing.T) {
	t.Parallel()
	fake := paymenttest.NewFake()
	for _, test := range []struct {
		processed bool
		there     int
	}{{false, 0}, {true, 1}} {
		fake.LoseAnswers(1, test.processed)
		result, err := fake.Charge(t.Context(), request())
		require.NoError(t, err)
		require.Equal(t, payment.OutcomeUnknown, result.Outcome)
		require.Len(t, fake.Transactions(), test.there)
	}
	result, err := fake.Charge(t.Context(), request())
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeApproved, result.Outcome)
}

// What was to settle at once and is suspended was held by somebody.
func TestMemoryHeld(t *testing.T) {
	t.Parallel()
	memory := &paymenttest.Memory{}
	result, err := memory.Charge(t.Context(), request())
	require.NoError(t, err)
	require.True(t, memory.Edit(result.Transaction.ID, func(t *payment.Transaction) { t.Status = payment.StatusSuspended }))
	require.False(t, memory.Edit("0-0", func(*payment.Transaction) {}))
	found, err := memory.Query(t.Context(), payment.QueryRequest{
		Access: paymenttest.Access(), Lookups: []payment.Lookup{{ID: result.Transaction.ID, Asked: payment.SettleAtOnce}},
	})
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeHeld, found.Transactions[0].Outcome)
}

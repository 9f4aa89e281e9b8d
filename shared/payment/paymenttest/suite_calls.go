package paymenttest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymentcheck"
)

func (s *suite) charge(t *testing.T) {
	t.Parallel()

	t.Run("OKRecorded", func(t *testing.T) {
		t.Parallel()
		s.approved(t, payment.SettleRecorded, payment.StatusSuspended)
	})

	t.Run("OKAtOnce", func(t *testing.T) {
		t.Parallel()
		r := s.approved(t, payment.SettleAtOnce, "")
		require.True(t, s.one(t, r).Status.Released())
	})

	t.Run("Declined", func(t *testing.T) {
		t.Parallel()
		if s.Declined == (payment.Amount{}) {
			t.Skip("the harness has no amount that is declined")
		}
		r := s.request(payment.SettleRecorded)
		r.Amount = s.Declined
		result, err := s.gw.charge(t, r)
		require.NoError(t, err, "a decline is an answer")
		require.Equal(t, payment.OutcomeDeclined, result.Outcome)
		require.NotEmpty(t, result.Decline)
		require.NotEmpty(t, result.Code)
		found := s.one(t, r)
		require.Equal(t, payment.OutcomeDeclined, found.Outcome)
		require.False(t, found.Live())
	})

	t.Run("RejectedStored", func(t *testing.T) {
		t.Parallel()
		r := s.request(payment.SettleRecorded)
		r.Stored = s.MissingStored
		result, err := s.gw.charge(t, r)
		require.NoError(t, err)
		require.Equal(t, payment.OutcomeRejected, result.Outcome)
		require.Equal(t, payment.FaultStoredReference, result.Fault)
		s.none(t, r)
	})

	t.Run("RejectedCredentials", func(t *testing.T) {
		t.Parallel()
		r := s.request(payment.SettleRecorded)
		r.Access = s.BadAccess
		result, err := s.gw.charge(t, r)
		require.NoError(t, err)
		require.Equal(t, payment.OutcomeRejected, result.Outcome)
		require.Equal(t, payment.FaultSite, result.Fault)
		s.none(t, r)
	})

	for name, late := range map[string]time.Time{"NotSentLate": time.Now().Add(-time.Second), "NotSentWithoutTime": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := s.request(payment.SettleRecorded)
			r.SendBefore = late
			result, err := s.gw.charge(t, r)
			require.True(t, notSent(result, err), "outcome %q, error %v", result.Outcome, err)
			s.none(t, r)
		})
	}

	t.Run("ErrInvalid", func(t *testing.T) {
		t.Parallel()
		for _, spoiled := range paymentcheck.Charges() {
			r, name := s.request(payment.SettleRecorded), spoiled.Name
			spoiled.Spoil(&r)
			_, err := s.gw.charge(t, r)
			require.Error(t, err, name)
			require.Equal(t, payment.ErrorInvalid, payment.KindOf(err), name)
			require.True(t, payment.NotSent(err), name)
		}
	})
}

func (s *suite) query(t *testing.T) {
	t.Parallel()

	t.Run("NotFound", func(t *testing.T) {
		t.Parallel()
		result, err := s.gw.query(t, s.lookups(payment.Lookup{Reference: NewReference(), Asked: payment.SettleRecorded}))
		require.NoError(t, err, "not found is an answer")
		require.Empty(t, result.Transactions)
	})

	t.Run("FullBatch", func(t *testing.T) {
		t.Parallel()
		r := s.approved(t, payment.SettleRecorded, payment.StatusSuspended)
		lookups := make([]payment.Lookup, payment.MaxLookups)
		for i := range lookups {
			lookups[i] = payment.Lookup{Reference: NewReference(), Asked: payment.SettleRecorded}
		}
		lookups[payment.MaxLookups/2].Reference = r.Reference
		result, err := s.gw.query(t, s.lookups(lookups...))
		require.NoError(t, err)
		require.Len(t, result.Transactions, 1)
		require.Equal(t, r.Reference, result.Transactions[0].Reference)
	})

	t.Run("ErrInvalid", func(t *testing.T) {
		t.Parallel()
		for _, spoiled := range paymentcheck.Queries() {
			r, name := s.lookups(payment.Lookup{Reference: NewReference()}), spoiled.Name
			spoiled.Spoil(&r)
			result, err := s.gw.query(t, r)
			require.Error(t, err, name)
			require.Equal(t, payment.ErrorInvalid, payment.KindOf(err), name)
			require.Empty(t, result.Transactions)
		}
	})

	t.Run("ErrCredentials", func(t *testing.T) {
		t.Parallel()
		r := s.lookups(payment.Lookup{Reference: NewReference()})
		r.Access = s.BadAccess
		_, err := s.gw.query(t, r)
		require.Error(t, err, "a query that was not answered has found nothing out")
		require.Equal(t, payment.ErrorUnauthorized, payment.KindOf(err))
	})
}

func (s *suite) adjust(t *testing.T) {
	t.Parallel()

	t.Run("Release", func(t *testing.T) {
		t.Parallel()
		r := s.approved(t, payment.SettleRecorded, payment.StatusSuspended)
		for range 2 { // a release can be repeated without harm
			s.adjusted(t, s.one(t, r).ID, payment.ActionRelease)
			require.True(t, s.one(t, r).Status.Released())
		}
	})

	t.Run("Cancel", func(t *testing.T) {
		t.Parallel()
		r := s.approved(t, payment.SettleRecorded, payment.StatusSuspended)
		s.adjusted(t, s.one(t, r).ID, payment.ActionCancel)
		found := s.one(t, r)
		require.Equal(t, payment.StatusCancelled, found.Status)
		require.False(t, found.Live())
	})

	t.Run("EachForItself", func(t *testing.T) {
		t.Parallel()
		first := s.approved(t, payment.SettleRecorded, payment.StatusSuspended)
		second := s.approved(t, payment.SettleRecorded, payment.StatusSuspended)
		request := payment.AdjustRequest{Access: s.Access, Adjustments: []payment.Adjustment{
			{ID: s.one(t, first).ID, Action: payment.ActionRelease},
			{ID: "9-9-99999999", Action: payment.ActionRelease},
			{ID: s.one(t, second).ID, Action: payment.ActionCancel},
		}}
		result, err := s.gw.adjust(t, request)
		require.NoError(t, err)
		require.Len(t, result.Adjusted, 3)
		for i, adjusted := range result.Adjusted {
			require.Equal(t, request.Adjustments[i].ID, adjusted.ID, "the order is kept")
		}
		require.False(t, result.Adjusted[1].Accepted)
		require.True(t, s.one(t, first).Status.Released())
		require.Equal(t, payment.StatusCancelled, s.one(t, second).Status)
	})

	t.Run("ErrInvalid", func(t *testing.T) {
		t.Parallel()
		r := s.approved(t, payment.SettleRecorded, payment.StatusSuspended)
		id := s.one(t, r).ID
		for _, spoiled := range paymentcheck.Adjustments() {
			request, name := payment.AdjustRequest{Access: s.Access, Adjustments: []payment.Adjustment{{ID: id, Action: payment.ActionCancel}}}, spoiled.Name
			spoiled.Spoil(&request)
			_, err := s.gw.adjust(t, request)
			require.Error(t, err, name)
			require.Equal(t, payment.ErrorInvalid, payment.KindOf(err), name)
			require.True(t, payment.NotSent(err), name)
		}
		require.Equal(t, payment.StatusSuspended, s.one(t, r).Status, "a refused request does nothing in part")
	})
}

// approved makes a charge, checks it, and gives its request. An empty status is
// any.
func (s *suite) approved(t *testing.T, settle payment.SettleMode, status payment.Status) payment.ChargeRequest {
	t.Helper()
	r := s.request(settle)
	result, err := s.gw.charge(t, r)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeApproved, result.Outcome, result.Reason)
	require.NotNil(t, result.Transaction)
	for _, transaction := range []payment.Transaction{*result.Transaction, s.one(t, r)} {
		require.Equal(t, result.Transaction.ID, transaction.ID)
		require.Equal(t, r.Reference, transaction.Reference)
		require.Equal(t, r.Amount, transaction.Amount)
		require.Equal(t, s.Mode, transaction.Mode)
		if status != "" {
			require.Equal(t, status, transaction.Status)
		}
	}
	return r
}

func (s *suite) lookups(lookups ...payment.Lookup) payment.QueryRequest {
	return payment.QueryRequest{Access: s.Access, Lookups: lookups}
}

// one finds the one transaction of a charge, by reference and by id.
func (s *suite) one(t *testing.T, r payment.ChargeRequest) payment.Transaction {
	t.Helper()
	result, err := s.gw.query(t, s.lookups(payment.Lookup{Reference: r.Reference, Asked: r.Settle}))
	require.NoError(t, err)
	require.Len(t, result.Transactions, 1)
	found := result.Transactions[0]
	require.Equal(t, r.Stored, found.Parent)
	require.Equal(t, payment.KindAuthorisation, found.Kind)
	require.Equal(t, s.Access.Site, found.Site)

	byID, err := s.gw.query(t, s.lookups(payment.Lookup{ID: found.ID, Asked: r.Settle}))
	require.NoError(t, err)
	require.Equal(t, []payment.Transaction{found}, byID.Transactions)
	return found
}

// none makes sure that a charge left nothing that can take money.
func (s *suite) none(t *testing.T, r payment.ChargeRequest) {
	t.Helper()
	result, err := s.gw.query(t, s.lookups(payment.Lookup{Reference: r.Reference, Asked: r.Settle}))
	require.NoError(t, err)
	for _, found := range result.Transactions {
		require.False(t, found.Live(), "%+v", found)
	}
}

func (s *suite) adjusted(t *testing.T, id payment.TransactionID, action payment.Action) {
	t.Helper()
	result, err := s.gw.adjust(t, payment.AdjustRequest{Access: s.Access, Adjustments: []payment.Adjustment{{ID: id, Action: action}}})
	require.NoError(t, err)
	require.Len(t, result.Adjusted, 1)
	require.Equal(t, id, result.Adjusted[0].ID)
}

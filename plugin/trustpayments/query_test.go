package trustpayments

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func byReference(references ...payment.Reference) []payment.Lookup {
	var all []payment.Lookup
	for _, r := range references {
		all = append(all, payment.Lookup{Reference: r, Asked: payment.SettleRecorded})
	}
	return all
}

func TestQuery_OK(t *testing.T) {
	t.Parallel()
	g := setup(t, func(request []element) []element {
		filter := request[0]["filter"].(map[string]any)
		if filter["transactionreference"] != nil {
			return queryAnswer(
				record().with(element{"settlestatus": "100", "settledtimestamp": "2026-03-11 01:02:03"}),
				record().with(element{"requesttypedescription": "ACCOUNTCHECK", "transactionreference": "55-9-1000", "orderreference": "stored", "settlestatus": "2", "baseamount": "0"}),
			)
		}
		return queryAnswer(
			record(),
			record().with(element{"transactionreference": "55-9-1008", "orderreference": "k1001a2", "errorcode": "70000", "settlestatus": "3"}),
			record().with(element{"transactionreference": "55-9-1009", "orderreference": "k1001a2", "requesttypedescription": "RISKDEC"}),
			record().with(element{"transactionreference": nil, "orderreference": "k1001a2", "requesttypedescription": "ERROR", "errorcode": "99999", "settlestatus": nil}),
		)
	})
	got, err := g.Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: []payment.Lookup{
		{Reference: "k1001a1", Asked: payment.SettleRecorded},
		{Reference: "k1001a2", Asked: payment.SettleAtOnce},
		{Reference: "k1001a2", Asked: payment.SettleAtOnce},
		{ID: "55-9-1007", Asked: payment.SettleRecorded},
		{ID: "55-9-1000"},
	}})
	require.NoError(t, err)

	values := func(all ...any) []any {
		var list []any
		for _, v := range all {
			list = append(list, map[string]any{"value": v})
		}
		return list
	}
	require.Empty(t, cmp.Diff([][]element{
		{{"requesttypedescriptions": []any{"TRANSACTIONQUERY"}, "filter": map[string]any{"sitereference": values(testSite), "orderreference": values("k1001a1", "k1001a2")}}},
		{{"requesttypedescriptions": []any{"TRANSACTIONQUERY"}, "filter": map[string]any{"sitereference": values(testSite), "transactionreference": values("55-9-1007", "55-9-1000")}}},
	}, g.sent()))

	type brief struct {
		id      payment.TransactionID
		ref     payment.Reference
		kind    payment.Kind
		status  payment.Status
		outcome payment.Outcome
	}
	var all []brief
	for _, r := range got.Transactions {
		all = append(all, brief{r.ID, r.Reference, r.Kind, r.Status, r.Outcome})
	}
	require.Equal(t, []brief{
		{"55-9-1007", "k1001a1", payment.KindAuthorisation, payment.StatusSettled, payment.OutcomeApproved},
		{"55-9-1008", "k1001a2", payment.KindAuthorisation, payment.StatusCancelled, payment.OutcomeDeclined},
		{"55-9-1009", "k1001a2", payment.KindOther, payment.StatusSuspended, payment.OutcomeUnknown},
		{"", "k1001a2", payment.KindOther, payment.StatusUnspecified, payment.OutcomeUnknown},
		{"55-9-1000", "stored", payment.KindAccountCheck, payment.StatusSuspended, payment.OutcomeApproved},
	}, all)
	require.Equal(t, "2027-12", got.Transactions[0].Expiry)
	require.Equal(t, time.Date(2026, 3, 11, 1, 2, 3, 0, time.UTC), got.Transactions[0].SettledAt)
}

// What the suspended record means depends on how its lookup was asked to settle.
func TestQuery_Asked(t *testing.T) {
	t.Parallel()
	for asked, want := range map[payment.SettleMode]payment.Outcome{
		payment.SettleRecorded: payment.OutcomeApproved, payment.SettleAtOnce: payment.OutcomeHeld, payment.SettleUnspecified: payment.OutcomeUnknown,
	} {
		got, err := setup(t, always(queryAnswer(record())...)).Query(t.Context(), payment.QueryRequest{
			Access: testAccess(nil), Lookups: []payment.Lookup{{Reference: "k1001a1", Asked: asked}},
		})
		require.NoError(t, err)
		require.Equal(t, want, got.Transactions[0].Outcome)
	}
}

// An authorisation that was cancelled shows both: that it was one, and that
// it is no more.
func TestQuery_Cancelled(t *testing.T) {
	t.Parallel()
	g := setup(t, always(queryAnswer(record().with(element{"settlestatus": "3"}))...))
	got, err := g.Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: byReference("k1001a1")})
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeApproved, got.Transactions[0].Outcome)
	require.Equal(t, payment.StatusCancelled, got.Transactions[0].Status)
	require.False(t, got.Transactions[0].Live())
}

func TestQuery_Nothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]element{
		"empty list": queryAnswer()[0],
		"no list":    queryAnswer()[0].with(element{"records": nil}),
		"text":       queryAnswer()[0].with(element{"found": "0"}),
	} {
		got, err := setup(t, always(answer)).Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: byReference("k1001a1", "k1001a2")})
		require.NoError(t, err, name)
		require.Empty(t, got.Transactions, name)
	}
}

// A lone reference can be told for a record that leaves it out, since nothing
// else was asked for; of two it can't.
func TestQuery_ReferenceLeftOut(t *testing.T) {
	t.Parallel()
	g := setup(t, always(queryAnswer(record().with(element{"orderreference": nil}))...))
	got, err := g.Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: byReference("k1001a1")})
	require.NoError(t, err)
	require.Equal(t, payment.Reference("k1001a1"), got.Transactions[0].Reference)
	_, err = g.Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: byReference("k1001a1", "k1001a2")})
	require.Equal(t, payment.ErrorUnavailable, asError(t, err).Kind)
}

// An answer that proves nothing is an error: an empty result would count
// towards absence.
func TestQuery_ErrAnswer(t *testing.T) {
	t.Parallel()
	many := make([]element, 500)
	for i := range many {
		many[i] = record().with(element{"transactionreference": fmt.Sprintf("1-2-%d", i)})
	}
	for _, tc := range []struct {
		name   string
		answer []element
		kind   payment.ErrorKind
		want   string
	}{
		{"no elements", []element{}, payment.ErrorUnavailable, "0 elements instead of one"},
		{"two elements", append(queryAnswer(), queryAnswer()...), payment.ErrorUnavailable, "2 elements instead of one"},
		{"other type", []element{queryAnswer()[0].with(element{"requesttypedescription": "AUTH"})}, payment.ErrorUnavailable, `an element of the type "AUTH"`},
		{"no code", []element{queryAnswer()[0].with(element{"errorcode": nil})}, payment.ErrorUnavailable, `an element of the type "TRANSACTIONQUERY"`},
		{"found missing", []element{queryAnswer()[0].with(element{"found": nil})}, payment.ErrorUnavailable, "it does not say how many records were found"},
		{"found more", []element{queryAnswer(record())[0].with(element{"found": "2"})}, payment.ErrorUnavailable, "it says 2 found, and has 1 records"},
		{"found less", []element{queryAnswer(record())[0].with(element{"found": "0"})}, payment.ErrorUnavailable, "it says 0 found, and has 1 records"},
		{"full", queryAnswer(many...), payment.ErrorUnavailable, "it has 500 records, and there may be more"},
		{"not asked for", queryAnswer(record().with(element{"orderreference": "other"})), payment.ErrorUnavailable, "a record was not asked for"},
		{"other site", queryAnswer(record().with(element{"sitereference": "test_other"})), payment.ErrorUnavailable, "a record is from another site"},
		{"no type", queryAnswer(record().with(element{"requesttypedescription": nil})), payment.ErrorUnavailable, "a record does not say what it is"},
		{"no transaction", queryAnswer(record().with(element{"transactionreference": nil})), payment.ErrorUnavailable, "a record names no transaction"},
		{"twice", queryAnswer(record(), record()), payment.ErrorUnavailable, "the transaction 55-9-1007 occurs twice"},
		{"bad site", []element{{"requesttypedescription": "ERROR", "errorcode": "30006"}}, payment.ErrorForbidden, "In MyST, allocate the site to the Webservices user."},
		{"bad filter", []element{{"requesttypedescription": "TRANSACTIONQUERY", "errorcode": "60019"}}, payment.ErrorInternal, "as a filter"},
		{"locked", []element{{"requesttypedescription": "ERROR", "errorcode": "79001"}}, payment.ErrorUnavailable, "79001"},
		{"unheard-of code", []element{{"requesttypedescription": "ERROR", "errorcode": "12345"}}, payment.ErrorUnavailable, "12345"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := setup(t, always(tc.answer...)).Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: byReference("k1001a1")})
			require.Equal(t, tc.kind, asError(t, err).Kind)
			require.ErrorContains(t, err, tc.want)
			require.False(t, payment.NotSent(err))
			require.Empty(t, got)
		})
	}
}

func TestQuery_ErrCall(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]payment.ErrorKind{401: payment.ErrorUnauthorized, 400: payment.ErrorInternal, 500: payment.ErrorUnavailable} {
		g := setupRaw(t, func(w http.ResponseWriter, _ string, _ []element) { w.WriteHeader(status) })
		_, err := g.Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: byReference("k1001a1")})
		require.Equal(t, want, asError(t, err).Kind)
	}
	down, err := New(Config{Webservices: testRefusing(t)})
	require.NoError(t, err)
	_, err = down.Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: byReference("k1001a1")})
	require.Equal(t, payment.ErrorUnavailable, asError(t, err).Kind)
	require.True(t, payment.NotSent(err))
}

func TestQuery_ErrRequest(t *testing.T) {
	t.Parallel()
	g := offline(t)
	for name, lookups := range map[string][]payment.Lookup{
		"none": nil, "too many": make([]payment.Lookup, 101), "empty": {{}}, "bad": {{Reference: "a b"}}, "bad id": {{ID: "a b"}},
	} {
		_, err := g.Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: lookups})
		require.Equal(t, payment.ErrorInvalid, asError(t, err).Kind, name)
		require.True(t, payment.NotSent(err), name)
	}
}

// The second call fails: what the first one found is no answer to the whole.
func TestQuery_ErrSecondCall(t *testing.T) {
	t.Parallel()
	g := setup(t, func(request []element) []element {
		if request[0]["filter"].(map[string]any)["transactionreference"] != nil {
			return []element{{"errorcode": "79001"}}
		}
		return queryAnswer(record())
	})
	got, err := g.Query(t.Context(), payment.QueryRequest{Access: testAccess(nil), Lookups: []payment.Lookup{{Reference: "k1001a1"}, {ID: "55-9-1000"}}})
	require.Error(t, err)
	require.Empty(t, got)
}

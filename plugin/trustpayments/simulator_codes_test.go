package trustpayments_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// Every code that is known goes over the line once as the answer to a charge,
// to a query and to a release. Codes 1 to 10 are made by client libraries and
// never by the gateway: a gateway that sent one all the same would be answered
// as here, which is what their rows in the table say.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	file, err := os.Open("codes.csv")
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 256, "a header and 255 codes")
	s := newScene(t)
	held, heldResult := s.charged(t, payment.OutcomeApproved)
	release := payment.AdjustRequest{Access: s.access, Adjustments: []payment.Adjustment{{ID: heldResult.Transaction.ID, Action: payment.ActionRelease}}}
	lookup := payment.QueryRequest{Access: s.access, Lookups: []payment.Lookup{{Reference: held.Reference, Asked: held.Settle}}}
	for _, row := range rows[1:] {
		code, class, fault, message := row[0], row[1], payment.Fault(row[2]), row[3]
		if code == "0" {
			continue // what succeeds is told by the scene itself, above and below
		}
		s.fault(t, gateway.Fault{Effect: gateway.EffectCode, Code: code})

		got, err := s.Charge(t.Context(), s.request(payment.SettleRecorded))
		require.NoError(t, err)
		want, decline := payment.OutcomeUnknown, payment.Decline("")
		switch class {
		case "declined_hard":
			want, decline = payment.OutcomeDeclined, payment.DeclineHard
		case "declined_soft":
			want, decline = payment.OutcomeDeclined, payment.DeclineSoft
		case "config", "invalid_request":
			want = payment.OutcomeRejected
		}
		require.Equal(t, []any{code, want, decline, fault}, []any{got.Code, got.Outcome, got.Decline, got.Fault}, got.Reason)
		require.Equal(t, got.Transaction != nil && got.Transaction.Status == payment.StatusCancelled, gateway.Recorded(code), "code %s: %+v", code, got.Transaction)

		_, err = s.Query(t.Context(), lookup)
		var refused *payment.Error
		require.ErrorAs(t, err, &refused, "code %s: a query that fails is no absence", code)
		kind := payment.ErrorUnavailable
		switch class {
		case "config":
			kind = payment.ErrorForbidden
		case "invalid_request":
			kind = payment.ErrorInternal
		}
		require.Equal(t, kind, refused.Kind, code)

		adjusted, err := s.Adjust(t.Context(), release)
		require.NoError(t, err)
		answer := adjusted.Adjusted[0]
		require.False(t, answer.Accepted, code)
		require.Equal(t, code, answer.Code)
		require.Truef(t, sameText(message, answer.Message), "code %s: %q, not %q", code, answer.Message, message)
		s.sim.ClearFaults()
	}
	require.Equal(t, payment.StatusSuspended, s.found(t, held)[0].Status, "no code of an update released it")
	adjusted, err := s.Adjust(t.Context(), release)
	require.NoError(t, err)
	require.True(t, adjusted.Adjusted[0].Accepted)
	require.Equal(t, "0", adjusted.Adjusted[0].Code)
}

// sameText compares with a text of the table, which may be cut short.
func sameText(table, got string) bool {
	short, cut := strings.CutSuffix(table, "...")
	return got == table || cut && strings.HasPrefix(got, short)
}

package payment_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func TestQueryRequestValidate(t *testing.T) {
	t.Parallel()
	one := []payment.Lookup{{Reference: "a1"}}
	from := time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)
	window := func(to time.Time, cursor string) *payment.Window {
		return &payment.Window{From: from, To: to, Cursor: cursor}
	}
	for _, tc := range []struct {
		name string
		req  payment.QueryRequest
		want string
	}{
		{"one", payment.QueryRequest{Lookups: one}, ""},
		{"by id", payment.QueryRequest{Lookups: []payment.Lookup{{ID: "1-2-3"}}}, ""},
		{"most", payment.QueryRequest{Lookups: slices.Repeat(one, payment.MaxLookups)}, ""},
		{"neither", payment.QueryRequest{}, "0 lookups and no window; give 1 to 100, or a window"},
		{"too many", payment.QueryRequest{Lookups: slices.Repeat(one, payment.MaxLookups+1)}, "101 lookups and no window; give 1 to 100, or a window"},
		{"one names nothing", payment.QueryRequest{Lookups: append([]payment.Lookup{{}}, one...)}, "a lookup names nothing; give a reference or a transaction"},
		{"window", payment.QueryRequest{Window: window(from.Add(1), "")}, ""},
		{"longest window", payment.QueryRequest{Window: window(from.Add(payment.MaxWindow), strings.Repeat("x", payment.MaxCursor))}, ""},
		{"both", payment.QueryRequest{Lookups: one, Window: window(from.Add(1), "")}, "both lookups and a window; give one of the two"},
		{"no length", payment.QueryRequest{Window: window(from, "")}, "the window ends before it begins; give a beginning that is earlier than the end"},
		{"backwards", payment.QueryRequest{Window: window(from.Add(-1), "")}, "the window ends before it begins; give a beginning that is earlier than the end"},
		{"no end", payment.QueryRequest{Window: window(time.Time{}, "")}, "the window lacks its beginning or its end; give both"},
		{"no beginning", payment.QueryRequest{Window: &payment.Window{To: from}}, "the window lacks its beginning or its end; give both"},
		{"too long", payment.QueryRequest{Window: window(from.Add(payment.MaxWindow+1), "")}, "the window is longer than 366 days; ask for it in parts"},
		{"long cursor", payment.QueryRequest{Window: window(from.Add(1), strings.Repeat("x", payment.MaxCursor+1))}, "the cursor has 201 bytes; none is longer than 200"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := tc.req.Validate(); tc.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tc.want)
			}
		})
	}
}

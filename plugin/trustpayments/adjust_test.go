package trustpayments

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func TestAdjust_OK(t *testing.T) {
	t.Parallel()
	updated := element{"requesttypedescription": "TRANSACTIONUPDATE", "errorcode": "0", "errormessage": "Ok"}
	g := setup(t, always(
		updated,
		updated.with(element{"errorcode": "60017", "errormessage": nil}),
		updated.with(element{"transactionreference": "1-2-9"}),
		updated.with(element{"requesttypedescription": "ERROR"}),
	))
	got, err := g.Adjust(t.Context(), payment.AdjustRequest{Access: testAccess(nil), Adjustments: []payment.Adjustment{
		{ID: "1-2-1", Action: payment.ActionRelease},
		{ID: "1-2-2", Action: payment.ActionCancel},
		{ID: "1-2-3", Action: payment.ActionRelease},
		{ID: "1-2-4", Action: payment.ActionRelease},
	}})
	require.NoError(t, err)
	require.Equal(t, []payment.Adjusted{
		{ID: "1-2-1", Accepted: true, Code: "0", Message: "Ok"},
		{ID: "1-2-2", Code: "60017", Message: "Transaction not updatable"},
		{ID: "1-2-3", Code: "0", Message: "Ok"},
		{ID: "1-2-4", Code: "0", Message: "Ok"},
	}, got.Adjusted)

	require.Len(t, g.sent(), 1)
	for i, want := range []string{"0", "3", "0", "0"} {
		require.Empty(t, cmp.Diff(element{
			"requesttypedescription": "TRANSACTIONUPDATE",
			"filter": map[string]any{
				"sitereference":        []any{map[string]any{"value": testSite}},
				"transactionreference": []any{map[string]any{"value": fmt.Sprintf("1-2-%d", i+1)}},
			},
			"updates": map[string]any{"settlestatus": want},
		}, g.sent()[0][i]))
	}
}

func TestAdjust_Err(t *testing.T) {
	t.Parallel()
	one := []payment.Adjustment{{ID: "1-2-1", Action: payment.ActionRelease}}
	two := []payment.Adjustment{one[0], {ID: "1-2-2", Action: payment.ActionRelease}}
	g := setup(t, always(element{"requesttypedescription": "ERROR", "errorcode": "21041"}))
	_, err := g.Adjust(t.Context(), payment.AdjustRequest{Access: testAccess(nil), Adjustments: two})
	require.Equal(t, payment.ErrorUnknown, asError(t, err).Kind)
	require.EqualError(t, err, "adjust: Trust Payments answered 2 changes with 1 elements; look at each transaction. "+
		"The user may not use the gateway in this way. (Gateway code 21041) In MyST, give the user the role Webservices and allocate the site to it.")

	dropped := setupRaw(t, func(http.ResponseWriter, string, []element) { panic(http.ErrAbortHandler) })
	_, err = dropped.Adjust(t.Context(), payment.AdjustRequest{Access: testAccess(nil), Adjustments: one})
	require.Equal(t, payment.ErrorUnknown, asError(t, err).Kind)
	require.False(t, payment.NotSent(err))

	for name, all := range map[string][]payment.Adjustment{
		"none": nil, "too many": make([]payment.Adjustment, 101), "no action": {{ID: "1-2-1"}},
		"bad id": {{ID: "", Action: payment.ActionCancel}}, "twice": {one[0], one[0]},
	} {
		_, err := offline(t).Adjust(t.Context(), payment.AdjustRequest{Access: testAccess(nil), Adjustments: all})
		require.Equal(t, payment.ErrorInvalid, asError(t, err).Kind, name)
		require.True(t, payment.NotSent(err), name)
	}
}

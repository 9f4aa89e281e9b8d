package trustpayments

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func TestCharge_OK(t *testing.T) {
	t.Parallel()
	g := setup(t, always(approved()))
	got, err := g.Charge(t.Context(), testCharge())
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(payment.Transaction{
		ID: "55-9-1007", Parent: "55-9-1000", Reference: "k1001a1", Kind: payment.KindAuthorisation,
		Amount: payment.Amount{Minor: 2499, Currency: "GBP"}, Status: payment.StatusSuspended, Outcome: payment.OutcomeApproved,
		Code: "0", Message: "Ok", Site: testSite, User: testUser, Mode: payment.ModeTest, Card: "411111######1111", Scheme: "VISA",
		StartedAt: time.Date(2026, 3, 10, 10, 11, 12, 0, time.UTC), SettleDue: time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC),
	}, *got.Transaction))
	require.Equal(t, payment.OutcomeApproved, got.Outcome)
	require.Equal(t, "0", got.Code)
	require.Equal(t, "Authorised, and held until it is released.", got.Reason)
	require.Len(t, g.sent(), 1)
}

func TestCharge_Request(t *testing.T) {
	t.Parallel()
	base := element{
		"requesttypedescriptions": []any{"AUTH"}, "sitereference": testSite, "accounttypedescription": "ECOM",
		"parenttransactionreference": "55-9-1000", "baseamount": "2499", "currencyiso3a": "GBP", "orderreference": "k1001a1",
		"credentialsonfile": "2", "initiationreason": "C", "settlestatus": "2",
	}
	for _, tc := range []struct {
		name     string
		settings map[string]string
		change   func(*payment.ChargeRequest)
		want     element
	}{
		{"default", nil, nil, base},
		{"at once", nil, func(r *payment.ChargeRequest) { r.Settle = payment.SettleAtOnce }, base.with(element{"settlestatus": nil})},
		{"MOTO, delayed", map[string]string{"accounttype": "MOTO", "initiationreason": "D"}, nil, base.with(element{"accounttypedescription": "MOTO", "initiationreason": "D"})},
		{
			"RECUR",
			map[string]string{"accounttype": "RECUR"},
			func(r *payment.ChargeRequest) { r.Sequence = 12 },
			base.with(element{"accounttypedescription": "RECUR", "initiationreason": nil, "subscriptiontype": "RECURRING", "subscriptionnumber": "12"}),
		},
		{
			"yen", nil, func(r *payment.ChargeRequest) { r.Amount = payment.Amount{Minor: 2499, Currency: "JPY"} },
			base.with(element{"currencyiso3a": "JPY"}),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := setup(t, always(approved()))
			req := testCharge()
			req.Access = testAccess(tc.settings)
			if tc.change != nil {
				tc.change(&req)
			}
			_, err := g.Charge(t.Context(), req)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff([][]element{{tc.want}}, g.sent()))
		})
	}
}

func TestCharge_Answers(t *testing.T) {
	t.Parallel()
	failed := func(code string) element {
		return element{"requesttypedescription": "ERROR", "errorcode": code, "errormessage": "no"}
	}
	type want struct {
		outcome payment.Outcome
		decline payment.Decline
		fault   payment.Fault
	}
	for _, tc := range []struct {
		name   string
		answer []element
		want   want
	}{
		{"numbers for strings", []element{approved().with(element{"errorcode": 0, "settlestatus": 2, "baseamount": 2499, "livestatus": 0})}, want{payment.OutcomeApproved, "", ""}},
		{"little told", []element{{"requesttypedescription": "AUTH", "errorcode": "0", "settlestatus": "2", "transactionreference": "1-2-3"}}, want{payment.OutcomeApproved, "", ""}},
		{"empty is not told", []element{approved().with(element{"parenttransactionreference": "", "livestatus": ""})}, want{payment.OutcomeApproved, "", ""}},
		{"settles already", []element{approved().with(element{"settlestatus": "0"})}, want{payment.OutcomeApproved, "", ""}},
		{"declined", []element{approved().with(element{"errorcode": "70000", "settlestatus": "3"})}, want{payment.OutcomeDeclined, payment.DeclineHard, ""}},
		{"soft decline", []element{approved().with(element{"errorcode": "71000", "settlestatus": "3"})}, want{payment.OutcomeDeclined, payment.DeclineSoft, ""}},
		{"missing parent", []element{failed("20004")}, want{payment.OutcomeRejected, "", payment.FaultStoredReference}},
		{"repeat too great", []element{failed("20009")}, want{payment.OutcomeRejected, "", payment.FaultOrder}},
		{"no account", []element{failed("40000")}, want{payment.OutcomeRejected, "", payment.FaultSite}},
		{"not JSON, it says", []element{failed("10205")}, want{payment.OutcomeRejected, "", ""}},
		{"parent not acceptable", []element{failed("30000").with(element{"errordata": "parenttransactionreference"})}, want{payment.OutcomeRejected, "", payment.FaultStoredReference}},
		{"parent not acceptable, yet live", []element{failed("30000").with(element{"errordata": []string{"parenttransactionreference"}, "transactionreference": "1-2-3", "settlestatus": "0"})}, want{payment.OutcomeUnknown, "", ""}},
		{"bank system error", []element{failed("60010")}, want{payment.OutcomeUnknown, "", ""}},
		{"unknown error", []element{failed("99999")}, want{payment.OutcomeUnknown, "", ""}},
		{"unheard-of code", []element{failed("12345")}, want{payment.OutcomeUnknown, "", ""}},
		{"declined, yet live", []element{approved().with(element{"errorcode": "70000"})}, want{payment.OutcomeUnknown, "", ""}},
		{"authorised and cancelled", []element{approved().with(element{"settlestatus": "3"})}, want{payment.OutcomeUnknown, "", ""}},
		{"no status", []element{approved().with(element{"settlestatus": nil})}, want{payment.OutcomeUnknown, "", ""}},
		{"no code", []element{approved().with(element{"errorcode": nil})}, want{payment.OutcomeUnknown, "", ""}},
		{"no transaction", []element{approved().with(element{"transactionreference": nil})}, want{payment.OutcomeUnknown, "", ""}},
		{"no type", []element{approved().with(element{"requesttypedescription": nil})}, want{payment.OutcomeUnknown, "", ""}},
		{"other type", []element{approved().with(element{"requesttypedescription": "REFUND"})}, want{payment.OutcomeUnknown, "", ""}},
		{"type ERROR, code 0", []element{approved().with(element{"requesttypedescription": "ERROR"})}, want{payment.OutcomeUnknown, "", ""}},
		{"other amount", []element{approved().with(element{"baseamount": "2500"})}, want{payment.OutcomeUnknown, "", ""}},
		{"odd amount", []element{approved().with(element{"baseamount": "24.99"})}, want{payment.OutcomeUnknown, "", ""}},
		{"other currency", []element{approved().with(element{"currencyiso3a": "EUR"})}, want{payment.OutcomeUnknown, "", ""}},
		{"other reference", []element{approved().with(element{"orderreference": "k1001a2"})}, want{payment.OutcomeUnknown, "", ""}},
		{"other parent", []element{approved().with(element{"parenttransactionreference": "55-9-1001"})}, want{payment.OutcomeUnknown, "", ""}},
		{"other site", []element{approved().with(element{"sitereference": "test_other"})}, want{payment.OutcomeUnknown, "", ""}},
		{"other mode", []element{approved().with(element{"livestatus": "1"})}, want{payment.OutcomeUnknown, "", ""}},
		{"declined, other reference", []element{approved().with(element{"errorcode": "70000", "settlestatus": "3", "orderreference": "x"})}, want{payment.OutcomeUnknown, "", ""}},
		{"no element", []element{}, want{payment.OutcomeUnknown, "", ""}},
		{"two elements", []element{approved(), approved()}, want{payment.OutcomeUnknown, "", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := setup(t, always(tc.answer...)).Charge(t.Context(), testCharge())
			require.NoError(t, err)
			require.Equal(t, tc.want, want{got.Outcome, got.Decline, got.Fault}, got.Reason)
			require.NotEmpty(t, got.Reason)
			if got.Transaction != nil {
				require.Equal(t, got.Outcome, got.Transaction.Outcome)
			}
			require.True(t, json.Valid([]byte(got.Evidence)))
		})
	}
}

func TestCharge_Held(t *testing.T) {
	t.Parallel()
	req := testCharge()
	req.Settle = payment.SettleAtOnce
	got, err := setup(t, always(approved())).Charge(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeHeld, got.Outcome)
}

func TestCharge_HTTP(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		want   payment.Outcome
		fault  payment.Fault
	}{
		{400, payment.OutcomeRejected, payment.FaultNone},
		{401, payment.OutcomeRejected, payment.FaultSite},
		{403, payment.OutcomeUnknown, payment.FaultNone},
		{302, payment.OutcomeUnknown, payment.FaultNone},
		{500, payment.OutcomeUnknown, payment.FaultNone},
		{502, payment.OutcomeUnknown, payment.FaultGateway},
		{503, payment.OutcomeUnknown, payment.FaultGateway},
		{504, payment.OutcomeUnknown, payment.FaultGateway},
	} {
		t.Run(fmt.Sprint(tc.status), func(t *testing.T) {
			t.Parallel()
			g := setupRaw(t, func(w http.ResponseWriter, _ string, _ []element) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte("<html><title>Authorization Required for Someone</title></html>"))
			})
			got, err := g.Charge(t.Context(), testCharge())
			require.NoError(t, err)
			require.Equal(t, tc.want, got.Outcome)
			require.Equal(t, tc.fault, got.Fault)
			require.Equal(t, fmt.Sprint(tc.status), got.Code)
			require.NotContains(t, got.Evidence, "Someone")
			require.Len(t, g.sent(), 1)
			if tc.status == 401 {
				require.Equal(t, "Trust Payments refused the user name and password (HTTP 401). In MyST, check the user that has the role Webservices: "+
					"its name and password, whether it is locked, that its valid addresses hold the one that this host calls from "+
					"(with \"Role if invalid IP\" set to \"Prevent login\"), and that it belongs to the region chosen here.", got.Reason)
			}
		})
	}
}

func TestCharge_Unknown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(http.ResponseWriter, string, []element){
		"dropped": func(http.ResponseWriter, string, []element) { panic(http.ErrAbortHandler) },
		"a page":  func(w http.ResponseWriter, _ string, _ []element) { _, _ = w.Write([]byte("<html></html>")) },
		"wrong reference": func(w http.ResponseWriter, _ string, _ []element) {
			_, _ = w.Write(envelope(t, "A", approved()))
		},
		"cut off": func(w http.ResponseWriter, reference string, _ []element) {
			declined := envelope(t, reference, element{"requesttypedescription": "AUTH", "errorcode": "70000", "settlestatus": "3"})
			_, _ = w.Write(declined[:len(declined)-1])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := setupRaw(t, answer)
			got, err := g.Charge(t.Context(), testCharge())
			require.NoError(t, err)
			require.Equal(t, payment.OutcomeUnknown, got.Outcome)
			require.Equal(t, payment.FaultNone, got.Fault)
			require.Contains(t, got.Reason, lookedUp)
			require.Len(t, g.sent(), 1)
		})
	}
}

func TestCharge_NotSent(t *testing.T) {
	t.Parallel()
	g := offline(t)
	late := testCharge()
	late.SendBefore = today.Add(-time.Second)
	got, err := g.Charge(t.Context(), late)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeNotSent, got.Outcome)
	require.Equal(t, "It was not sent: the moment to send it by had passed.", got.Reason)
	require.Equal(t, payment.FaultNone, got.Fault)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := testCharge()
	req.SendBefore = today.Add(time.Minute)
	got, err = g.Charge(ctx, req)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeNotSent, got.Outcome)
	require.Equal(t, payment.FaultNone, got.Fault)

	down, err := New(Config{Webservices: testRefusing(t)})
	require.NoError(t, err)
	got, err = down.Charge(t.Context(), testCharge())
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeNotSent, got.Outcome)
	require.Equal(t, payment.FaultGateway, got.Fault)
}

func TestCharge_Err(t *testing.T) {
	t.Parallel()
	g := offline(t)
	for _, tc := range []struct {
		name   string
		change func(*payment.ChargeRequest)
		want   string
	}{
		{"no reference", func(r *payment.ChargeRequest) { r.Reference = "" }, "charge: reference not acceptable: it is empty"},
		{"amount", func(r *payment.ChargeRequest) { r.Amount.Minor = 0 }, "charge: amount not acceptable: 0 minor units; it must be more than zero"},
		{"stored", func(r *payment.ChargeRequest) { r.Stored = "1 2" }, `charge: reference not acceptable: character ' '; letters, digits and hyphens only`},
		{"settle", func(r *payment.ChargeRequest) { r.Settle = "" }, `charge: how to settle is ""; it must be recorded or at_once`},
		{"no moment", func(r *payment.ChargeRequest) { r.SendBefore = time.Time{} }, "charge: the moment to send by is missing"},
		{"mode", func(r *payment.ChargeRequest) { r.Mode = payment.ModeLive }, `charge: the site test_site12345 is for test mode, but the charge is for "live"`},
		{"endpoint", func(r *payment.ChargeRequest) { r.Access.Endpoint = "US" }, `charge: region: the settings lead to the region EU, but the work lies in "US"`},
		{"site", func(r *payment.ChargeRequest) { r.Access.Site = "test_other" }, `charge: sitereference: the settings lead to the site test_site12345, but the work lies on "test_other"`},
		{"no password", func(r *payment.ChargeRequest) { delete(r.Access.Settings, "password") }, "charge: password: Web Services password is missing. Enter it."},
		{"bad setting", func(r *payment.ChargeRequest) { r.Access.Settings["accounttype"] = "X" }, "charge: accounttype: Account type is none of its choices. Choose one of ECOM, MOTO, RECUR."},
		{"sequence", func(r *payment.ChargeRequest) { r.Access.Settings["accounttype"] = "RECUR"; r.Sequence = 1 }, "charge: the number 1 in the recurring series is not within 2 and 99999"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			req := testCharge()
			tc.change(&req)
			got, err := g.Charge(t.Context(), req)
			require.EqualError(t, err, tc.want)
			require.True(t, payment.NotSent(err))
			require.Equal(t, payment.ErrorInvalid, asError(t, err).Kind)
			require.Empty(t, got)
		})
	}
}

// What the gateway repeats of secrets and of the customer stays out of all
// that is kept.
func TestCharge_Redacted(t *testing.T) {
	t.Parallel()
	leaky := approved().with(element{
		"errorcode": "70000", "settlestatus": "3",
		"errormessage":            "user " + testPassword + " card 4111 1111 1111 1111",
		"acquirerresponsemessage": "4111111111111111", "maskedpan": "4111111111111111",
		"errordata":       []string{"4111111111111111", testPassword, "expirydate"},
		"billinglastname": "Someone", "pan": "4111111111111111", "securitycode": "123456789012",
	})
	got, err := setup(t, always(leaky)).Charge(t.Context(), testCharge())
	require.NoError(t, err)
	all := got.Evidence + fmt.Sprintf("%+v", *got.Transaction) + got.Reason
	for _, secret := range []string{testPassword, "4111111111111111", "4111 1111", "Someone", "123456789012"} {
		require.NotContains(t, all, secret)
	}
	require.Contains(t, got.Evidence, `"errormessage":"user ******** card [number]"`)
	require.Contains(t, got.Evidence, `"errordata":["expirydate"]`)
	require.Empty(t, got.Transaction.Card)
}

func TestEvidence_Limit(t *testing.T) {
	t.Parallel()
	var all evidence
	for range 100 {
		all.Response = append(all.Response, map[string]any{"acquirerresponsemessage": strings.Repeat("\u0001", maxText)})
	}
	text := all.String()
	require.LessOrEqual(t, len(text), payment.MaxEvidence)
	var ev evidence
	require.NoError(t, json.Unmarshal([]byte(text), &ev))
	require.NotEmpty(t, ev.Response)
	require.Equal(t, 100, ev.Left+len(ev.Response))
}

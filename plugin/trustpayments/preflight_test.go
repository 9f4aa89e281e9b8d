package trustpayments

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func storedRecord() element {
	return record().with(element{
		"transactionreference": "55-9-1000", "parenttransactionreference": nil, "orderreference": "stored", "settlestatus": "0",
		"accounttypedescription": "MOTO", "credentialsonfile": "1",
	})
}

func preflight(t *testing.T, stored payment.TransactionID, answer ...element) (payment.PreflightReport, *bundle, error) {
	t.Helper()
	g := setup(t, always(answer...))
	report, err := g.Preflight(t.Context(), payment.PreflightRequest{Access: testAccess(nil), Stored: stored})
	return report, g, err
}

func TestPreflight_OK(t *testing.T) {
	t.Parallel()
	report, g, err := preflight(t, "55-9-1000", queryAnswer(storedRecord())...)
	require.NoError(t, err)
	require.True(t, report.Passed())
	require.Empty(t, cmp.Diff(payment.PreflightReport{
		Findings: []payment.Finding{
			{Check: "credentials", Level: "ok", Field: "username", Text: "Trust Payments accepts the user name and password, and calls from this host."},
			{Check: "site", Level: "ok", Field: "sitereference", Text: "Trust Payments answers this user about the site test_site12345."},
			{Check: "mode", Level: "ok", Field: "sitereference", Text: "Test mode: no money moves."},
			{Check: "stored_reference", Level: "ok", Field: "storedreference", Text: "The transaction 55-9-1000 succeeded on this site, and can be charged."},
			{Check: "currency", Level: "ok", Field: "storedreference", Text: "The card was stored in GBP. Orders in other currencies may be refused."},
			{Check: "card", Level: "ok", Field: "storedreference", Text: "The card is 411111######1111, valid to the end of 2027-12."},
		},
		Mode: payment.ModeTest, Card: "411111######1111", Scheme: "VISA", Expiry: "2027-12", Currency: "GBP",
	}, report))
	require.Len(t, g.sent(), 1)
	require.Equal(t, []any{"TRANSACTIONQUERY"}, g.sent()[0][0]["requesttypedescriptions"], "nothing that moves money")
}

func TestPreflight_WithoutStored(t *testing.T) {
	t.Parallel()
	report, _, err := preflight(t, "", queryAnswer()...)
	require.NoError(t, err)
	require.True(t, report.Passed())
	require.Len(t, report.Findings, 3)
}

func TestPreflight_Findings(t *testing.T) {
	t.Parallel()
	type want struct {
		check, field string
		level        payment.Level
		fault        payment.Fault
		code         string
	}
	const problem, warning, ok = payment.LevelProblem, payment.LevelWarning, payment.LevelOK
	for _, tc := range []struct {
		name   string
		answer []element
		want   want
		passes bool
	}{
		{"not there", queryAnswer(), want{"stored_reference", "storedreference", problem, payment.FaultStoredReference, "20004"}, false},
		{"declined", queryAnswer(storedRecord().with(element{"errorcode": "70000", "settlestatus": "3"})), want{"stored_reference", "storedreference", problem, payment.FaultStoredReference, "70000"}, false},
		{"refund", queryAnswer(storedRecord().with(element{"requesttypedescription": "REFUND"})), want{"stored_reference", "storedreference", problem, payment.FaultStoredReference, "0"}, false},
		{"subscription", queryAnswer(storedRecord().with(element{"requesttypedescription": "SUBSCRIPTION"})), want{"stored_reference", "storedreference", problem, payment.FaultStoredReference, "0"}, false},
		{"bank transfer", queryAnswer(storedRecord().with(element{"paymenttypedescription": "TRUSTLY"})), want{"stored_reference", "storedreference", problem, payment.FaultStoredReference, "20028"}, false},
		{"no status", queryAnswer(storedRecord().with(element{"settlestatus": nil})), want{"stored_reference", "storedreference", problem, payment.FaultStoredReference, "0"}, false},
		{"cancelled", queryAnswer(storedRecord().with(element{"settlestatus": "3"})), want{"stored_reference", "storedreference", warning, "", ""}, true},
		{"not marked as stored", queryAnswer(storedRecord().with(element{"credentialsonfile": "0"})), want{"stored_reference", "storedreference", warning, "", ""}, true},
		{"held parent", queryAnswer(storedRecord().with(element{"settlestatus": "2"})), want{"stored_reference", "storedreference", ok, "", ""}, true},
		{"account check", queryAnswer(storedRecord().with(element{"requesttypedescription": "ACCOUNTCHECK", "settlestatus": "2", "baseamount": "0"})), want{"stored_reference", "storedreference", ok, "", ""}, true},
		{"account check, no status", queryAnswer(storedRecord().with(element{"requesttypedescription": "ACCOUNTCHECK", "settlestatus": nil})), want{"stored_reference", "storedreference", ok, "", ""}, true},
		{"account check declined", queryAnswer(storedRecord().with(element{"requesttypedescription": "ACCOUNTCHECK", "errorcode": "70000", "settlestatus": "0"})), want{"stored_reference", "storedreference", problem, payment.FaultStoredReference, "70000"}, false},
		{"expired", queryAnswer(storedRecord().with(element{"expirydate": "02/2026"})), want{"card", "storedreference", problem, payment.FaultStoredReference, ""}, false},
		{"expires this month", queryAnswer(storedRecord().with(element{"expirydate": "03/26"})), want{"card", "storedreference", warning, "", ""}, true},
		{"expires in time", queryAnswer(storedRecord().with(element{"expirydate": "05/2026"})), want{"card", "storedreference", ok, "", ""}, true},
		{"expiry not told", queryAnswer(storedRecord().with(element{"expirydate": nil})), want{"card", "storedreference", ok, "", ""}, true},
		{"live parent", queryAnswer(storedRecord().with(element{"livestatus": "1"})), want{"mode", "storedreference", problem, payment.FaultStoredReference, ""}, false},
		{"unknown site", []element{{"requesttypedescription": "ERROR", "errorcode": "30001"}}, want{"site", "sitereference", problem, payment.FaultSite, "30001"}, false},
		{"site not allocated", []element{{"requesttypedescription": "ERROR", "errorcode": "30006"}}, want{"site", "sitereference", problem, payment.FaultSite, "30006"}, false},
		{"site not acceptable", []element{{"requesttypedescription": "ERROR", "errorcode": "30000", "errordata": "sitereference"}}, want{"site", "sitereference", problem, payment.FaultSite, "30000"}, false},
		{"no gateway right", []element{{"requesttypedescription": "ERROR", "errorcode": "21041"}}, want{"credentials", "username", problem, payment.FaultSite, "21041"}, false},
		{"address", []element{{"requesttypedescription": "ERROR", "errorcode": "61002"}}, want{"credentials", "username", problem, payment.FaultSite, "61002"}, false},
		{"reference not acceptable", []element{{"requesttypedescription": "ERROR", "errorcode": "20033"}}, want{"stored_reference", "storedreference", problem, payment.FaultStoredReference, "20033"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			report, _, err := preflight(t, "55-9-1000", tc.answer...)
			require.NoError(t, err)
			require.Equal(t, tc.passes, report.Passed())
			var found []want
			for _, f := range report.Findings {
				require.NotEmpty(t, f.Text)
				require.True(t, f.Level == ok || f.Todo != "", "%s does not say what to do", f.Check)
				found = append(found, want{f.Check, f.Field, f.Level, f.Fault, f.Code})
			}
			require.Contains(t, found, tc.want)
		})
	}
}

func TestPreflight_Unauthorized(t *testing.T) {
	t.Parallel()
	g := setupRaw(t, func(w http.ResponseWriter, _ string, _ []element) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("<html>401 Authorization Required</html>"))
	})
	report, err := g.Preflight(t.Context(), payment.PreflightRequest{Access: testAccess(nil), Stored: "55-9-1000"})
	require.NoError(t, err)
	require.False(t, report.Passed())
	require.Empty(t, cmp.Diff([]payment.Finding{{
		Check: "credentials", Level: "problem", Field: "password", Fault: payment.FaultSite, Code: "401",
		Text: "Trust Payments refused the user name and password. A locked user, an address that is not allowed and the other region look the same.",
		Todo: todo401,
	}}, report.Findings))
}

func TestPreflight_Err(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string][]element{
		"ambiguous":        {{"requesttypedescription": "ERROR", "errorcode": "99999"}},
		"found twice":      queryAnswer(storedRecord(), storedRecord()),
		"another":          queryAnswer(record()),
		"another site":     queryAnswer(storedRecord().with(element{"sitereference": "test_other"})),
		"count missing":    {queryAnswer(storedRecord())[0].with(element{"found": nil})},
		"nothing in there": {},
	} {
		_, _, err := preflight(t, "55-9-1000", answer...)
		require.Equal(t, payment.ErrorUnavailable, asError(t, err).Kind, name)
	}
	_, err := offline(t).Preflight(t.Context(), payment.PreflightRequest{Access: testAccess(nil), Stored: "1 2"})
	require.Equal(t, payment.ErrorInvalid, asError(t, err).Kind)
}

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

func windowQuery(w payment.Window) payment.QueryRequest {
	return payment.QueryRequest{Access: testAccess(nil), Window: &w}
}

// stretch gives the two times that a request asks for.
func stretch(t *testing.T, request []element) (start, end string) {
	t.Helper()
	filter := request[0]["filter"].(map[string]any)
	value := func(name string) string { return filter[name].([]any)[0].(map[string]any)["value"].(string) }
	return value("starttimestamp"), value("endtimestamp")
}

func at(id, started string) element {
	return record().with(element{"transactionreference": id, "transactionstartedtimestamp": started})
}

func ids(transactions []payment.Transaction) []payment.TransactionID {
	var all []payment.TransactionID
	for _, t := range transactions {
		all = append(all, t.ID)
	}
	return all
}

func TestWindow_OK(t *testing.T) {
	t.Parallel()
	g := setup(t, always(queryAnswer(
		at("1-9-1", "2026-03-10 11:59:59"),
		at("1-9-2", "2026-03-10 12:00:00"),
		at("1-9-3", "2026-03-10 12:29:59").with(element{"settlestatus": "0", "orderreference": "somebody else's, with spaces"}),
		at("1-9-4", "2026-03-10 12:30:00"),
		at("1-9-5", "unreadable"),
		at("1-9-6", "2026-03-10 12:10:00").with(element{"requesttypedescription": "REFUND", "settlestatus": "0"}),
	)...))
	got, err := g.Query(t.Context(), windowQuery(payment.Window{From: today, To: today.Add(30 * time.Minute)}))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([][]element{{{"requesttypedescriptions": []any{"TRANSACTIONQUERY"}, "filter": map[string]any{
		"sitereference":  []any{map[string]any{"value": testSite}},
		"starttimestamp": []any{map[string]any{"value": "2026-03-10 11:59:59"}},
		"endtimestamp":   []any{map[string]any{"value": "2026-03-10 12:30:00"}},
	}}}}, g.sent()))
	require.Empty(t, got.Next)
	require.Equal(t, []payment.TransactionID{"1-9-2", "1-9-3", "1-9-5", "1-9-6"}, ids(got.Transactions))
	held, due := got.Transactions[0], got.Transactions[1]
	require.Equal(t, payment.OutcomeUnknown, held.Outcome, "nobody said how it was asked to settle")
	require.Equal(t, payment.StatusSuspended, held.Status)
	require.Equal(t, payment.Amount{Minor: 2499, Currency: "GBP"}, held.Amount)
	require.Equal(t, payment.TransactionID("55-9-1000"), held.Parent)
	require.Equal(t, payment.Reference("k1001a1"), held.Reference)
	require.Equal(t, testUser, held.User)
	require.Equal(t, payment.OutcomeApproved, due.Outcome)
	require.Equal(t, payment.Reference("somebody else's, with spaces"), due.Reference)
	require.Equal(t, payment.KindRefund, got.Transactions[3].Kind)
}

// A window may begin and end within a second, of which the gateway knows
// nothing: its own times decide.
func TestWindow_PartsOfSeconds(t *testing.T) {
	t.Parallel()
	g := setup(t, always(queryAnswer(at("1-9-1", "2026-03-10 12:00:00"), at("1-9-2", "2026-03-10 12:00:01"), at("1-9-3", "2026-03-10 12:00:02"))...))
	got, err := g.Query(t.Context(), windowQuery(payment.Window{From: today.Add(1), To: today.Add(2*time.Second + 1)}))
	require.NoError(t, err)
	require.Equal(t, []payment.TransactionID{"1-9-2", "1-9-3"}, ids(got.Transactions))
	start, end := stretch(t, g.sent()[0])
	require.Equal(t, []string{"2026-03-10 11:59:59", "2026-03-10 12:00:03"}, []string{start, end})
	require.Empty(t, got.Next)
}

// A quiet site is read in ever longer slices, none longer than a day, and each
// page costs one call.
func TestWindow_Quiet(t *testing.T) {
	t.Parallel()
	g := setup(t, always(queryAnswer()...))
	w := payment.Window{From: today, To: today.Add(80 * time.Hour)}
	pages := 0
	for {
		pages++
		got, err := g.Query(t.Context(), windowQuery(w))
		require.NoError(t, err)
		require.Empty(t, got.Transactions)
		if w.Cursor = got.Next; w.Cursor == "" {
			break
		}
	}
	var all [][2]string
	for _, request := range g.sent() {
		start, end := stretch(t, request)
		all = append(all, [2]string{start, end})
	}
	require.Equal(t, [][2]string{
		{"2026-03-10 11:59:59", "2026-03-10 13:00:00"},
		{"2026-03-10 12:59:59", "2026-03-10 15:00:00"},
		{"2026-03-10 14:59:59", "2026-03-10 19:00:00"},
		{"2026-03-10 18:59:59", "2026-03-11 03:00:00"},
		{"2026-03-11 02:59:59", "2026-03-11 19:00:00"},
		{"2026-03-11 18:59:59", "2026-03-12 19:00:00"},
		{"2026-03-12 18:59:59", "2026-03-13 19:00:00"},
		{"2026-03-13 18:59:59", "2026-03-13 20:00:00"},
	}, all)
	require.Len(t, all, pages)
}

// full is an answer at the gateway's limit.
func full(found int) []element {
	many := make([]element, maxRecords)
	for i := range many {
		many[i] = at(fmt.Sprintf("1-2-%d", i), "2026-03-10 12:00:00")
	}
	answer := queryAnswer(many...)
	answer[0]["found"] = found
	return answer
}

// A slice that holds more than the gateway lists is asked for again in half,
// whether or not the gateway counts what it leaves out.
func TestWindow_Full(t *testing.T) {
	t.Parallel()
	for _, found := range []int{maxRecords, 10 * maxRecords} {
		g := setup(t, func(request []element) []element {
			if _, end := stretch(t, request); end == "2026-03-10 13:00:00" {
				return full(found)
			}
			return queryAnswer(at("1-9-1", "2026-03-10 12:00:00"))
		})
		w := payment.Window{From: today, To: today.Add(time.Hour)}
		got, err := g.Query(t.Context(), windowQuery(w))
		require.NoError(t, err)
		require.Empty(t, got.Transactions, "what may be a part only is not given")
		w.Cursor = got.Next
		got, err = g.Query(t.Context(), windowQuery(w))
		require.NoError(t, err)
		require.Len(t, got.Transactions, 1)
		require.NotEmpty(t, got.Next)
		start, end := stretch(t, g.sent()[1])
		require.Equal(t, []string{"2026-03-10 11:59:59", "2026-03-10 12:30:00"}, []string{start, end})
	}
}

// A site that has too many within a second can't be listed: that is said, and
// nothing is left out in silence.
func TestWindow_ErrTooDense(t *testing.T) {
	t.Parallel()
	g := setup(t, always(full(maxRecords)...))
	w := payment.Window{From: today, To: today.Add(time.Hour)}
	for range 11 {
		got, err := g.Query(t.Context(), windowQuery(w))
		require.NoError(t, err)
		require.NotEmpty(t, got.Next)
		w.Cursor = got.Next
	}
	got, err := g.Query(t.Context(), windowQuery(w))
	require.Equal(t, payment.ErrorUnsupported, asError(t, err).Kind)
	require.EqualError(t, err, "query: Trust Payments lists 499 transactions of a site at most, and has more for the seconds around 2026-03-10 12:00:00; "+
		"compare that time with MyST by hand, and ask for the windows that end two seconds before it and begin two seconds after it")
	require.Empty(t, got)
}

// An answer that proves nothing is no page.
func TestWindow_ErrAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer []element
		kind   payment.ErrorKind
		want   string
	}{
		{"found missing", []element{queryAnswer()[0].with(element{"found": nil})}, payment.ErrorUnavailable, "it does not say how many records were found"},
		{"found more", []element{queryAnswer(record())[0].with(element{"found": "2"})}, payment.ErrorUnavailable, "it says 2 found, and has 1 records"},
		{"found less than 500", []element{full(0)[0].with(element{"found": "499"})}, payment.ErrorUnavailable, "it says 499 found, and has 500 records"},
		{"other site", queryAnswer(record().with(element{"sitereference": "test_other"})), payment.ErrorUnavailable, "a record is from another site"},
		{"no type", queryAnswer(record().with(element{"requesttypedescription": nil})), payment.ErrorUnavailable, "a record does not say what it is"},
		{"no transaction", queryAnswer(record().with(element{"transactionreference": nil})), payment.ErrorUnavailable, "a record names no transaction"},
		{"twice", queryAnswer(record(), record()), payment.ErrorUnavailable, "the transaction 55-9-1007 occurs twice"},
		{"two elements", append(queryAnswer(), queryAnswer()...), payment.ErrorUnavailable, "2 elements instead of one"},
		{"bad filter", []element{{"requesttypedescription": "TRANSACTIONQUERY", "errorcode": "60019"}}, payment.ErrorInternal, "as a filter"},
		{"locked", []element{{"requesttypedescription": "ERROR", "errorcode": "79001"}}, payment.ErrorUnavailable, "79001"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := setup(t, always(tc.answer...)).Query(t.Context(), windowQuery(payment.Window{From: today, To: today.Add(time.Hour)}))
			require.Equal(t, tc.kind, asError(t, err).Kind)
			require.ErrorContains(t, err, tc.want)
			require.Empty(t, got)
		})
	}
}

func TestWindow_ErrCall(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]payment.ErrorKind{401: payment.ErrorUnauthorized, 400: payment.ErrorInternal, 500: payment.ErrorUnavailable} {
		g := setupRaw(t, func(w http.ResponseWriter, _ string, _ []element) { w.WriteHeader(status) })
		_, err := g.Query(t.Context(), windowQuery(payment.Window{From: today, To: today.Add(time.Hour)}))
		require.Equal(t, want, asError(t, err).Kind)
	}
}

func TestWindow_ErrRequest(t *testing.T) {
	t.Parallel()
	g := offline(t)
	hour := payment.Window{From: today, To: today.Add(time.Hour)}
	wrong := hour
	wrong.Cursor = cursor{today, time.Hour}.write(anotherSweep, hour)
	both := windowQuery(hour)
	both.Lookups = byReference("k1001a1")
	for name, req := range map[string]payment.QueryRequest{
		"backwards": windowQuery(payment.Window{From: hour.To, To: hour.From}), "cursor of another site": windowQuery(wrong), "both": both,
	} {
		_, err := g.Query(t.Context(), req)
		require.Equal(t, payment.ErrorInvalid, asError(t, err).Kind, name)
		require.True(t, payment.NotSent(err), name)
	}
}

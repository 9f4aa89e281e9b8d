package trustpayments_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/plugin/trustpayments"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// sweep reads a window to its end, asking again for pages that failed, and
// gives what is on its pages.
func (s *scene) sweep(t *testing.T, w payment.Window) map[payment.TransactionID]payment.Transaction {
	t.Helper()
	found := map[payment.TransactionID]payment.Transaction{}
	for range 1000 {
		page, err := s.Query(t.Context(), payment.QueryRequest{Access: s.access, Window: &w})
		if err != nil {
			require.Contains(t, []payment.ErrorKind{payment.ErrorUnavailable, payment.ErrorUnauthorized}, payment.KindOf(err), "%v", err)
			require.Empty(t, page)
			continue // by the same cursor
		}
		for _, transaction := range page.Transactions {
			require.NotContains(t, found, transaction.ID, "it is on two pages")
			found[transaction.ID] = transaction
		}
		if w.Cursor = page.Next; w.Cursor == "" {
			return found
		}
	}
	require.Fail(t, "the window has no end")
	return nil
}

// crowd makes transactions, some every minute, and gives their ids and when
// the last was made.
func (s *scene) crowd(t *testing.T, minutes, each int) ([]payment.TransactionID, time.Time) {
	t.Helper()
	var ids []payment.TransactionID
	for range minutes {
		for range each {
			ids = append(ids, s.enter(t, gateway.Entered{Card: "4111111111111111"}))
		}
		_, err := s.sim.Tick(time.Minute)
		require.NoError(t, err)
	}
	return ids, s.sim.Now()
}

// However the gateway counts, and whatever goes wrong with single calls, a
// window holds everything.
func TestSimulator_Window(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		switches gateway.Switches
		faults   []gateway.Fault
	}{
		{name: "as it is"},
		{name: "the end does not count", switches: gateway.Switches{QueryEndExclusive: true}},
		{name: "all are counted", switches: gateway.Switches{QueryCountsAll: true}},
		{name: "misbehaving", faults: []gateway.Fault{
			{Effect: gateway.EffectBrokenJSON, Nth: 2, Times: 1},
			{Effect: gateway.EffectProcessThenDrop, Nth: 3, Times: 1},
			{Effect: gateway.EffectServerError, Nth: 4, Times: 1},
			{Effect: gateway.EffectExtraElement, Nth: 5, Times: 1},
			{Effect: gateway.EffectWrongReference, Nth: 6, Times: 1},
			{Effect: gateway.EffectCode, Code: "79001", Nth: 7, Times: 1},
			{Effect: gateway.EffectUnauthorized, Nth: 8, Times: 1},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			ids, end := s.crowd(t, 11, 50)
			require.NoError(t, s.sim.SetSwitches(t.Context(), tc.switches))
			for _, f := range tc.faults {
				s.fault(t, f)
			}
			found := s.sweep(t, payment.Window{From: noon.Add(-24 * time.Hour), To: end.Add(time.Hour)})
			require.Len(t, found, len(ids)+1, "the stored card is one as well")
			for _, id := range ids {
				require.Contains(t, found, id)
			}
			for _, f := range s.sim.Faults() {
				require.Equal(t, 1, f.Fired, "%s", f.Effect)
			}

			// Each minute by itself: nothing twice, nothing in between.
			together := 0
			for from := noon; from.Before(end); from = from.Add(time.Minute) {
				together += len(s.sweep(t, payment.Window{From: from, To: from.Add(time.Minute)}))
			}
			require.Equal(t, len(found), together)
		})
	}
}

// What the gateway does not show yet is missing from a window, and is there
// once the lag has passed.
func TestSimulator_WindowLag(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.NoError(t, s.sim.SetSwitches(t.Context(), gateway.Switches{QueryLag: gateway.Duration(10 * time.Minute)}))
	r := s.request(payment.SettleRecorded)
	charged, err := s.Charge(t.Context(), r)
	require.NoError(t, err)
	w := payment.Window{From: noon, To: noon.Add(time.Hour)}
	require.NotContains(t, s.sweep(t, w), charged.Transaction.ID)
	_, err = s.sim.Tick(10 * time.Minute)
	require.NoError(t, err)
	got := s.sweep(t, w)[charged.Transaction.ID]
	require.Equal(t, r.Reference, got.Reference)
	require.Equal(t, r.Amount, got.Amount)
	require.Equal(t, s.stored, got.Parent)
	require.Equal(t, payment.StatusSuspended, got.Status)
	require.Equal(t, payment.OutcomeUnknown, got.Outcome)
	require.Equal(t, payment.OutcomeApproved, s.found(t, r)[0].Outcome, "once it is said how it was asked to settle")
}

// A gateway that leaves out what it holds can't be found out by its answer
// alone. Whoever sweeps has to look for something known to be there.
func TestSimulator_WindowLies(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ids, end := s.crowd(t, 1, 9)
	s.fault(t, gateway.Fault{Effect: gateway.EffectQueryPartial, Times: 1})
	w := payment.Window{From: noon, To: end}
	require.Len(t, s.sweep(t, w), (len(ids)+1)/2)
	require.Len(t, s.sweep(t, w), len(ids)+1)
}

// More than the gateway lists, all in one second, is refused.
func TestSimulator_WindowTooDense(t *testing.T) {
	t.Parallel()
	begin := noon.Add(5 * time.Second) // a clock that stands still
	s := newSceneAt(t, func() time.Time { return begin })
	ids, _ := s.crowd(t, 1, 500)
	w := payment.Window{From: noon, To: noon.Add(time.Minute)}
	var refused error
	for range 20 {
		page, err := s.Query(t.Context(), payment.QueryRequest{Access: s.access, Window: &w})
		if refused = err; refused != nil {
			break
		}
		require.Empty(t, page.Transactions)
		require.NotEmpty(t, page.Next)
		w.Cursor = page.Next
	}
	require.Equal(t, payment.ErrorUnsupported, payment.KindOf(refused))
	require.ErrorContains(t, refused, "for the seconds around 2026-03-10 12:00:0")
	require.NotEmpty(t, w.Cursor)
	// A second away from it all is read as always.
	require.Empty(t, s.sweep(t, payment.Window{From: noon, To: begin.Add(-time.Second)}))
	require.Empty(t, s.sweep(t, payment.Window{From: begin.Add(2 * time.Second), To: noon.Add(time.Hour)}))
	require.Len(t, ids, 500)
}

// The plugin keeps nothing: another process goes on with its cursor.
func TestSimulator_WindowGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ids, end := s.crowd(t, 3, 200)
	w := payment.Window{From: noon, To: end}
	first, err := s.Query(t.Context(), payment.QueryRequest{Access: s.access, Window: &w})
	require.NoError(t, err)
	require.NotEmpty(t, first.Next)
	again, err := trustpayments.New(s.config)
	require.NoError(t, err)
	t.Cleanup(again.Close)
	s.Gateway, w.Cursor = again, first.Next
	require.Len(t, s.sweep(t, w), len(ids)+1-len(first.Transactions))
}

package paymenttest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

// crowdBatch is how many transactions of a crowd are made between two steps of
// the gateway's clock.
const crowdBatch = 50

// manyPages is more pages than any window of the suite may take.
const manyPages = 10_000

func (s *suite) window(t *testing.T) {
	t.Parallel()
	d, err := s.gw.describe(t)
	require.NoError(t, err)
	if !slices.Contains(d.Capabilities, payment.CapabilityQueryWindow) {
		_, err := s.gw.query(t, s.windowed(payment.Window{From: time.Now().Add(-time.Hour), To: time.Now()}))
		require.Error(t, err)
		t.Skip("the gateway does not offer " + payment.CapabilityQueryWindow)
	}
	require.Positive(t, s.WindowPage, "the harness does not say how long a page is")
	require.LessOrEqual(t, s.WindowPage, payment.MaxPage)
	crowd := s.crowd(t)
	whole := payment.Window{From: crowd[0].StartedAt, To: crowd[0].StartedAt}
	for _, made := range crowd {
		if made.StartedAt.Before(whole.From) {
			whole.From = made.StartedAt
		}
		if !made.StartedAt.Before(whole.To) {
			whole.To = made.StartedAt.Add(time.Second)
		}
	}

	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		found := s.sweep(t, whole, nil)
		for _, made := range crowd {
			got, ok := found[made.ID]
			require.True(t, ok, "%s, started at %s, is on no page of %s to %s", made.ID, made.StartedAt, whole.From, whole.To)
			// All that is needed to adopt it, but for how it was meant to settle.
			require.Equal(t, payment.StatusSuspended, got.Status)
			require.False(t, got.Outcome.Known(), "nobody said how it was asked to settle, and it is %q", got.Outcome)
			got.Outcome = made.Outcome
			require.Equal(t, made, got)
		}
	})

	t.Run("OKWhileOthersArrive", func(t *testing.T) {
		t.Parallel()
		open := whole
		open.To = open.To.Add(24 * time.Hour)
		late := 0
		found := s.sweep(t, open, func() {
			if late++; late <= 3 {
				s.approved(t, payment.SettleRecorded, "")
			}
		})
		for _, made := range crowd {
			require.Contains(t, found, made.ID, "what arrived later took the place of another")
		}
	})

	t.Run("Edges", func(t *testing.T) {
		t.Parallel()
		r := s.approved(t, payment.SettleAtOnce, "")
		made := s.one(t, r)
		at := made.StartedAt
		require.Contains(t, s.sweep(t, payment.Window{From: at, To: at.Add(1)}, nil), made.ID, "the beginning is part of a window")
		require.Contains(t, s.sweep(t, payment.Window{From: at.Add(-time.Hour), To: at.Add(1)}, nil), made.ID)
		require.NotContains(t, s.sweep(t, payment.Window{From: at.Add(-time.Hour), To: at}, nil), made.ID, "the end is not")
		require.NotContains(t, s.sweep(t, payment.Window{From: at.Add(1), To: at.Add(time.Hour)}, nil), made.ID)
	})

	t.Run("Cancelled", func(t *testing.T) {
		t.Parallel()
		made := s.one(t, s.approved(t, payment.SettleRecorded, ""))
		s.adjusted(t, made.ID, payment.ActionCancel)
		found := s.sweep(t, payment.Window{From: made.StartedAt, To: made.StartedAt.Add(time.Second)}, nil)
		require.Equal(t, payment.StatusCancelled, found[made.ID].Status)
		require.False(t, found[made.ID].Live())
	})

	t.Run("Nothing", func(t *testing.T) {
		t.Parallel()
		long := time.Date(2001, time.January, 1, 0, 0, 0, 0, time.UTC)
		require.Empty(t, s.sweep(t, payment.Window{From: long, To: long.Add(48 * time.Hour)}, nil))
	})

	t.Run("ErrCursor", func(t *testing.T) {
		t.Parallel()
		first, err := s.gw.query(t, s.windowed(whole))
		require.NoError(t, err)
		require.NotEmpty(t, first.Next, "there is more than a page")
		for name, spoil := range map[string]func(w *payment.Window){
			"junk":                 func(w *payment.Window) { w.Cursor = "next" },
			"cut":                  func(w *payment.Window) { w.Cursor = w.Cursor[:len(w.Cursor)-1] },
			"grown":                func(w *payment.Window) { w.Cursor += "0" },
			"a space":              func(w *payment.Window) { w.Cursor += " " },
			"endless":              func(w *payment.Window) { w.Cursor = strings.Repeat("1", payment.MaxCursor+1) },
			"of another beginning": func(w *payment.Window) { w.From = w.From.Add(-time.Second) },
			"of another end":       func(w *payment.Window) { w.To = w.To.Add(time.Second) },
			"first flipped":        func(w *payment.Window) { w.Cursor = flipped(w.Cursor, 0) },
			"last flipped":         func(w *payment.Window) { w.Cursor = flipped(w.Cursor, len(w.Cursor)-1) },
		} {
			w := whole
			w.Cursor = first.Next
			spoil(&w)
			s.refused(t, name, s.windowed(w), payment.ErrorInvalid)
		}
	})

	t.Run("ErrInvalid", func(t *testing.T) {
		t.Parallel()
		both := s.windowed(whole)
		both.Lookups = []payment.Lookup{{Reference: NewReference()}}
		elsewhere := s.windowed(whole)
		elsewhere.Access.Site += "x"
		for name, r := range map[string]payment.QueryRequest{
			"lookups as well": both,
			"another site":    elsewhere,
			"no beginning":    s.windowed(payment.Window{To: whole.To}),
			"no end":          s.windowed(payment.Window{From: whole.From}),
			"no length":       s.windowed(payment.Window{From: whole.From, To: whole.From}),
			"backwards":       s.windowed(payment.Window{From: whole.To, To: whole.From}),
			"too long":        s.windowed(payment.Window{From: whole.From, To: whole.From.Add(payment.MaxWindow + 1)}),
		} {
			s.refused(t, name, r, payment.ErrorInvalid)
		}
	})

	t.Run("ErrCredentials", func(t *testing.T) {
		t.Parallel()
		r := s.windowed(whole)
		r.Access = s.BadAccess
		s.refused(t, "a page that was not answered has found nothing out", r, payment.ErrorUnauthorized)
	})

	t.Run("ErrCancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), callLimit)
		cancel()
		_, err := s.Gateway.Query(ctx, s.windowed(whole))
		require.ErrorIs(t, err, ctx.Err())
		s.gw.check(t, nil, err)
	})
}

// crowd makes more transactions than a page has, and gives them as a lookup
// finds them.
func (s *suite) crowd(t *testing.T) []payment.Transaction {
	t.Helper()
	var lookups []payment.Lookup
	for len(lookups) <= s.WindowPage {
		requests := make([]payment.ChargeRequest, crowdBatch)
		errs := make([]error, crowdBatch)
		var calls sync.WaitGroup
		for i := range requests {
			requests[i] = s.request(payment.SettleRecorded)
			requests[i].SendBefore = time.Now().Add(callLimit)
			lookups = append(lookups, payment.Lookup{Reference: requests[i].Reference, Asked: payment.SettleRecorded})
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 2*callLimit)
				defer cancel()
				_, errs[i] = s.Gateway.Charge(ctx, requests[i])
			})
		}
		calls.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		if s.Pass != nil {
			s.Pass(t, time.Minute)
		}
	}
	var made []payment.Transaction
	for batch := range slices.Chunk(lookups, payment.MaxLookups) {
		found, err := s.gw.query(t, s.lookups(batch...))
		require.NoError(t, err)
		made = append(made, found.Transactions...)
	}
	require.Len(t, made, len(lookups))
	return made
}

// sweep reads a window to its end, doing between after each page but the last,
// and gives what is in it.
func (s *suite) sweep(t *testing.T, w payment.Window, between func()) map[payment.TransactionID]payment.Transaction {
	t.Helper()
	found := map[payment.TransactionID]payment.Transaction{}
	for range manyPages {
		page, err := s.gw.query(t, s.windowed(w))
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Transactions), s.WindowPage, "a page is too long")
		for _, got := range page.Transactions {
			require.Equal(t, s.Access.Site, got.Site)
			require.False(t, got.StartedAt.Before(w.From), "%s was started before the window", got.ID)
			require.True(t, got.StartedAt.Before(w.To), "%s was started after the window", got.ID)
			found[got.ID] = got
		}
		if page.Next == "" {
			return found
		}
		require.NotEqual(t, w.Cursor, page.Next, "the window does not go on")
		require.LessOrEqual(t, len(page.Next), payment.MaxCursor)
		require.Regexp(t, `^[!-~]+$`, page.Next)
		if w.Cursor = page.Next; between != nil {
			between()
		}
	}
	require.Fail(t, "the window has no end")
	return nil
}

func (s *suite) windowed(w payment.Window) payment.QueryRequest {
	return payment.QueryRequest{Access: s.Access, Window: &w}
}

func (s *suite) refused(t *testing.T, name string, r payment.QueryRequest, kind payment.ErrorKind) {
	t.Helper()
	result, err := s.gw.query(t, r)
	require.Error(t, err, name)
	require.Equal(t, kind, payment.KindOf(err), name)
	require.Empty(t, result, name)
}

// flipped changes one character of a cursor into another that may stand there.
func flipped(cursor string, at int) string {
	b := []byte(cursor)
	if b[at] == '1' {
		b[at] = '2'
	} else {
		b[at] = '1'
	}
	return string(b)
}

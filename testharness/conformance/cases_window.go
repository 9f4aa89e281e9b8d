package conformance

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// maxPages is more pages than a window of this run can have.
const maxPages = 1000

const lookWindow = `plugin/README.md, "Query": windows`

func windowCases() []testCase {
	return []testCase{
		{"query.window", "a window of time is read whole, page by page; without the capability it is refused", lookWindow, func(e *exam) {
			if !e.can(payment.CapabilityQueryWindow) {
				e.refuses("a window, without the capability", payment.Window{From: time.Now().Add(-time.Hour), To: time.Now()}, "")
				return
			}
			all := e.lookUpAll(e.hundred())
			w := spanning(all)
			found := e.sweep(w)
			for _, t := range all {
				got, ok := found[t.ID]
				if !ok {
					e.fail("%s, started at %s, is on no page of the window %s to %s", t.ID, t.StartedAt, w.From, w.To)
				}
				if got.Reference != t.Reference || got.Amount != t.Amount || got.Status == payment.StatusSuspended && got.Outcome.Known() {
					e.fail("the window shows %s with the reference %q, %s and the outcome %q; nobody said how it was to settle, so that while it is suspended its outcome is not known",
						t.ID, got.Reference, got.Amount, got.Outcome)
				}
			}
			for id := range e.sweep(payment.Window{From: w.From.Add(-48 * time.Hour), To: w.From.Add(-24 * time.Hour)}) {
				e.fail("%s is in a window that ended before it was started", id)
			}
		}},
		{"query.window-invalid", "a window that could not be right, and a cursor of another window, are refused as invalid", lookWindow, func(e *exam) {
			e.claims(payment.CapabilityQueryWindow)
			now := time.Now()
			for name, w := range map[string]payment.Window{
				"a window without its end": {From: now}, "a window that ends before it begins": {From: now, To: now.Add(-time.Hour)},
				"a window that is too long":   {From: now.Add(-payment.MaxWindow - time.Hour), To: now},
				"a cursor that is none of it": {From: now.Add(-time.Hour), To: now, Cursor: "next"},
			} {
				e.refuses(name, w, payment.ErrorInvalid)
			}
		}},
		{"query.window-doubt", "a page without a right answer is an error, never an empty page", lookWindow, func(e *exam) {
			e.claims(payment.CapabilityQueryWindow)
			e.account()
			for _, d := range doubts {
				if d.name == "other-answer" {
					continue // an answer to a charge is none to another question
				}
				e.front.set(d.fault())
				result, err := e.query(payment.QueryRequest{Access: e.account(), Window: &payment.Window{From: time.Now().Add(-time.Hour), To: time.Now()}})
				e.front.set(nil)
				if err == nil {
					e.fail("%s: no error, and %d transactions", d.about, len(result.Transactions))
				}
			}
		}},
	}
}

// spanning is the window of these transactions, by the gateway's clock.
func spanning(all []payment.Transaction) payment.Window {
	w := payment.Window{From: all[0].StartedAt, To: all[0].StartedAt}
	for _, t := range all {
		if t.StartedAt.Before(w.From) {
			w.From = t.StartedAt
		}
		if t.StartedAt.After(w.To) {
			w.To = t.StartedAt
		}
	}
	w.To = w.To.Add(time.Second)
	return w
}

// sweep reads a window whole.
func (e *exam) sweep(w payment.Window) map[payment.TransactionID]payment.Transaction {
	found := map[payment.TransactionID]payment.Transaction{}
	for range maxPages {
		result, err := e.query(payment.QueryRequest{Access: e.account(), Window: &w})
		e.right(err, "read a page of a window")
		for _, t := range result.Transactions {
			if t.StartedAt.Before(w.From) || !t.StartedAt.Before(w.To) {
				e.fail("%s, started at %s, is on a page of the window %s to %s", t.ID, t.StartedAt, w.From, w.To)
			}
			found[t.ID] = t
		}
		if result.Next == "" {
			return found
		}
		w.Cursor = result.Next
	}
	e.fail("the window has more than %d pages: its cursors lead in a circle", maxPages)
	return nil
}

func (e *exam) refuses(what string, w payment.Window, kind payment.ErrorKind) {
	result, err := e.query(payment.QueryRequest{Access: e.account(), Window: &w})
	if err == nil || len(result.Transactions) > 0 || kind != "" && payment.KindOf(err) != kind {
		e.fail("%s must be refused; it answers %v and %d transactions", what, err, len(result.Transactions))
	}
}

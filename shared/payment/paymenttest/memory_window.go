package paymenttest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chargehand/chargehand/shared/payment"
)

// WindowPage is how many transactions Memory gives on one page of a window.
const WindowPage = 50

// page gives one page of a window: transactions by the time they were started,
// from behind the one that the cursor names. m.mu is held.
func (m *Memory) page(a payment.Access, w payment.Window) (payment.QueryResult, error) {
	last, ok := m.readCursor(a, w)
	if !ok {
		return payment.QueryResult{}, invalid("query", "cursor", "the cursor is none that was given for this site and window; begin anew")
	}
	var places []int // in m.transactions
	for i, t := range m.transactions {
		if t.Site == a.Site && !t.StartedAt.Before(w.From) && t.StartedAt.Before(w.To) && (last < 0 || m.compare(i, last) > 0) {
			places = append(places, i)
		}
	}
	slices.SortFunc(places, m.compare)
	var result payment.QueryResult
	for n, i := range places {
		if n == WindowPage {
			result.Next = cursor(a, w, places[n-1])
			break
		}
		t := m.transactions[i]
		if t.Status == payment.StatusSuspended {
			t.Outcome = suspended(payment.SettleUnspecified)
		}
		result.Transactions = append(result.Transactions, t)
	}
	return result, nil
}

// compare orders transactions by their start, and then as they came.
func (m *Memory) compare(i, j int) int {
	if c := m.transactions[i].StartedAt.Compare(m.transactions[j].StartedAt); c != 0 {
		return c
	}
	return cmp.Compare(i, j)
}

// readCursor gives the place of the last transaction of the page before; -1 if
// there was none.
func (m *Memory) readCursor(a payment.Access, w payment.Window) (int, bool) {
	if w.Cursor == "" {
		return -1, true
	}
	text, _, _ := strings.Cut(w.Cursor, ".")
	last, err := strconv.Atoi(text)
	return last, err == nil && last >= 0 && last < len(m.transactions) && cursor(a, w, last) == w.Cursor
}

// cursor names the last transaction of a page, in a sweep of this window alone.
func cursor(a payment.Access, w payment.Window, last int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %d %d", last, a.Endpoint, a.Site, w.From.UnixNano(), w.To.UnixNano()))
	return fmt.Sprintf("%d.%x", last, sum[:8])
}

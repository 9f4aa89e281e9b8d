package paymenttest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

// Memory gives each transaction once, oldest first, also where many were
// started in the same moment. What is put in behind the cursor is missed.
func TestMemoryWindow(t *testing.T) {
	t.Parallel()
	memory := &paymenttest.Memory{}
	begin := time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)
	put := func(id string, site string, at time.Time) {
		memory.Put(payment.Transaction{ID: payment.TransactionID(id), Kind: payment.KindAuthorisation, Site: site, StartedAt: at})
	}
	const all = 2*paymenttest.WindowPage + 1
	for i := range all {
		at := begin // for the first page and a half
		if i < paymenttest.WindowPage/2 {
			at = begin.Add(time.Minute) // put in first, started last
		}
		put(fmt.Sprintf("1-%d", i), paymenttest.Site, at)
		put(fmt.Sprintf("2-%d", i), "site2", at)
	}
	w := payment.Window{From: begin, To: begin.Add(time.Hour)}
	var pages []int
	var last time.Time
	seen := map[payment.TransactionID]bool{}
	for {
		page, err := memory.Query(t.Context(), payment.QueryRequest{Access: paymenttest.Access(), Window: &w})
		require.NoError(t, err)
		pages = append(pages, len(page.Transactions))
		for _, got := range page.Transactions {
			require.Equal(t, paymenttest.Site, got.Site)
			require.False(t, seen[got.ID], "%s comes twice", got.ID)
			seen[got.ID] = true
			require.False(t, got.StartedAt.Before(last), "oldest first")
			last = got.StartedAt
		}
		if w.Cursor = page.Next; w.Cursor == "" {
			break
		}
		if len(pages) == 2 {
			put("3-1", paymenttest.Site, begin)                    // behind the cursor
			put("3-2", paymenttest.Site, begin.Add(2*time.Minute)) // before it
		}
	}
	require.Equal(t, []int{paymenttest.WindowPage, paymenttest.WindowPage, 2}, pages)
	require.Len(t, seen, all+1)
	require.True(t, seen["3-2"])
}

package gateway_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// Every transaction is on one page, once, while others are booked in between.
func TestSearchPageByPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 25
	for i := range n {
		_, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Amount: 1, Currency: "GBP", OrderReference: "K" + strconv.Itoa(i)})
		require.NoError(t, err)
		if i%10 == 0 {
			b.clock.move(time.Second) // many of them start at the same moment
		}
	}
	var seen []string
	s := gateway.Search{Limit: 4}
	for more := true; more; {
		var found []gateway.Entry
		found, more = b.g.Search(s)
		for i := range found {
			seen = append(seen, found[i].OrderReference)
		}
		s.After = found[len(found)-1].TransactionReference
		b.mint()
	}
	require.Len(t, seen, n)
	for i, order := range seen {
		require.Equal(t, "K"+strconv.Itoa(n-1-i), order)
	}
}

// A look at a great many lets others in, and misses none.
func TestSearchAmongMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.mint()
	for range 40_500 {
		_, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Amount: 2, Currency: "GBP"})
		require.NoError(t, err)
	}
	one := int64(1)
	var others sync.WaitGroup
	others.Go(func() {
		for range 50 {
			_, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Amount: 3, Currency: "GBP"})
			if err != nil {
				t.Error(err)
			}
		}
	})
	found, more := b.g.Search(gateway.Search{Most: &one})
	others.Wait()
	require.False(t, more)
	require.Len(t, found, 1)
	require.Equal(t, first, found[0].TransactionReference)

	before := b.g.Now()
	b.tick(2 * day)
	moves, counted := b.g.Moves(before, b.g.Now(), 10)
	require.Len(t, moves, 10)
	require.Equal(t, map[[2]int]int{{0, 10}: 40_551, {10, 100}: 40_551}, counted)
	require.Equal(t, map[int]int{100: 40_551}, b.g.Statuses())
	moves, counted = b.g.Moves(b.g.Now(), b.g.Now(), 10)
	require.Empty(t, moves)
	require.Empty(t, counted)
}

func TestView(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.mint()
	b.fault(gateway.Fault{Effect: gateway.EffectBankErrorThenPaid, Delay: gateway.Duration(time.Hour)})
	b.ask1(auth(parent))
	v, err := b.g.View(parent)
	require.NoError(t, err)
	require.Nil(t, v.ParentEntry)
	require.Len(t, v.Children, 1)
	child, err := b.g.View(v.Children[0].TransactionReference)
	require.NoError(t, err)
	require.Equal(t, parent, child.ParentEntry.TransactionReference)
	require.Equal(t, "0", child.ErrorCode)
	require.Contains(t, child.Shown, gateway.Shown{Name: "errorcode", Value: "60010"}, "what a query shows meanwhile")
	require.Equal(t, begin.Add(time.Hour), child.Doubt)
	b.tick(time.Hour)
	child, err = b.g.View(child.TransactionReference)
	require.NoError(t, err)
	require.Contains(t, child.Shown, gateway.Shown{Name: "errorcode", Value: "0"})
	require.Zero(t, child.Doubt)
	_, err = b.g.View("no")
	require.ErrorIs(t, err, gateway.ErrNoTransaction)
}

package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/shared/payment"
)

func (b *bed) placement(reference string) order.Placement {
	return order.Placement{
		Channel: b.shop.channel, Reference: reference, PlacedAt: time.Now(),
		Parts: []order.Part{{Fulfiller: b.shop.fulfiller, Amount: payment.Amount{Minor: 1250, Currency: "GBP"}}},
	}
}

// An order is posted at one host, and again at another whose node has not heard
// of it yet: it is the same order, charged once.
func TestSameOrderOnANodeThatLagsBehind(t *testing.T) {
	t.Parallel()
	dsns := nodes(t)
	b := newBed(t, dsns[:2])
	for i := range 5 {
		p := b.placement(fmt.Sprintf("again-%d", i))
		release := hold(t, dsns[1])
		first, _, created, err := b.hosts[0].orders.Place(b.ctx, p, "test", nil)
		require.NoError(t, err)
		require.True(t, created)
		// The other node does not know it.
		_, _, err = b.hosts[1].store.OrderByID(b.ctx, first.ID)
		require.Equal(t, payment.ErrorNotFound, payment.KindOf(err), "the node does not lag: this test shows nothing")
		type answer struct {
			order   order.Order
			created bool
			err     error
		}
		answers := make(chan answer, 1)
		go func() {
			var a answer
			a.order, _, a.created, a.err = b.hosts[1].orders.Place(b.ctx, p, "test", nil)
			answers <- a
		}()
		// It may wait for the node, or have read already: both come to the same.
		release()
		a := <-answers
		require.NoError(t, a.err)
		require.False(t, a.created)
		require.Equal(t, first.ID, a.order.ID)
	}
	b.onceEach(b.untilAll(5, charge.StateReleased), 1)
}

// Whoever must read on one node what was just written on another asks for that in
// the DSN.
func TestSyncWait(t *testing.T) {
	t.Parallel()
	dsns := nodes(t)
	b := newBed(t, dsns[:1])
	waiting := open(t, dsns[1]+"?wsrep_sync_wait=1")
	release := hold(t, dsns[1])
	placed, _, _, err := b.hosts[0].orders.Place(b.ctx, b.placement("one"), "test", nil)
	require.NoError(t, err)
	found := make(chan error, 1)
	go func() {
		var n int64
		err := waiting.Read(b.ctx).Table("orders").Where("id = ?", string(placed.ID)).Count(&n).Error
		if err == nil && n != 1 {
			err = fmt.Errorf("the order was read %d times", n)
		}
		found <- err
	}()
	select {
	case err := <-found:
		require.FailNow(t, "it did not wait for the other node", "%v", err)
	case <-time.After(300 * time.Millisecond): // who does not wait has answered by then
	}
	release()
	require.NoError(t, <-found)
	b.untilAll(1, charge.StateReleased)
}

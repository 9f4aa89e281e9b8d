package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// How the platform posts.
const (
	postersMost = 96              // requests under way
	answerLimit = 5 * time.Second // for one request; then it is sent again
	waitFor     = 2 * time.Second // for a decision, where it asks for one
)

// posting sends all orders at their times, and returns once each was answered.
func (w *world) posting(ctx context.Context) {
	var all sync.WaitGroup
	room := make(chan struct{}, postersMost)
	for _, p := range w.plan.Posts {
		if !wait(ctx, p.At-w.diary.since()) {
			break
		}
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
		}
		all.Go(func() {
			w.post(ctx, p)
			<-room
		})
	}
	all.Wait()
}

// post posts until it is answered, and then cancels what is to be cancelled.
func (w *world) post(ctx context.Context, p Post) {
	for _, o := range p.Orders {
		if o.Fault != "" {
			faults := faultsOf(orderFaults, o.Fault, w.plan.Size.Scale)
			for i := range faults {
				faults[i].Type, faults[i].Amount, faults[i].Times = "AUTH", gateway.Exactly(o.Minor), 1
			}
			w.script.tell(ctx, o.Fault, faults)
		}
	}
	orders := make([]client.NewOrder, len(p.Orders))
	for i, o := range p.Orders {
		orders[i] = w.order(o)
	}
	if len(orders) > 1 {
		w.postBatch(ctx, p, orders)
		return
	}
	var answers [2]accepted
	times := 1
	if p.Twice {
		times = 2
	}
	var both sync.WaitGroup
	for i := range times {
		both.Go(func() { answers[i] = w.postOne(ctx, p.Orders[0], orders[0], p.Wait) })
	}
	both.Wait()
	first := answers[0]
	if first.id == "" {
		return
	}
	if p.Twice && answers[1].id != "" && answers[1].id != first.id {
		w.diary.fault("order %s: posted twice, it became the orders %s and %s", orders[0].Reference, first.id, answers[1].id)
	}
	w.taken(ctx, first)
}

// taken notes that an order was accepted, once its cancellation was, too.
func (w *world) taken(ctx context.Context, a accepted) {
	if a.order.Cancel > 0 && wait(ctx, a.order.Cancel) {
		a.cancelled = w.cancel(ctx, a.id)
	}
	w.diary.accept(a)
}

// order is an order as the platform posts it, each time the same.
func (w *world) order(o Order) client.NewOrder {
	w.mu.Lock()
	defer w.mu.Unlock()
	if order, known := w.orders[o.Number]; known {
		return order
	}
	s := w.shops[o.Shop]
	w.orders[o.Number] = client.NewOrder{
		Channel: s.Channel, Reference: fmt.Sprintf("order-%d", o.Number), PlacedAt: time.Now().UTC().Truncate(time.Millisecond),
		Parts: []client.Part{{Fulfiller: s.Fulfiller, Amount: payment.Amount{Minor: o.Minor, Currency: "GBP"}}},
	}
	return w.orders[o.Number]
}

func (w *world) postOne(ctx context.Context, o Order, order client.NewOrder, decision bool) accepted {
	a := accepted{order: o}
	patience := time.Duration(0)
	if decision {
		patience = waitFor
	}
	w.insist(ctx, order.Reference, func(ctx context.Context, api *client.Client) error {
		a.tries++
		got, _, err := api.Post(ctx, order, patience)
		if err == nil {
			a.id, a.at = got.ID, w.diary.since()
		}
		return err
	})
	return a
}

func (w *world) postBatch(ctx context.Context, p Post, orders []client.NewOrder) {
	left := make([]int, len(orders)) // their places in p
	for i := range left {
		left[i] = i
	}
	var all sync.WaitGroup
	for tries := 1; len(left) > 0 && ctx.Err() == nil; tries++ {
		batch := make([]client.NewOrder, len(left))
		for i, n := range left {
			batch[i] = orders[n]
		}
		var items []client.BatchItem
		w.insist(ctx, batch[0].Reference+" and others", func(ctx context.Context, api *client.Client) (err error) {
			items, err = api.PostBatch(ctx, batch)
			return err
		})
		if len(items) != len(batch) {
			if ctx.Err() == nil {
				w.diary.fault("a batch of %d orders got %d answers", len(batch), len(items))
			}
			break
		}
		var again []int
		for i, item := range items {
			switch {
			case item.Order != nil:
				a := accepted{order: p.Orders[left[i]], at: w.diary.since(), id: item.Order.ID, tries: tries}
				all.Go(func() { w.taken(ctx, a) })
			case item.Problem != nil && refusal(item.Problem.Status):
				w.diary.fault("order %s: refused: %v", batch[i].Reference, item.Problem)
			default:
				again = append(again, left[i])
			}
		}
		left = again
	}
	all.Wait()
}

func (w *world) cancel(ctx context.Context, id string) bool {
	return w.insist(ctx, "the cancellation of order "+id, func(ctx context.Context, api *client.Client) error {
		_, err := api.Cancel(ctx, id, "the customer changed their mind")
		return err
	})
}

// insist makes a request again and again, to whatever host is fit, until it is
// answered: the same to the letter. What is refused is not asked for again.
func (w *world) insist(ctx context.Context, what string, ask func(context.Context, *client.Client) error) bool {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		asked, done := context.WithTimeout(ctx, answerLimit)
		err := ask(asked, w.any().api)
		done()
		w.diary.posted()
		if err == nil {
			return true
		}
		if p, ok := errors.AsType[*client.ProblemError](err); ok && refusal(p.Status) {
			w.diary.fault("%s: refused: %v", what, p)
			return false
		}
		if !wait(ctx, pause/2+rand.N(pause)) { //nolint:gosec // only spreads the load
			return false
		}
	}
}

// refusal: asked again it would be answered the same.
func refusal(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// any picks a host as a balancer does: one that says it is ready, if one does.
func (w *world) any() *host {
	first := rand.IntN(len(w.hosts)) //nolint:gosec // only spreads the load
	for i := range w.hosts {
		if h := w.hosts[(first+i)%len(w.hosts)]; h.fit.Load() {
			return h
		}
	}
	return w.hosts[first]
}

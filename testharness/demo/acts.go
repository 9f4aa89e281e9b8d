package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/testharness/client"
)

// order is a story that has been posted.
type order struct {
	story
	id string // empty until the host has accepted it
	// wrong tells what was not as the story wants on the way; the end is
	// judged later.
	wrong []string
}

// patience is how long a post waits for a decision. An ordinary charge takes a
// fraction of it.
const patience = 5 * time.Second

// play posts the orders of all stories, act by act.
func (w *world) play(ctx context.Context, all []*order) error {
	acts := []struct {
		act  act
		head string
		play func(context.Context, []*order) error
	}{
		{actPost, "Orders come in", w.each(w.postAndWait)},
		{actBatch, "Many in one request", w.postBatch},
		{actTwice, "The same order twice", w.each(w.postTwice)},
		{actAlone, "A release is lost", w.each(w.postAlone)},
		{actCancelSettles, "Cancelled after it was charged", w.each(w.cancelCharged)},
		{actDoubt, "Answers are lost", w.each(w.postAndLook)},
		{actCancelDoubt, "Cancelled while in doubt", w.each(w.cancelInDoubt)},
		{actKill, "The plugin is killed while charges run", w.killPlugin},
		{actDown, "The gateway is down for a moment", w.gatewayDown},
	}
	for _, a := range acts {
		w.screen.head(a.head)
		if err := a.play(ctx, of(all, a.act)); err != nil {
			return fmt.Errorf("%s: %w", a.head, err)
		}
	}
	return nil
}

func of(all []*order, a act) []*order {
	var some []*order
	for _, o := range all {
		if o.act == a {
			some = append(some, o)
		}
	}
	return some
}

// each plays one act for several orders side by side.
func (w *world) each(play func(context.Context, *order) error) func(context.Context, []*order) error {
	return func(ctx context.Context, orders []*order) error {
		errs := make([]error, len(orders))
		var all sync.WaitGroup
		for i, o := range orders {
			all.Go(func() { errs[i] = play(ctx, o) })
		}
		all.Wait()
		for i, o := range orders {
			if errs[i] != nil {
				return fmt.Errorf("order %s: %w", o.name, errs[i])
			}
		}
		return nil
	}
}

func (w *world) newOrder(s story) client.NewOrder {
	return client.NewOrder{
		Channel: string(s.channel), Reference: s.name, PlacedAt: w.cfg.Now().UTC(),
		Parts: []client.Part{{Fulfiller: fulfiller, Amount: s.amount()}},
	}
}

// post has the gateway prepared for what the story tells, posts the order, and
// notes that it was accepted.
func (w *world) post(ctx context.Context, o *order, wait time.Duration) (client.Order, error) {
	if err := w.simulator.arrange(ctx, o.story); err != nil {
		return client.Order{}, err
	}
	got, _, err := w.api.Post(ctx, w.newOrder(o.story), wait)
	if err == nil {
		o.id = got.ID
	}
	return got, err
}

func (w *world) postAndWait(ctx context.Context, o *order) error {
	began := w.cfg.Now()
	got, err := w.post(ctx, o, patience)
	if err == nil {
		w.tell(o, got, began)
	}
	return err
}

// postAlone waits first until nothing is being released, so that the next
// release is this order's.
func (w *world) postAlone(ctx context.Context, o *order) error {
	err := w.awaitAll(ctx, patience, "nothing else is being released", func(state string, _ bool) bool {
		return state != "authorised" && state != "releasing"
	})
	if err != nil {
		return err
	}
	return w.postAndWait(ctx, o)
}

// postOnly does not wait for anything.
func (w *world) postOnly(ctx context.Context, o *order) error {
	began := w.cfg.Now()
	got, err := w.post(ctx, o, 0)
	if err == nil {
		w.tell(o, got, began)
	}
	return err
}

// postAndLook tells what the first call came to, decided or not.
func (w *world) postAndLook(ctx context.Context, o *order) error {
	began := w.cfg.Now()
	if _, err := w.post(ctx, o, 0); err != nil {
		return err
	}
	got, err := w.awaitState(ctx, o, "answered", func(state string) bool { return state != "charging" })
	if err == nil {
		w.tell(o, got, began)
	}
	return err
}

func (w *world) postBatch(ctx context.Context, orders []*order) error {
	began := w.cfg.Now()
	list := make([]client.NewOrder, len(orders))
	for i, o := range orders {
		list[i] = w.newOrder(o.story)
	}
	items, err := w.api.PostBatch(ctx, list)
	if err != nil {
		return err
	}
	if len(items) != len(orders) {
		return fmt.Errorf("%d answers to %d orders", len(items), len(orders))
	}
	for i, item := range items {
		if item.Order == nil {
			return fmt.Errorf("order %s: %w", orders[i].name, item.Problem)
		}
		orders[i].id = item.Order.ID
	}
	w.screen.say("  %d orders taken in %d ms", len(orders), w.cfg.Now().Sub(began).Milliseconds())
	return nil
}

// postTwice posts an order twice at the same moment, and then once more with
// another amount.
func (w *world) postTwice(ctx context.Context, o *order) error {
	began := w.cfg.Now()
	var answers [2]client.Order
	var created [2]bool
	var errs [2]error
	n := w.newOrder(o.story)
	var both sync.WaitGroup
	for i := range answers {
		both.Go(func() { answers[i], created[i], errs[i] = w.api.Post(ctx, n, patience) })
	}
	both.Wait()
	if err := errors.Join(errs[0], errs[1]); err != nil {
		return err
	}
	o.id = answers[0].ID
	a, b := answers[0], answers[1]
	if created[0] == created[1] {
		o.wrong = append(o.wrong, "not exactly one of the two posts created it")
	}
	if a.ID != b.ID || len(a.Charges) != 1 || len(b.Charges) != 1 || a.Charges[0].ID != b.Charges[0].ID {
		o.wrong = append(o.wrong, "the two posts were answered with different orders")
	}
	w.tell(o, a, began)
	w.tell(o, b, began)
	n.Parts[0].Amount.Minor++
	_, _, err := w.api.Post(ctx, n, 0)
	if p, ok := errors.AsType[*client.ProblemError](err); !ok || p.Status != http.StatusConflict {
		o.wrong = append(o.wrong, "posted with another amount, it was not refused as a conflict")
		return nil
	}
	w.screen.say("  %-18s with another amount: refused as a conflict", o.name)
	return nil
}

func (w *world) cancelCharged(ctx context.Context, o *order) error {
	if err := w.postAndWait(ctx, o); err != nil {
		return err
	}
	// Released, so that letting go takes an update of its own.
	if _, err := w.awaitState(ctx, o, "released", func(state string) bool { return state == "released" }); err != nil {
		return err
	}
	return w.cancel(ctx, o)
}

func (w *world) cancelInDoubt(ctx context.Context, o *order) error {
	if err := w.postAndLook(ctx, o); err != nil {
		return err
	}
	return w.cancel(ctx, o)
}

func (w *world) cancel(ctx context.Context, o *order) error {
	began := w.cfg.Now()
	got, err := w.api.Cancel(ctx, o.id, "the customer changed their mind")
	if err != nil {
		return err
	}
	w.tell(o, got, began)
	for _, c := range got.Charges {
		if c.Produce != "no" {
			o.wrong = append(o.wrong, fmt.Sprintf("once cancelled, produce was %q", c.Produce))
		}
	}
	return nil
}

// awaitState waits until the order's charge is where it should be, and gives
// the order as it is then.
func (w *world) awaitState(ctx context.Context, o *order, name string, good func(state string) bool) (client.Order, error) {
	var got client.Order
	err := w.await(ctx, patience, func() (bool, string, error) {
		var err error
		if got, err = w.api.Order(ctx, o.id); err != nil {
			return false, "", err
		}
		if len(got.Charges) != 1 {
			return false, fmt.Sprintf("%s has %d charges", o.name, len(got.Charges)), nil
		}
		state := got.Charges[0].State
		return good(state), fmt.Sprintf("%s is %s, not %s yet", o.name, state, name), nil
	})
	return got, err
}

// killPlugin posts orders that the gateway takes its time over, and kills the
// plugin's process while they are in flight.
func (w *world) killPlugin(ctx context.Context, orders []*order) error {
	if err := w.each(w.postOnly)(ctx, orders); err != nil {
		return err
	}
	// In flight means here: the gateway has read them all.
	err := w.await(ctx, patience, func() (bool, string, error) {
		n, err := w.simulator.met(ctx, orders)
		return n >= len(orders), fmt.Sprintf("%d of %d calls have reached the gateway", n, len(orders)), err
	})
	if err != nil {
		return err
	}
	pid, err := w.pluginPID(ctx)
	if err != nil {
		return err
	}
	victim, err := os.FindProcess(pid)
	if err == nil {
		err = victim.Kill()
	}
	if err != nil {
		return fmt.Errorf("kill the plugin's process %d: %w", pid, err)
	}
	w.screen.say("  plugin (process %d) killed with %d charges in flight", pid, len(orders))
	err = w.await(ctx, startLimit, func() (bool, string, error) {
		next, err := w.pluginPID(ctx)
		return err == nil && next != pid, "the plugin has not been started again yet", nil
	})
	if err == nil {
		w.screen.say("  a new one has been started")
	}
	return err
}

// pluginPID is the process that the host runs for the plugin now.
func (w *world) pluginPID(ctx context.Context) (int, error) {
	plugins, err := w.api.Plugins(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range plugins {
		if p.Name == plugin && p.PID != 0 {
			return p.PID, nil
		}
	}
	return 0, fmt.Errorf("the host runs no process for the plugin %s", plugin)
}

// downFor is how long the gateway is down: some attempts miss it, and what is
// paused because of that is tried again.
const downFor = 2 * time.Second

func (w *world) gatewayDown(ctx context.Context, orders []*order) error {
	if err := w.simulator.down(ctx, true); err != nil {
		return err
	}
	w.screen.say("  the gateway refuses connections")
	if err := w.each(w.postAndLook)(ctx, orders); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(downFor):
	}
	if err := w.simulator.down(ctx, false); err != nil {
		return err
	}
	w.screen.say("  the gateway is back after %s", downFor)
	return nil
}

// tell prints what the host answered.
func (w *world) tell(o *order, got client.Order, began time.Time) {
	for _, c := range got.Charges {
		w.screen.say("  %-18s %10s  produce: %-4s %s", o.name, currency.Format(c.Amount), c.Produce,
			w.screen.paint(dim, fmt.Sprintf("%s, %d ms", c.Reason, w.cfg.Now().Sub(began).Milliseconds())))
	}
}

package crash

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/verdict"
)

// drive posts every order, side by side, until each is accepted.
func (r *run) drive(ctx context.Context) ([]verdict.Posted, error) {
	all := stories()
	posted := make([]verdict.Posted, len(all))
	errs := make([]error, len(all)+1)
	var side sync.WaitGroup
	var batch []int
	for i, s := range all {
		if s.batch {
			batch = append(batch, i)
			continue
		}
		side.Go(func() { posted[i], errs[i] = r.tell(ctx, s) })
	}
	side.Go(func() { errs[len(all)] = r.tellBatch(ctx, all, batch, posted) })
	side.Wait()
	return posted, errors.Join(errs...)
}

// tell posts one order, and goes on as its story says.
func (r *run) tell(ctx context.Context, s story) (verdict.Posted, error) {
	order, err := r.post(ctx, s)
	if err == nil && s.move {
		err = r.move(ctx, s)
	}
	if err != nil || s.cancel == "" {
		return s.posted(order), err
	}
	if s.cancel != accepted {
		err = r.reaches(ctx, s, s.cancel)
	}
	if err == nil {
		err = r.try(ctx, "cancel "+s.name, func(ctx context.Context, api *client.Client) error {
			_, err := api.Cancel(ctx, order.ID, "a story")
			return err
		})
	}
	p := s.posted(order)
	p.Cancelled = err == nil
	return p, err
}

// reaches waits until an order's charge is in that state. It may have passed it
// before anybody saw it.
func (r *run) reaches(ctx context.Context, s story, state string) error {
	return r.await(ctx, func(c client.Charge) bool {
		return c.OrderReference != s.name || c.State == state || !slices.Contains(opening, c.State)
	})
}

// move takes the fulfiller to another site once its charge is in doubt, and back
// once it is not any more: no new attempt is made over there.
func (r *run) move(ctx context.Context, s story) error {
	if err := r.reaches(ctx, s, "unknown"); err != nil {
		return err
	}
	if err := r.moveTo(ctx, s, siteNew, 1); err != nil {
		return err
	}
	err := r.await(ctx, func(c client.Charge) bool { return c.OrderReference != s.name || c.State != "unknown" })
	if err != nil {
		return err
	}
	return r.moveTo(ctx, s, siteOld, 2)
}

func (r *run) moveTo(ctx context.Context, s story, site string, version int64) error {
	user := r.simulator.User()
	err := r.try(ctx, "move "+s.name, func(ctx context.Context, api *client.Client) error {
		return saveFulfiller(ctx, api, "f-"+s.channel, version, map[string]string{"sitereference": site, "username": user.Name, "password": user.Password})
	})
	if p, ok := errors.AsType[*client.ProblemError](err); ok && p.Status == http.StatusConflict {
		return nil // it was saved, and the answer got lost
	}
	return err
}

// opening are the states that a charge begins with.
var opening = []string{"planned", "charging", "waiting", "unknown", "authorised", "releasing"}

func (s story) posted(o client.Order) verdict.Posted {
	return verdict.Posted{ID: o.ID, Reference: s.name, Parts: s.order(time.Time{}).Parts}
}

func (r *run) post(ctx context.Context, s story) (client.Order, error) {
	var order client.Order
	wait := time.Duration(0)
	if s.wait {
		wait = time.Second
	}
	err := r.try(ctx, "post "+s.name, func(ctx context.Context, api *client.Client) error {
		var err error
		order, _, err = api.Post(ctx, s.order(r.placed), wait)
		return err
	})
	return order, err
}

func (r *run) tellBatch(ctx context.Context, all []story, batch []int, posted []verdict.Posted) error {
	orders := make([]client.NewOrder, len(batch))
	for i, at := range batch {
		orders[i] = all[at].order(r.placed)
	}
	return r.try(ctx, "post the batch", func(ctx context.Context, api *client.Client) error {
		items, err := api.PostBatch(ctx, orders)
		if err != nil {
			return err
		}
		for i, item := range items {
			if item.Order == nil {
				return item.Problem
			}
			posted[batch[i]] = all[batch[i]].posted(*item.Order)
		}
		return nil
	})
}

// postAgain posts all of it once more, as a platform does that is not sure: it
// must be the same orders.
func (r *run) postAgain(ctx context.Context, posted []verdict.Posted) error {
	for i, s := range stories() {
		s.wait = false
		order, err := r.post(ctx, s)
		if err != nil {
			return err
		}
		if order.ID != posted[i].ID {
			return fmt.Errorf("order %s: posted again it is %s, and was %s", s.name, order.ID, posted[i].ID)
		}
	}
	return nil
}

// try asks a host until it answers. A refusal is an answer, and a fault.
func (r *run) try(ctx context.Context, what string, ask func(context.Context, *client.Client) error) error {
	for {
		err := errors.New("no host is there")
		if api := r.host(); api != nil {
			once, cancel := context.WithTimeout(ctx, r.at(patience))
			err = ask(once, api)
			cancel()
		}
		if p, ok := errors.AsType[*client.ProblemError](err); err == nil || ok && p.Status < 500 {
			return err
		}
		select {
		case <-time.After(30 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s: no answer within %s: %w", what, r.at(limit), err)
		}
	}
}

package crash

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
)

// settle waits until nothing is under way, and lets two nights pass.
func (r *run) settle(ctx context.Context) error {
	err := r.await(ctx, func(c client.Charge) bool { return c.State == "released" || ended(c) })
	if err != nil {
		return err
	}
	return r.nights(ctx)
}

// end is where a charge stands, and with which person.
func end(c client.Charge) string {
	if c.NeedsPerson != nil {
		return c.State + "/" + c.Case()
	}
	return c.State
}

// ended: it has come to the end of its story.
func ended(c client.Charge) bool { return slices.Contains(endsOf(c.OrderReference), end(c)) }

// finished: old references that are watched have come to their end, too.
func finished(c client.Charge) bool {
	return ended(c) && (c.NextCheckAt.IsZero() || c.NeedsPerson != nil)
}

// await waits until all charges are good.
func (r *run) await(ctx context.Context, good func(client.Charge) bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		open, err := r.open(ctx, good)
		if err != nil || len(open) == 0 {
			return err
		}
		if slices.ContainsFunc(open, func(c client.Charge) bool {
			return c.State == "unknown" && strings.HasPrefix(c.OrderReference, "at-once")
		}) {
			err = r.pulse(ctx)
		}
		select {
		case <-tick.C:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			var all []string
			for _, c := range open {
				all = append(all, fmt.Sprintf("%s is %s (%s), next %s", c.OrderReference, end(c), c.Text, c.NextCheckAt.Format(time.TimeOnly)))
			}
			return fmt.Errorf("stuck after %s: %s", r.at(limit), strings.Join(all, "; "))
		}
	}
}

// open lists the charges that are not good yet.
func (r *run) open(ctx context.Context, good func(client.Charge) bool) ([]client.Charge, error) {
	var list []client.Charge
	err := r.try(ctx, "list the charges", func(ctx context.Context, api *client.Client) error {
		var err error
		list, err = api.Charges(ctx)
		return err
	})
	return slices.DeleteFunc(list, good), err
}

// pulse posts one more order where the gateway settles by itself, at most one
// in a second: an absence there is believed only beside something younger.
func (r *run) pulse(ctx context.Context) error {
	if time.Since(r.pulsed) < r.at(time.Second) {
		return nil
	}
	r.pulsed = time.Now()
	s := story{name: fmt.Sprintf("%s%d", pulses, len(r.beats)), channel: "at-once", minor: 900 + int64(len(r.beats))}
	order, err := r.post(ctx, s)
	r.beats = append(r.beats, s.posted(order))
	return err
}

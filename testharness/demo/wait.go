package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// await asks again and again until it is done. What is not done yet is shown
// as progress, and told if the limit passes.
func (w *world) await(ctx context.Context, limit time.Duration, ask func() (done bool, missing string, err error)) error {
	end := w.cfg.Now().Add(limit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		done, missing, err := ask()
		if err != nil || done {
			return err
		}
		if w.cfg.Now().After(end) {
			return fmt.Errorf("after %s %s", limit, missing)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// How long the ends of the stories may take on a slow machine. An absence
// takes 11 s.
const (
	calmLimit   = 40 * time.Second
	settleLimit = 20 * time.Second
)

// calm waits until nothing is in doubt, and every charge that was authorised
// is released or let go.
func (w *world) calm(ctx context.Context) error {
	return w.awaitAll(ctx, calmLimit, "nothing is in doubt any more, and all is released or let go", func(state string, person bool) bool {
		switch state {
		case "released", "settled", "declined", "rejected", "cancelled", "held":
			return true
		}
		return state == "waiting" && person
	})
}

// settle winds the gateway's clock on by two days, so that two nights pass:
// in the first what was released is handed to the bank, in the second it
// settles. Then it waits until the host has seen it.
func (w *world) settle(ctx context.Context) error {
	if err := w.simulator.tick(ctx, 48*time.Hour); err != nil {
		return err
	}
	return w.awaitAll(ctx, settleLimit, "all that was released has settled", func(state string, _ bool) bool {
		return state != "released"
	})
}

// awaitAll waits until all charges are where they should be.
func (w *world) awaitAll(ctx context.Context, limit time.Duration, then string, good func(state string, person bool) bool) error {
	err := w.await(ctx, limit, func() (bool, string, error) {
		charges, err := w.api.Charges(ctx)
		if err != nil {
			return false, "", err
		}
		open := map[string]int{}
		left := 0
		for _, c := range charges {
			if !good(c.State, c.NeedsPerson != nil) {
				open[c.State]++
				left++
			}
		}
		missing := fmt.Sprintf("%d of %d to go: %s", left, len(charges), count(open))
		if left > 0 {
			w.screen.progress("%s", missing)
		}
		return left == 0, missing, nil
	})
	if err == nil {
		w.screen.say("  %s", then)
	}
	return err
}

// count lists counts by name: "2 charging, 1 unknown".
func count(of map[string]int) string {
	var parts []string
	for name, n := range of {
		parts = append(parts, fmt.Sprintf("%d %s", n, name))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

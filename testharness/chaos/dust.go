package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// underWay are the states of a charge that has not come to rest, unless a
// person sees to it.
var underWay = []string{"planned", "waiting", "charging", "unknown", "pending", "held", "authorised", "releasing", "cancelling"}

// dust waits until nothing is under way any more: everything works again, what
// waits for a person gets one, and two nights pass at the gateway. What has not
// come to its end within the limit is left to the verdict.
func (w *world) dust(ctx context.Context, s *screen) {
	w.calm(ctx)
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Settle)
	defer cancel()
	if !w.tail(ctx) {
		w.diary.fault("the last orders were not accepted within %s", w.cfg.Settle)
	}
	// Doubt that is old is a person's, but what came into it last gets its time.
	patience := time.Now().Add(doubtLimit(w.plan.Size))
	for round := range 3 {
		w.rest(ctx, s, "nothing is under way any more", func(api *client.Client) (string, error) {
			return stillOpen(ctx, api, time.Now().Before(patience))
		})
		if ctx.Err() != nil || !w.person(ctx, s) || round == 2 {
			break
		}
	}
	w.rest(ctx, s, "nothing is paused any more", func(api *client.Client) (string, error) {
		pauses, err := api.Pauses(ctx)
		if err != nil || len(pauses) == 0 {
			return "", err
		}
		return fmt.Sprintf("paused: %s (%s)", pauses[0].Scope, pauses[0].Text), nil
	})
	w.rest(ctx, s, "two nights pass at the gateway", func(*client.Client) (string, error) {
		return "", w.simulator.Load().Post(ctx, "/tick", gateway.TickRequest{Duration: gateway.Duration(48 * time.Hour)}, nil)
	})
	w.rest(ctx, s, "all that was released has settled", func(api *client.Client) (string, error) {
		n, err := countIn(ctx, api, "released", false)
		if err != nil || n == 0 {
			return "", err
		}
		return fmt.Sprintf("%d released", n), nil
	})
	w.rest(ctx, s, "no plugin has outlived its host", func(*client.Client) (string, error) { return w.orphans(), nil })
}

// calm ends all that goes wrong.
func (w *world) calm(ctx context.Context) {
	for _, l := range w.links {
		l.set("")
	}
	w.script.clear(ctx)
}

// tail posts one more order in each shop, and reports whether all were
// accepted. A doubt on a link that settles at once ends only when the site
// shows something younger than it.
func (w *world) tail(ctx context.Context) bool {
	if !wait(ctx, sendWindow(w.plan.Size)) {
		return false
	}
	for i := range w.shops {
		o := Order{Number: w.plan.Size.Orders + i + 1, Shop: i, Minor: firstAmount + int64(w.plan.Size.Orders+i)}
		a := w.postOne(ctx, o, w.order(o), false)
		if a.id == "" {
			return false
		}
		w.diary.accept(a)
	}
	return true
}

// rest asks until nothing is missing. What is still missing when the time is
// over is a fault.
func (w *world) rest(ctx context.Context, s *screen, name string, missing func(*client.Client) (string, error)) {
	last := "it was never asked"
	for {
		api, err := w.hosts[0].direct()
		if err == nil {
			last, err = missing(api)
			api.Close()
		}
		switch {
		case err != nil && ctx.Err() == nil:
			last = err.Error()
		case err == nil && last == "":
			s.say("  %s", name)
			return
		}
		s.progress(last)
		if !wait(ctx, 250*time.Millisecond) {
			w.diary.fault("not within %s: %s: %s", w.cfg.Settle, name, last)
			return
		}
	}
}

// stillOpen tells what is under way.
func stillOpen(ctx context.Context, api *client.Client, doubtToo bool) (string, error) {
	var parts []string
	for _, state := range underWay {
		n, err := countIn(ctx, api, state, doubtToo)
		if err != nil {
			return "", err
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", "), nil
}

// countIn counts the charges in a state that no person sees to, or those as
// well whose doubt is only old.
func countIn(ctx context.Context, api *client.Client, state string, doubtToo bool) (int, error) {
	charges, err := api.ChargesIn(ctx, state)
	n := 0
	for _, c := range charges {
		if c.NeedsPerson == nil || doubtToo && c.Case() == doubtTooLong {
			n++
		}
	}
	return n, err
}

// person does what the product leaves to a person, and reports whether there
// was anything: what may be tried again is, what is held is cancelled. Doubt
// that the gateway never ends stays with the person.
func (w *world) person(ctx context.Context, s *screen) bool {
	api, err := w.hosts[0].direct()
	if err != nil {
		return false
	}
	defer api.Close()
	acted := map[string]int{}
	for _, state := range underWay {
		charges, err := api.ChargesIn(ctx, state)
		if err != nil {
			continue
		}
		for _, c := range charges {
			switch c.Case() {
			case "absent", "order_refused", "gateway_cancel", "setup":
				err = api.Retry(ctx, c.ID, c.Attempts, "looked into")
			case "held", "held_by_someone", "too_many_attempts":
				_, err = api.Cancel(ctx, c.OrderID, "looked into")
			default:
				continue
			}
			if err != nil {
				w.diary.trouble("a person's decision about "+c.Case(), err)
				continue
			}
			acted[c.Case()]++
		}
	}
	var parts []string
	for name, n := range acted {
		parts = append(parts, fmt.Sprintf("%d %s", n, name))
	}
	slices.Sort(parts)
	if len(parts) > 0 {
		s.say("  a person has decided: %s", strings.Join(parts, ", "))
	}
	return len(parts) > 0
}

// orphans tells of plugins of this run that belong to none of its hosts.
func (w *world) orphans() string {
	own := map[int]bool{}
	for _, h := range w.hosts {
		if p := h.now(); p != nil {
			for _, pid := range children(p.PID()) {
				own[pid] = true
			}
		}
	}
	var list []string
	for _, pid := range withEnvironment("TRUSTPAYMENTS_CA_FILE=" + w.simulator.Load().Info.CAFile) {
		if !own[pid] {
			list = append(list, fmt.Sprintf("process %d", pid))
		}
	}
	return strings.Join(list, ", ")
}

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/verdict"
)

// PutBack is what came of the database having been put back to what it once
// was. Times count from the beginning of the run.
type PutBack struct {
	Copied  time.Duration `json:"copied"`  // what it was then
	Back    time.Duration `json:"back"`    // it is again
	Noticed time.Duration `json:"noticed"` // the last host said so, by itself
	Lifted  time.Duration `json:"lifted"`  // the gateway was swept
	// Forgotten are the orders that the books knew nothing of any more. Waited
	// are those of them that were posted again before the sweep.
	Forgotten int `json:"forgotten"`
	Waited    int `json:"waited"`
	// Adopted and Kept are transactions that the sweep found the books to have
	// forgotten: of charges that they have, and of those that they have not.
	Adopted int `json:"adopted"`
	Kept    int `json:"kept"`
}

// putBack puts the database back while the hosts run, which have to notice by
// themselves, has the platform post orders again, sweeps the gateway as an
// operator does, and has the platform post everything again. The gateway is not
// put back. It does nothing where no copy was taken.
func (w *world) putBack(ctx context.Context, s *screen) error {
	if w.backup == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Settle)
	defer cancel()
	w.calm(ctx)
	first := make([]string, len(w.diary.accepted)) // their ids
	var all, some []*accepted
	for i := range w.diary.accepted {
		a := &w.diary.accepted[i]
		first[i], all = a.id, append(all, a)
		if i%2 == 0 {
			some = append(some, a)
		}
	}
	p := &PutBack{Copied: w.backup.began.Sub(w.diary.began), Back: w.diary.since()}
	if err := w.putFilesBack(); err != nil {
		return err
	}
	s.say("The database is put back to what it was %s before.", (p.Back - p.Copied).Round(time.Second))
	if err := w.noticed(ctx, some, p); err != nil {
		return err
	}
	s.say("  noticed by all hosts; %d orders that were forgotten are posted again and wait", p.Waited)
	if err := w.asleep(ctx, w.hosts, func(ctx context.Context) error { return w.sweep(ctx, p) }); err != nil {
		return err
	}
	s.say("  swept: the gateway has %d transactions that charges in the books forgot, and %d of charges that are forgotten", p.Adopted, p.Kept)
	for _, h := range w.hosts {
		if err := until(ctx, h.name+" is ready again", func() error { return h.answers(ctx) }); err != nil {
			return err
		}
	}
	w.again(ctx, all)
	for i, a := range all {
		if a.id != first[i] {
			p.Forgotten++
			if w.diary.began.Add(a.at).Before(w.backup.began) {
				w.diary.fault("order-%d: it was accepted before the copy was taken, but the copy does not have it", a.order.Number)
			}
		}
		if a.cancelled && !w.cancel(ctx, a.id) {
			w.diary.fault("order-%d: its cancellation was accepted, but not again", a.order.Number)
		}
	}
	s.say("  the platform has posted everything again; %d orders were forgotten", p.Forgotten)
	w.diary.restored(p)
	return ctx.Err()
}

// noticed has orders posted again, and waits until each host says that the
// database was put back, and all orders that were forgotten wait for that.
func (w *world) noticed(ctx context.Context, some []*accepted, p *PutBack) error {
	before := make([]string, len(some))
	for i, a := range some {
		before[i] = a.id
	}
	var posting sync.WaitGroup
	posting.Go(func() { w.again(ctx, some) })
	defer posting.Wait()
	for _, h := range w.hosts {
		err := until(ctx, h.name+" notices that the database was put back", func() error {
			err := h.answers(ctx)
			if err == nil {
				return fmt.Errorf("%s is ready", h.name)
			}
			if !strings.Contains(err.Error(), "put back") {
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	p.Noticed = w.diary.since()
	posting.Wait()
	api, err := w.hosts[0].direct()
	if err != nil {
		return err
	}
	defer api.Close()
	return until(ctx, "orders that were forgotten wait for the sweep", func() error {
		charges, err := api.ChargesIn(ctx, "waiting")
		if err != nil {
			return err
		}
		waits := map[string]bool{}
		for _, c := range charges {
			waits[c.OrderID] = c.Reason == "restored"
		}
		p.Waited = 0
		for i, a := range some {
			switch {
			case a.id == before[i]:
			case !waits[a.id]:
				return fmt.Errorf("order-%d does not wait with the reason restored", a.order.Number)
			default:
				p.Waited++
			}
		}
		return nil
	})
}

// sweep runs the operator's command until it is done. No host runs meanwhile.
func (w *world) sweep(ctx context.Context, p *PutBack) error {
	since := w.backup.began.Add(-time.Second).UTC().Format(time.RFC3339)
	var said string
	// A host that had to be killed counts as alive for a while.
	err := until(ctx, "chargehand restored has swept the gateway", func() (err error) {
		said, err = w.hosts[0].stand.Command(ctx, "restored", "--json", "--since", since)
		return err
	})
	if err != nil {
		return err
	}
	var report struct {
		Lifted bool
		Sites  []struct{ Adopted, Kept int }
	}
	if err := json.Unmarshal([]byte(said), &report); err != nil {
		return fmt.Errorf("read what chargehand restored said: %w", err)
	}
	if !report.Lifted {
		return fmt.Errorf("chargehand restored did not let charging go on: %s", said)
	}
	for _, site := range report.Sites {
		p.Adopted += site.Adopted
		p.Kept += site.Kept
	}
	p.Lifted = w.diary.since()
	// What hosts had asked for may reach the gateway after they were stopped. But
	// none has written anything down since that could have been sent.
	w.forgotten = verdict.Span{From: w.backup.began, Until: time.Now()}
	return nil
}

// againAtOnce is how many orders are posted again at the same time.
const againAtOnce = 16

// again posts orders as they were posted, and takes in their ids.
func (w *world) again(ctx context.Context, orders []*accepted) {
	var all sync.WaitGroup
	for first := range againAtOnce {
		all.Go(func() {
			for i := first; i < len(orders) && ctx.Err() == nil; i += againAtOnce {
				if a := w.postOne(ctx, orders[i].order, w.order(orders[i].order), false); a.id != "" {
					orders[i].id = a.id
				}
			}
		})
	}
	all.Wait()
}

// until asks again and again, until there is no error or ctx ends.
func until(ctx context.Context, what string, ask func() error) error {
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if !wait(ctx, 250*time.Millisecond) {
			return fmt.Errorf("not in time: %s: %w", what, err)
		}
	}
}

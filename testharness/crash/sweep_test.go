package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/verdict"
)

// The actions of runs in which the database is put back: the command that sweeps
// the gateway is killed at its step, or the host that notices.
const (
	sweepKilled = "kill-sweep"
	hostKilled  = "kill-host"
)

// sweeper is the host of such a run, with its state file.
const sweeper = "host"

// forgotten are orders that come in after the copy of the database was made.
func forgotten() []story {
	var all []story
	for i := range 3 {
		all = append(all, story{name: fmt.Sprintf("lost-%d", i), channel: "recorded", minor: 3100 + int64(i)})
	}
	return append(all, story{name: "lost-at-once", channel: "at-once", minor: 3200})
}

// playSweep charges an order, copies the database, charges others, and puts the
// copy back. Whoever is to end at the step does; the gateway is swept again, and
// everything posted again.
func (r *run) playSweep(ctx context.Context) error {
	if err := r.gate(ctx); err != nil {
		return err
	}
	if err := r.start(ctx, sweeper, nil); err != nil {
		return err
	}
	all := []story{{name: "before", channel: "recorded", minor: 3000}}
	before, err := r.postAll(ctx, all)
	if err != nil {
		return err
	}
	r.stopLast()
	r.forgotten.From = time.Now().UTC()
	since := r.forgotten.From.Format(time.RFC3339)
	file := filepath.Join(r.dir, databaseFile)
	content, err := os.ReadFile(file) // of a host that has ended, so it is complete
	if err != nil {
		return err
	}
	if err := r.start(ctx, sweeper, nil); err != nil {
		return err
	}
	all = append(all, forgotten()...)
	if _, err := r.postAll(ctx, all); err != nil {
		return err
	}
	// What the copy knows as released is settled at the gateway.
	if err := r.nights(ctx); err != nil {
		return err
	}
	r.stopLast()
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Remove(file + beside); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return err
	}
	r.forgotten.Until = time.Now().UTC()
	if err := r.endSweep(ctx, since); err != nil {
		return err
	}
	if err := r.sweep(ctx, since); err != nil {
		return err
	}
	if err := r.start(ctx, sweeper, nil); err != nil {
		return err
	}
	posted, err := r.postAll(ctx, all)
	if err != nil {
		return err
	}
	if posted[0].ID != before[0].ID {
		return fmt.Errorf("order before is %s, and was %s when the copy was made", posted[0].ID, before[0].ID)
	}
	if err := r.nights(ctx); err != nil {
		return err
	}
	return r.judge(ctx, posted)
}

// endSweep ends who is to end at the run's step, if that is come to.
func (r *run) endSweep(ctx context.Context, since string) error {
	h, err := r.prepare(ctx, sweeper, r.ending("kill"))
	if err != nil {
		return err
	}
	if r.plan.action == sweepKilled {
		_, err := h.Command(ctx, "restored", "--since", since)
		if !r.atStep() {
			return errors.Join(errors.New("the sweep did not come to its step"), err)
		}
	} else {
		p, err := h.Launch()
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.hosts = append(r.hosts, p)
		r.mu.Unlock()
		select {
		case <-p.Done():
		case <-ctx.Done():
		}
		if !r.atStep() {
			return errors.New("the host did not come to its step")
		}
	}
	r.ended.Store(2)
	return nil
}

// sweep runs the operator's command until it is done: a host that was killed
// counts as alive for a while.
func (r *run) sweep(ctx context.Context, since string) error {
	h, err := r.prepare(ctx, sweeper, nil)
	if err != nil {
		return err
	}
	for {
		_, err := h.Command(ctx, "restored", "--since", since)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// postAll posts orders and waits until all of them are released, or further.
func (r *run) postAll(ctx context.Context, all []story) ([]verdict.Posted, error) {
	posted := make([]verdict.Posted, len(all))
	for i, s := range all {
		order, err := r.post(ctx, s)
		if err != nil {
			return nil, err
		}
		posted[i] = s.posted(order)
	}
	return posted, r.await(ctx, func(c client.Charge) bool { return c.State == "released" || ended(c) })
}

// nights lets two nights pass, and waits until all is finished.
func (r *run) nights(ctx context.Context) error {
	tick := gateway.TickRequest{Duration: gateway.Duration(48 * time.Hour)}
	if err := r.simulator.Post(ctx, "/tick", tick, nil); err != nil {
		return err
	}
	return r.await(ctx, finished)
}

// stopLast stops the host that was started last, in order.
func (r *run) stopLast() {
	r.mu.Lock()
	last := r.hosts[len(r.hosts)-1]
	r.hosts = slices.Delete(r.hosts, len(r.hosts)-1, len(r.hosts))
	r.api = nil
	r.mu.Unlock()
	last.Stop()
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// slow is a gateway that takes a second for everything.
	slow = time.Second
	// stuck is one that takes so long that all orders wait at the same moment,
	// whatever the rate at which they come in; within the time that a call may
	// take.
	stuck = 20 * time.Second
	// waitingLimit is how long all may take to be decided.
	waitingLimit = 3 * time.Minute
)

// waiting measures the memory of host and plugin while many orders wait.
func (b *bench) waiting(ctx context.Context) (err error) {
	e, n := b.store(), pick(b.cfg.Quick, 2000, 10_000)
	b.say("\n%s", b.title(fmt.Sprintf("%d orders waiting for the gateway, on %s", n, e.name())))
	r, err := b.openRig(ctx, e, limits{plugin: n, site: n}, 1)
	defer func() { err = errors.Join(r.failed(err), r.close()) }()
	if err != nil {
		return err
	}
	idleHost, idlePlugin := peakMemory(r.host.Process.PID()), peakMemory(r.plugin)
	b.say("  %-34s %9s %11s %11s %11s", "", "at once", "host, MB", "plugin, MB", "decided in")
	b.say("  %-34s %9d %11.0f %11.0f", "nothing to do", 0, megabytes(idleHost), megabytes(idlePlugin))
	for _, latency := range []time.Duration{slow, stuck} {
		atOnce, took, err := r.waitFor(ctx, n, latency)
		if err != nil {
			return err
		}
		host, inPlugin := peakMemory(r.host.Process.PID()), peakMemory(r.plugin)
		b.summary.Waiting10000 = round(megabytes(host+inPlugin), 0)
		b.say("  %-34s %9d %11.0f %11.0f %10.1fs", fmt.Sprintf("the gateway takes %s", latency), atOnce, megabytes(host), megabytes(inPlugin), took.Seconds())
	}
	b.say("  Memory is the most that the process has held since it started. All %d orders were authorised and released.", 2*n)
	return nil
}

func megabytes(bytes uint64) float64 { return float64(bytes) / 1e6 }

// waitFor posts n orders to a gateway of that latency and waits until all are
// released. It gives the most calls that were in flight at once, and the time
// until all were decided.
func (r *rig) waitFor(ctx context.Context, n int, latency time.Duration) (atOnce int, took time.Duration, err error) {
	if err := r.setLatency(ctx, latency); err != nil {
		return 0, 0, err
	}
	before, err := r.simulator.Stats(ctx)
	if err != nil {
		return 0, 0, err
	}
	began := r.b.cfg.Now()
	posted := make(chan error, 1)
	first := r.b.number(n)
	go func() { posted <- r.postBatches(ctx, r.shops[0], first, n, 4) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for quick := false; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case err := <-posted:
			if err != nil {
				return 0, 0, err
			}
			posted = nil
		}
		m, err := readMetrics(ctx, r.host.API)
		if err != nil {
			return 0, 0, err
		}
		now, err := r.simulator.Stats(ctx)
		if err != nil {
			return 0, 0, err
		}
		atOnce = max(atOnce, int(m.gauge(metricInFlight)))
		done := int(now.Requests["AUTH"] - before.Requests["AUTH"])
		switch {
		case done >= n && m.gauge(metricInFlight) == 0:
			took = r.b.cfg.Now().Sub(began)
			// What follows is batched, and is not what is measured here.
			if err := r.setLatency(ctx, 0); err != nil {
				return 0, 0, err
			}
			_, err := r.settleDown(ctx, settleLimit)
			return atOnce, took, err
		case done > 0 && !quick && latency == stuck:
			// The first are back, so no more will wait at once: looks and releases
			// need not take as long as the charges did.
			quick = true
			if err := r.setLatency(ctx, 0); err != nil {
				return 0, 0, err
			}
		case r.b.cfg.Now().Sub(began) > waitingLimit:
			return 0, 0, fmt.Errorf("%d of %d charges were answered after %s", done, n, waitingLimit)
		}
	}
}

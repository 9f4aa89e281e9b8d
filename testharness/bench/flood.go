package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/stand"
)

// The limits of a host that nobody has configured, and a gateway that takes
// about what a near one takes.
var defaultLimits = limits{plugin: 32, site: 24}

const (
	floodLatency = 20 * time.Millisecond
	// between two orders of the small company
	smallPause = 3 * time.Millisecond
	batchSize  = 500
)

// flood measures what one company's flood does to another's orders.
func (b *bench) flood(ctx context.Context) (err error) {
	e := b.store()
	flood, small := pick(b.cfg.Quick, 5000, 100_000), pick(b.cfg.Quick, 200, 2000)
	b.say("\n%s", b.title(fmt.Sprintf("A small company beside a flood of %d orders, on %s", flood, e.name())))
	r, err := b.openRig(ctx, e, defaultLimits, 2)
	defer func() { err = errors.Join(r.failed(err), r.close()) }()
	if err != nil {
		return err
	}
	if err := r.setLatency(ctx, floodLatency); err != nil {
		return err
	}
	big, own := r.shops[0], r.shops[1]
	always := func() (bool, error) { return true, nil }
	if _, err := r.trickle(ctx, own, small/10, always); err != nil { // warm-up
		return err
	}
	alone, err := r.trickle(ctx, own, small, always)
	if err != nil {
		return err
	}
	b.progress("alone: p99 %.1f ms", milliseconds(quantile(alone, 0.99)))

	before, err := r.simulator.Stats(ctx)
	if err != nil {
		return err
	}
	posting, stop := context.WithCancel(ctx)
	var poster sync.WaitGroup
	var refused error
	first := b.number(flood)
	poster.Go(func() { refused = r.postBatches(posting, big, first, flood, 2) })
	defer func() {
		stop() // what of the flood is not posted yet is not needed any more
		poster.Wait()
		if err == nil && !errors.Is(refused, context.Canceled) {
			err = refused
		}
	}()
	answered := func() (int, error) {
		now, err := r.simulator.Stats(ctx)
		return int(now.Requests["AUTH"] - before.Requests["AUTH"]), err
	}
	// Samples count while there is a flood to be beside of.
	beside, err := r.trickle(ctx, own, small, func() (bool, error) {
		n, err := answered()
		return n < flood*9/10, err
	})
	if err != nil {
		return err
	}
	served, err := answered()
	if err != nil {
		return err
	}
	p, q := quantile(alone, 0.99), quantile(beside, 0.99)
	b.summary.FloodRatio = round(float64(q)/float64(p), 2)
	b.say("  The gateway takes %s; at most %d calls in flight, %d for each site.", floodLatency, defaultLimits.plugin, defaultLimits.site)
	b.say("  %-34s %9s %22s", "small company's order, ms", "orders", "p50 / p99")
	b.say("  %-34s %9d %12.1f / %7.1f", "alone", len(alone), milliseconds(quantile(alone, 0.5)), milliseconds(p))
	b.say("  %-34s %9d %12.1f / %7.1f", "beside the flood", len(beside), milliseconds(quantile(beside, 0.5)), milliseconds(q))
	b.say("  Meanwhile the gateway has answered %d of the flood's charges.", served-len(beside))
	b.say("  p99 beside the flood is %.2f times that alone.", b.summary.FloodRatio)
	return nil
}

// setLatency sets how long the gateway takes for a call.
func (r *rig) setLatency(ctx context.Context, d time.Duration) error {
	return r.simulator.Post(ctx, "/switches", map[string]gateway.Duration{"latency": gateway.Duration(d)}, nil)
}

// trickle posts orders one after the other and gives the time each took to be
// decided, as long as on says so, and at most n.
func (r *rig) trickle(ctx context.Context, s stand.Shop, n int, on func() (bool, error)) ([]time.Duration, error) {
	var times []time.Duration
	pause := time.NewTicker(smallPause)
	defer pause.Stop()
	for i := range n {
		if i%20 == 0 {
			if more, err := on(); err != nil || !more {
				return times, err
			}
		}
		o := r.order(s, r.b.number(1))
		began := r.b.cfg.Now()
		if err := r.post(ctx, o); err != nil {
			return times, err
		}
		times = append(times, r.b.cfg.Now().Sub(began))
		pause.Reset(smallPause)
		<-pause.C
	}
	return times, nil
}

// postBatches posts n orders from a number on by batches, so many of them at a
// time.
func (r *rig) postBatches(ctx context.Context, s stand.Shop, first, n, posters int) error {
	_, err := drive(r.b.cfg.Now, (n+batchSize-1)/batchSize, posters, func(i int) (time.Duration, error) {
		orders := make([]client.NewOrder, min(batchSize, n-i*batchSize))
		for j := range orders {
			orders[j] = r.order(s, first+i*batchSize+j)
		}
		items, err := r.host.API.PostBatch(ctx, orders)
		if err != nil {
			return 0, err
		}
		for _, item := range items {
			if item.Problem != nil {
				return 0, fmt.Errorf("an order of a batch was refused: %w", item.Problem)
			}
		}
		return 0, nil
	})
	return err
}

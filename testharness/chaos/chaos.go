package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/verdict"
)

// Config is what a run needs.
type Config struct {
	// Bin is the folder with chargehand, testharness and plugins.
	Bin  string
	Seed uint64
	Size Size
	// Settle is how long everything may take to come to its end once nothing
	// goes wrong any more. What has not by then is stuck.
	Settle time.Duration
	// Keep leaves logs and databases where they are, and tells where.
	Keep bool
	// People gets what people read; Terminal: it is one, and a line can be
	// written over.
	People   io.Writer
	Terminal bool
}

// Run does what the plan says and judges what came of it. An error means that
// the run itself could not be done; whether all is well is in the Report.
func Run(ctx context.Context, cfg Config) (report *Report, err error) {
	plan := NewPlan(cfg.Seed, cfg.Size)
	s := &screen{w: cfg.People, terminal: cfg.Terminal}
	s.say("Seed %d: %d orders in %s; %s.", plan.Seed, plan.Size.Orders, plan.Size.Duration, plan.Sum())
	w, err := open(ctx, cfg, plan)
	defer func() {
		bad := cfg.Keep || err != nil || !report.Good
		err = errors.Join(err, w.close(bad))
		if bad && w.dir != "" {
			s.say("The logs of all processes are kept in %s", w.dir)
		}
	}()
	if err != nil {
		return nil, err
	}
	w.diary.start()
	s.say("%d shops, %d hosts, everything runs. Chaos begins.", len(w.shops), len(w.hosts))
	w.rage(ctx, s)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("interrupted: %w", ctx.Err())
	}
	calm := w.diary.since()
	if err := w.putBack(ctx, s); err != nil {
		return nil, fmt.Errorf("put the database back: %w", err)
	}
	s.say("Chaos has ended after %s. Until the dust has settled:", calm.Round(time.Second))
	operating, stop := context.WithCancel(ctx)
	var operator sync.WaitGroup
	operator.Go(func() { w.operate(operating) })
	w.dust(ctx, s)
	stop()
	operator.Wait()
	report, err = w.judge(ctx, calm)
	return report, err
}

// rage lets orders and chaos loose, and returns when both are over.
func (w *world) rage(ctx context.Context, s *screen) {
	looking, stop := context.WithCancel(ctx)
	var beside, both sync.WaitGroup
	beside.Go(func() { w.script.follow(looking) })
	beside.Go(func() { w.operate(looking) })
	beside.Go(func() {
		for wait(looking, time.Second) {
			s.progress(w.diary.progress(w.plan.Size.Orders))
		}
	})
	both.Go(func() { w.posting(ctx) })
	both.Go(func() { w.acting(ctx) })
	both.Wait()
	w.script.look(ctx)
	stop()
	beside.Wait()
	s.over()
}

// judge reads everything and holds it against what was accepted.
func (w *world) judge(ctx context.Context, calm time.Duration) (*Report, error) {
	api, err := w.hosts[0].direct()
	if err != nil {
		return nil, err
	}
	defer api.Close()
	books, err := verdict.ReadBooks(ctx, api)
	if err != nil {
		return nil, fmt.Errorf("read the books: %w", err)
	}
	books.Forgotten = w.forgotten
	ledger, err := verdict.ReadLedger(ctx, w.simulator.Load())
	if err != nil {
		return nil, fmt.Errorf("read the gateway's ledger: %w", err)
	}
	wire, err := verdict.ReadWire(ctx, w.simulator.Load())
	if err != nil {
		return nil, fmt.Errorf("read what arrived at the gateway: %w", err)
	}
	var posted []verdict.Posted
	for _, a := range w.diary.accepted {
		o := w.order(a.order)
		posted = append(posted, verdict.Posted{ID: a.id, Reference: o.Reference, Parts: o.Parts, Cancelled: a.cancelled})
	}
	return w.report(verdict.Judge(posted, books, ledger, wire), books, calm), nil
}

package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Config is what a run needs. All of it is required.
type Config struct {
	// Bin is the folder with the binaries chargehand and testharness, and the
	// folder plugins.
	Bin string
	// JSON leaves nothing but the summary on Out; people read along on Err.
	JSON     bool
	Out, Err *os.File
	Now      func() time.Time
}

// ErrNotGood is what Run gives if all could be played, but some order did not
// come to its end or the ledgers differ. What exactly was printed.
var ErrNotGood = errors.New("the demo did not come out as it should")

// Run plays all stories and prints what came of them, the summary last. A nil
// error means that every order came to its end and both ledgers agree.
func Run(ctx context.Context, cfg Config) error {
	people := cfg.Out
	if cfg.JSON {
		people = cfg.Err
	}
	s := newScreen(people)
	began := cfg.Now()
	w, err := open(ctx, cfg, s)
	var e *ending
	if err == nil {
		e, err = w.demo(ctx)
	}
	if e != nil {
		e.print(s)
		if !e.good() {
			err = errors.Join(err, ErrNotGood)
		}
	}
	err = errors.Join(err, w.close(err != nil && ctx.Err() == nil))
	if err == nil {
		s.say("\nDone in %.0f s.", cfg.Now().Sub(began).Seconds())
	}
	if e != nil {
		if _, werr := fmt.Fprintln(cfg.Out, e.summary); werr != nil {
			err = errors.Join(err, fmt.Errorf("print the summary: %w", werr))
		}
	}
	return err
}

// demo sets up, plays, waits, settles and judges.
func (w *world) demo(ctx context.Context) (*ending, error) {
	s := w.screen
	w.introduce()
	s.head("A fulfiller and its sales channels")
	if err := w.setUp(ctx); err != nil {
		return nil, err
	}
	var orders []*order
	for _, story := range stories() {
		orders = append(orders, &order{story: story})
	}
	err := w.play(ctx, orders)
	if err == nil {
		s.head("Until nothing is in doubt")
		err = w.calm(ctx)
		// Whatever is stuck, the others can come to their ends.
		s.head("Two nights pass at the gateway")
		err = errors.Join(err, w.settle(ctx))
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("interrupted: %w", ctx.Err())
	}
	// However far it came: what stands there tells more than the error alone.
	e, jerr := w.judge(ctx, orders)
	return e, errors.Join(err, jerr)
}

// introduce says what runs where.
func (w *world) introduce() {
	s := w.screen
	s.head("Running")
	s.say("  host     %s  (process %d, its database in %s)", w.host.Address, w.host.Process.PID(), w.dir)
	s.say("  gateway  %s  (process %d, simulated)", w.simulator.Info.JSONURL, w.simulator.Process.PID())
}

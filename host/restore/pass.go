package restore

import (
	"context"
	"fmt"
)

// Pass is one transaction that is counted. It has its counter to itself.
type Pass struct {
	// Host and Lane name the counter; it has to show at least AtLeast.
	Host    string
	Lane    int
	AtLeast int64

	w     *Watch
	marks bool
	good  bool
}

// Begin takes a counter for a transaction. Every Pass has to be ended.
func (w *Watch) Begin(ctx context.Context) (*Pass, error) {
	p := &Pass{Host: w.cfg.File.Host, w: w}
	select {
	case p.Lane = <-w.lanes:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w.mu.Lock()
	p.AtLeast = max(w.seen.count(p.Host, p.Lane), 0)
	w.mu.Unlock()
	// A database that shows less than it did is left as it is: counted on, it
	// would soon look like the one it is not.
	p.marks = w.Stopped() == ""
	return p, nil
}

// Counts reports whether the transaction is to be counted. Where it is not,
// charging is stopped.
func (p *Pass) Counts() bool { return p.marks }

// Counted takes in whether the counter was there and showed enough. The last
// word of a transaction that is repeated holds.
func (p *Pass) Counted(good bool) {
	p.good = good
	if good {
		return
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if p.w.why.Load() == nil {
		p.w.suspicion(fmt.Sprintf("counter %d of this host shows less than it did", p.Lane), p.w.cfg.Now())
	}
}

// End gives the counter back. Only what was surely committed is remembered.
func (p *Pass) End(committed bool) {
	if p.good && committed {
		p.w.mu.Lock()
		p.w.dirty = p.w.seen.raise(p.Host, p.Lane, p.AtLeast+1) || p.w.dirty
		p.w.mu.Unlock()
	}
	p.w.lanes <- p.Lane
}

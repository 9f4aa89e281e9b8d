package restore

import (
	"context"
	"fmt"
)

// Pass is one transaction that is counted. It has its counter to itself.
type Pass struct {
	// Host and Lane name the counter.
	Host string
	Lane int
	// AtLeast is what the host's counters have to show, by lane: what was surely
	// committed before this transaction began.
	AtLeast []int64

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
	p.AtLeast = w.seen.counts(p.Host)
	w.mu.Unlock()
	// A database that shows less than it did is left as it is: counted on, it
	// would soon look like the one it is not.
	p.marks = w.Stopped() == ""
	return p, nil
}

// Counts reports whether the transaction is to be counted. Where it is not,
// charging is stopped.
func (p *Pass) Counts() bool { return p.marks }

// Counted takes in what the host's counters showed in the transaction, by lane,
// and reports whether that was enough. The last word of a transaction that is
// repeated holds.
func (p *Pass) Counted(shown map[int]int64) bool {
	short := p.Lane
	p.good = shown[short] > p.AtLeast[short]
	for lane, least := range p.AtLeast {
		if n, there := shown[lane]; p.good && (!there || n < least) {
			p.good, short = false, lane
		}
	}
	if p.good {
		return true
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if p.w.why.Load() == nil {
		p.w.suspicion(fmt.Sprintf("counter %d of this host shows less than it did", short), p.w.cfg.Now())
	}
	return false
}

// End gives the counter back. Only what was surely committed is remembered.
func (p *Pass) End(committed bool) {
	if p.good && committed {
		p.w.mu.Lock()
		p.w.dirty = p.w.seen.raise(p.Host, p.Lane, p.AtLeast[p.Lane]+1) || p.w.dirty
		p.w.mu.Unlock()
	}
	p.w.lanes <- p.Lane
}

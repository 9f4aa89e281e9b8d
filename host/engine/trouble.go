package engine

import (
	"fmt"
	"sync"
	"time"
)

// lasting is how long what is due may be unreadable before the host says that
// it is not ready. A server that restarts takes less.
const lasting = 15 * time.Second

// trouble is an error that comes again and again.
type trouble struct {
	mu    sync.Mutex
	since time.Time
	err   error
}

// note takes in how one more try ended.
func (t *trouble) note(err error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil || t.err == nil {
		t.since = now
	}
	t.err = err
}

// Check gives why charges are left lying, if they have been for a while: the
// database answers, and yet what is due can't be read from it.
func (e *Engine) Check() error {
	t := &e.sweeping
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil || e.cfg.Wall().Sub(t.since) < lasting {
		return nil
	}
	return fmt.Errorf("what is due can't be read, so nothing is looked after: %w", t.err)
}

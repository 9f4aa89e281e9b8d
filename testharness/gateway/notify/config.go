package notify

import (
	"errors"
	"time"
)

// Config is what a Sender works with.
type Config struct {
	// Now is the settlement clock. Required. It is called without any lock of
	// the Sender held and may call Tell.
	Now func() time.Time
	// Node is the first number of every notification's reference.
	Node string
	// Limit is how long an answer may take, in real time; 8 s if zero.
	Limit time.Duration
	// Public tells whether the service's own rule for URLs holds: public https
	// on port 443. Nil means it does not.
	Public func() bool
	// Faults are asked for once for every notification that Tell makes. Nil
	// means none.
	Faults func(*Event) Faults
	// Order puts the names of a form, which come sorted, into the order to send
	// them in. Nil leaves them.
	Order func(names []string)
	// Changed is told that a queued notification changed in the background, so
	// that it can be kept (Queued says how it is now). No lock of the Sender is
	// held. Nil keeps nothing.
	Changed func(id int64)
	// Queue bounds what is queued, 10,000 if zero; Log what the log remembers,
	// 2,000 if zero.
	Queue, Log int
}

// How much is sent at once. One URL gets some at a time, so that a slow one
// keeps the others' places free.
const (
	maxAtOnce  = 32
	maxPerURL  = 4
	maxOnline  = 256
	lookAround = time.Second
)

func (c *Config) ready() error {
	if c.Now == nil {
		return errors.New("no clock")
	}
	if c.Limit == 0 {
		c.Limit = 8 * time.Second
	}
	if c.Public == nil {
		c.Public = func() bool { return false }
	}
	if c.Faults == nil {
		c.Faults = func(*Event) Faults { return Faults{} }
	}
	if c.Order == nil {
		c.Order = func([]string) {}
	}
	if c.Changed == nil {
		c.Changed = func(int64) {}
	}
	if c.Queue == 0 {
		c.Queue = 10_000
	}
	if c.Log == 0 {
		c.Log = 2_000
	}
	return nil
}

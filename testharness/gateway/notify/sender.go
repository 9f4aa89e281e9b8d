package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Sender makes notifications of events and sends them. All its methods may be
// called at the same time from anywhere.
type Sender struct {
	cfg Config
	// asked is how many rules there are, read without the lock: without rules an
	// event costs nothing.
	asked atomic.Int32
	wake  chan struct{}
	slots chan struct{} // of those sent while a caller waits

	mu       sync.Mutex
	rules    []Rule
	lastRule int
	lastID   int64
	queue    map[int64]*queued
	lanes    map[string]*lane
	log      []*queued
	urgent   []*queued                  // to be sent at once, on no lane
	online   map[string][]chan struct{} // by transaction, while a caller waits
	working  int
	changed  chan struct{} // closed, and replaced, at every change
	clients  map[string]*http.Client

	running bool
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// New makes a Sender without rules. It queues, and sends after Start.
func New(cfg Config) (*Sender, error) {
	if err := cfg.ready(); err != nil {
		return nil, fmt.Errorf("notifications: %w", err)
	}
	s := &Sender{cfg: cfg, wake: make(chan struct{}, 1), slots: make(chan struct{}, maxOnline), changed: make(chan struct{})}
	s.empty()
	return s, nil
}

// empty forgets all but the last numbers, which are not used again. s.mu is
// held, or nobody else knows s yet.
func (s *Sender) empty() {
	s.rules, s.queue, s.lanes, s.log = nil, map[int64]*queued{}, map[string]*lane{}, nil
	s.clients = map[string]*http.Client{}
	if s.online == nil {
		s.online = map[string][]chan struct{}{}
	}
	s.asked.Store(0)
}

// Reset forgets rules, queue and log. What is being sent goes on its way and is
// not remembered.
func (s *Sender) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.empty()
	s.tell()
}

// ErrClosed says that nothing is sent, before Start or after Close.
var ErrClosed = errors.New("notifications are not being sent: the gateway is not serving")

// Start begins to send, until Close; the context's end does not matter. A Sender
// is started once.
func (s *Sender) Start(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.running, s.stop = true, stop
	s.work.Go(func() { s.run(life) })
}

// Close stops sending and waits until nothing is on its way. A try that it ends
// counts as not made. It may be called more than once, and without Start.
func (s *Sender) Close() {
	s.mu.Lock()
	if s.running {
		s.running = false
		s.stop()
	}
	s.tell()
	s.mu.Unlock()
	s.work.Wait()
}

// run sends what is due, and looks at the clock now and then: it moves without
// a word when it is real time, or when a batch is due.
func (s *Sender) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer s.startUrgent(ctx) // ends what came between the end and Close
	for {
		now := s.cfg.Now()
		s.startUrgent(ctx)
		timer.Reset(s.dispatch(ctx, now))
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// dispatch starts what is due and there is room for. It returns how long there
// is nothing to do.
func (s *Sender) dispatch(ctx context.Context, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := time.Minute
	if len(s.rules) > 0 || len(s.queue) > 0 {
		rest = lookAround
	}
	busy := 0
	for _, l := range s.lanes {
		busy += l.busy
	}
	for url, l := range s.lanes {
		for l.busy < maxPerURL && busy < maxAtOnce {
			q := l.pop(now)
			if q == nil {
				break
			}
			busy++
			s.working++
			sent := q.Notification
			s.work.Go(func() { s.try(ctx, q, &sent) })
		}
		if l.busy == 0 && len(l.waiting) == 0 {
			delete(s.lanes, url)
			continue
		}
		// Without room there is nothing to wait for but the end of a try, which wakes.
		if len(l.waiting) > 0 && l.busy < maxPerURL && busy < maxAtOnce {
			rest = min(rest, max(l.waiting[0].Due.Sub(now), time.Millisecond))
		}
	}
	return rest
}

// try sends once and takes in what came of it.
func (s *Sender) try(ctx context.Context, q *queued, n *Notification) {
	result, aborted := s.post(ctx, n)
	now := s.cfg.Now()
	s.mu.Lock()
	if aborted {
		q.lane.push(q)
	} else {
		q.record(result, now)
		if s.queue[q.ID] == q {
			if q.State == Queued {
				q.lane.push(q)
			} else {
				delete(s.queue, q.ID)
			}
		}
	}
	q.lane.done(q, now)
	s.mu.Unlock()
	s.finished(q.ID, aborted)
}

// finished tells that a try is over: first whoever keeps the queue, then whoever
// waits.
func (s *Sender) finished(id int64, aborted bool) {
	if !aborted {
		s.cfg.Changed(id)
	}
	s.mu.Lock()
	s.working--
	s.tell()
	s.mu.Unlock()
	s.Wake()
}

// Wake makes the Sender look at the clock: it may have jumped.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// tell wakes whoever waits for a change. s.mu is held.
func (s *Sender) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Idle waits until nothing is on its way and nothing is due. It returns
// ErrClosed if nothing is being sent, or the context's error.
func (s *Sender) Idle(ctx context.Context) error {
	for {
		now := s.cfg.Now()
		s.mu.Lock()
		running, changed := s.running, s.changed
		busy := s.working > 0
		for _, l := range s.lanes {
			busy = busy || l.dueNow(now)
		}
		s.mu.Unlock()
		switch {
		case !running:
			return ErrClosed
		case !busy:
			return nil
		}
		s.Wake()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for notifications: %w", ctx.Err())
		}
	}
}

// Log returns the notifications, oldest first, as they are now; with a
// transaction's reference only those about it.
func (s *Sender) Log(transaction string) []Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Notification, 0, len(s.log))
	for _, q := range s.log {
		if transaction == "" || q.Transaction == transaction {
			out = append(out, q.copy())
		}
	}
	return out
}

// Queued returns what is queued with that id, as it is now.
func (s *Sender) Queued(id int64) (Notification, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queue[id]
	if !ok {
		return Notification{}, false
	}
	return q.copy(), true
}

func (q *queued) copy() Notification {
	out := q.Notification
	out.Tries = slices.Clone(q.Tries)
	return out
}

// Restore fills the queue with what was kept from an earlier run, as it was
// then. The last id is the highest that was ever given.
func (s *Sender) Restore(kept []Notification, last int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID = max(s.lastID, last)
	for i := range kept {
		q := &queued{Notification: kept[i]}
		s.remember(q)
		s.enqueue(q)
	}
}

// reference is what the receiver sees: unique, and nothing else is known of it.
func (s *Sender) reference(id int64) string { return s.cfg.Node + "-A" + strconv.FormatInt(id, 10) }

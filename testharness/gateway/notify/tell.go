package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Listening tells whether there are rules: without them events cost nothing.
func (s *Sender) Listening() bool { return s.asked.Load() > 0 }

// Tell makes the notifications that the rules want of an event, and queues or
// sends them. It never waits: Wait does. It returns the ids of those that are
// queued and have to be kept.
func (s *Sender) Tell(e *Event) []int64 {
	if !s.Listening() {
		return nil
	}
	s.mu.Lock()
	var matching []Rule
	for i := range s.rules {
		if s.rules[i].matches(e) {
			matching = append(matching, s.rules[i])
		}
	}
	s.mu.Unlock()
	var kept []int64
	seen := map[Mode]bool{}
	for i := range matching {
		r := &matching[i]
		first := !seen[r.Mode]
		seen[r.Mode] = true
		if r.Mode == Online && !first {
			continue
		}
		kept = append(kept, s.make(r, e, s.cfg.Faults(e), r.Mode != Offline && first)...)
	}
	return kept
}

// make makes a notification and its copies. With now the first is sent at once,
// and the caller may wait for it.
func (s *Sender) make(r *Rule, e *Event, f Faults, now bool) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []int64
	reference := ""
	body := ""
	for i := range 1 + f.Copies {
		s.lastID++
		if i == 0 {
			reference = s.reference(s.lastID)
			body = f.form(r, e, reference, s.cfg.Order)
		}
		q := &queued{Notification: Notification{
			ID: s.lastID, Reference: reference, Rule: r.ID, Event: e.Kind, Site: e.site(), Transaction: e.transaction(), URL: r.URL,
			CAFile: r.CAFile, Mode: r.Mode, Faults: f.names(), Body: body, Break: f.Cut == CutConnection, State: Queued,
			Retry: r.Retry, Once: r.Mode == Online, Created: e.At, Due: e.At.Add(f.Late),
		}}
		q.Until = q.Due.Add(Window)
		s.remember(q)
		switch {
		case f.Lost:
			q.State = Lost
			return nil
		case f.Reordered && i == 0:
			s.hold(q, f.HoldFor)
		case now && i == 0 && f.Late == 0:
			s.sendNow(q)
			if q.Once {
				continue
			}
		default:
			s.enqueue(q)
		}
		if q.State == Queued {
			kept = append(kept, q.ID)
		}
	}
	s.Wake()
	return kept
}

// hold queues a notification behind the next one to its URL. One at a time: if
// another is held already, this is the next one. s.mu is held.
func (s *Sender) hold(q *queued, limit time.Duration) {
	if limit == 0 {
		limit = Window
	}
	if s.lane(q.URL).held == nil {
		q.Held, q.Due = true, q.Created.Add(limit)
		q.Until = q.Due.Add(Window)
	}
	s.enqueue(q)
}

func (s *Sender) lane(url string) *lane {
	l := s.lanes[url]
	if l == nil {
		l = newLane()
		s.lanes[url] = l
	}
	return l
}

// enqueue queues a notification if there is room. s.mu is held.
func (s *Sender) enqueue(q *queued) {
	if len(s.queue) >= s.cfg.Queue {
		q.State = Dropped
		return
	}
	s.queue[q.ID] = q
	s.lane(q.URL).push(q)
}

// remember puts a notification into the log. s.mu is held.
func (s *Sender) remember(q *queued) {
	if len(s.log) >= s.cfg.Log {
		s.log[0] = nil
		s.log = s.log[1:]
	}
	s.log = append(s.log, q)
}

// sendNow sends while a caller may wait. A failover one is in the queue
// meanwhile, but on no lane. s.mu is held.
func (s *Sender) sendNow(q *queued) {
	if !s.running {
		q.record(Try{At: q.Created, Error: ErrClosed.Error()}, q.Created)
		if !q.Once {
			s.enqueue(q)
		}
		return
	}
	if !q.Once {
		if len(s.queue) >= s.cfg.Queue {
			q.State = Dropped
			return
		}
		s.queue[q.ID] = q
	}
	q.over = make(chan struct{})
	s.online[q.Transaction] = append(s.online[q.Transaction], q.over)
	s.working++
	s.urgent = append(s.urgent, q)
}

// startUrgent starts what a caller may be waiting for.
func (s *Sender) startUrgent(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.urgent {
		sent := q.Notification
		s.work.Go(func() { s.tryNow(ctx, q, &sent) })
	}
	s.urgent = nil
}

// tryNow sends a notification that was on no lane yet.
func (s *Sender) tryNow(ctx context.Context, q *queued, n *Notification) {
	result, aborted := Try{}, true
	select {
	case s.slots <- struct{}{}:
		result, aborted = s.post(ctx, n)
		<-s.slots
	case <-ctx.Done():
	}
	now := s.cfg.Now()
	s.mu.Lock()
	l := s.lane(q.URL)
	if !aborted {
		q.record(result, now)
		l.release(q, now)
	}
	switch {
	case q.Once, s.queue[q.ID] != q:
	case q.State == Queued:
		l.push(q)
	default:
		delete(s.queue, q.ID)
	}
	waiting := s.online[q.Transaction]
	for i := range waiting {
		if waiting[i] == q.over {
			waiting = append(waiting[:i:i], waiting[i+1:]...)
			break
		}
	}
	if s.online[q.Transaction] = waiting; len(waiting) == 0 {
		delete(s.online, q.Transaction)
	}
	s.mu.Unlock()
	close(q.over)
	s.finished(q.ID, aborted || q.Once)
}

// Wait waits until nothing that a caller may wait for is on its way about these
// transactions. Each try has its limit, and the context is another.
func (s *Sender) Wait(ctx context.Context, transactions ...string) {
	if !s.Listening() {
		return
	}
	var over []chan struct{}
	s.mu.Lock()
	for _, ref := range transactions {
		over = append(over, s.online[ref]...)
	}
	s.mu.Unlock()
	for _, c := range over {
		select {
		case <-c:
		case <-ctx.Done():
			return
		}
	}
}

// ErrNotFound says that there is no such rule or notification.
var ErrNotFound = errors.New("not found")

// Resend sends a notification of the log once more, as it was, and tries again
// as it did. It returns the id of the new one.
func (s *Sender) Resend(id int64) (int64, error) {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.log {
		if old.ID != id {
			continue
		}
		s.lastID++
		q := &queued{Notification: old.Notification}
		q.ID, q.State, q.Held, q.Tried, q.Tries = s.lastID, Queued, false, 0, nil
		q.Created, q.Due, q.Until = now, now, now.Add(Window)
		s.remember(q)
		s.enqueue(q)
		s.Wake()
		if q.State == Dropped {
			return 0, errors.New("the queue is full")
		}
		return q.ID, nil
	}
	return 0, fmt.Errorf("notification %d: %w: the log has its newest %d", id, ErrNotFound, s.cfg.Log)
}

// Send makes one notification of an event by a rule, whatever the rule's
// conditions, with these faults. It is sent in the background. It returns the
// ids of what is queued.
func (s *Sender) Send(rule string, e *Event, f Faults) ([]int64, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	for _, r := range s.Rules() {
		if r.ID == rule || rule == "" && r.Site == e.site() {
			return s.make(&r, e, f, false), nil
		}
	}
	if rule == "" {
		return nil, fmt.Errorf("a rule of site %s: %w: add one", e.site(), ErrNotFound)
	}
	return nil, fmt.Errorf("rule %s: %w", rule, ErrNotFound)
}

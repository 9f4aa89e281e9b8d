package notify

import (
	"container/heap"
	"time"
)

// lane is the queue of one URL. It has no lock: the Sender's holds for it.
type lane struct {
	waiting byDue
	// busy counts what is being sent, active names the transactions of it, and
	// blocked is what waits for one of those.
	busy    int
	active  map[string]bool
	blocked map[string][]*queued
	held    *queued // by a fault, until the next one was tried
}

func newLane() *lane { return &lane{active: map[string]bool{}, blocked: map[string][]*queued{}} }

func (l *lane) push(q *queued) {
	q.lane = l
	if q.Held {
		l.held = q
	}
	heap.Push(&l.waiting, q)
}

// pop takes the next one that is due and whose transaction is free.
func (l *lane) pop(now time.Time) *queued {
	for len(l.waiting) > 0 && !l.waiting[0].Due.After(now) {
		q, _ := heap.Pop(&l.waiting).(*queued)
		if l.active[q.key()] {
			l.blocked[q.key()] = append(l.blocked[q.key()], q)
			continue
		}
		if l.held == q {
			l.held = nil
		}
		l.active[q.key()] = true
		l.busy++
		return q
	}
	return nil
}

// done frees the transaction, and what is held back if its turn has come.
func (l *lane) done(q *queued, now time.Time) {
	l.busy--
	delete(l.active, q.key())
	for _, b := range l.blocked[q.key()] {
		heap.Push(&l.waiting, b)
	}
	delete(l.blocked, q.key())
	l.release(q, now)
}

// release ends the wait of the one that is held back, if q is a later one.
func (l *lane) release(q *queued, now time.Time) {
	if l.held == nil || l.held.ID >= q.ID {
		return
	}
	for i, w := range l.waiting {
		if w == l.held {
			w.Held, w.Due = false, now
			heap.Fix(&l.waiting, i)
			break
		}
	}
	l.held = nil
}

// dueNow says whether anything could be sent now but for what is being sent.
func (l *lane) dueNow(now time.Time) bool {
	return len(l.blocked) > 0 || len(l.waiting) > 0 && !l.waiting[0].Due.After(now)
}

// byDue is a heap by time, then by age.
type byDue []*queued //nolint:recvcheck // as heap.Interface wants it

// Len is of heap.Interface.
func (b byDue) Len() int { return len(b) }

// Less is of heap.Interface.
func (b byDue) Less(i, j int) bool {
	if b[i].Due.Equal(b[j].Due) {
		return b[i].ID < b[j].ID
	}
	return b[i].Due.Before(b[j].Due)
}

// Swap is of heap.Interface.
func (b byDue) Swap(i, j int) { b[i], b[j] = b[j], b[i] }

// Push is of heap.Interface.
func (b *byDue) Push(x any) {
	if q, ok := x.(*queued); ok {
		*b = append(*b, q)
	}
}

// Pop is of heap.Interface.
func (b *byDue) Pop() any {
	old := *b
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*b = old[:len(old)-1]
	return last
}

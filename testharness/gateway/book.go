package gateway

import (
	"slices"
	"sort"
	"time"
)

// book holds all transactions and the batch that settles them. It has no lock:
// the Gateway's holds for it.
type book struct {
	all       []*transaction // in the order they started
	byRef     map[string]*transaction
	byOrder   map[string][]*transaction
	byParent  map[string][]*transaction
	bySession map[string]*transaction // bank transfers

	// keep is how many are kept if they can be forgotten, 0 for all; shrinkAt is
	// the number at which that is looked at, forgotten what it came to.
	keep, shrinkAt int
	forgotten      totals

	// plans are the subscriptions.
	plans []*transaction
	// stepped is told before a batch runs, so that none runs twice.
	stepped func()
	// daily is what follows a batch: the payments of subscriptions.
	daily func(midnight time.Time)
	// open are those that time alone may change, compacted at every batch.
	open      []*transaction
	nextBatch time.Time
	// nextLapse is never later than the first hold to lapse.
	nextLapse time.Time

	// changed is told of every transaction that time or a caller has changed.
	changed func(*transaction)
}

func newBook(now time.Time, keep int) *book {
	return &book{
		keep: keep, shrinkAt: keep + keep/4 + 1, forgotten: totals{},
		byRef: map[string]*transaction{}, byOrder: map[string][]*transaction{}, byParent: map[string][]*transaction{}, bySession: map[string]*transaction{},
		nextBatch: startOfDay(now).Add(day), nextLapse: forever, changed: func(*transaction) {}, daily: func(time.Time) {}, stepped: func() {},
	}
}

func startOfDay(t time.Time) time.Time { return t.UTC().Truncate(day) }

func (b *book) add(t *transaction) {
	b.all = append(b.all, t)
	b.byRef[t.ref] = t
	if t.order != "" {
		b.byOrder[t.order] = append(b.byOrder[t.order], t)
	}
	if t.parent != "" {
		b.byParent[t.parent] = append(b.byParent[t.parent], t)
	}
	if t.transfer != nil && t.transfer.Session != "" {
		b.bySession[t.transfer.Session] = t
	}
	if t.plan != nil {
		b.plans = append(b.plans, t)
	}
	if t.moves() {
		b.watch(t)
	}
	b.changed(t)
}

// watch lets time change a transaction.
func (b *book) watch(t *transaction) {
	if !t.watched {
		t.watched = true
		b.open = append(b.open, t)
	}
	b.watchHold(t)
}

// since returns the transactions that started at or after that time.
func (b *book) since(start time.Time) []*transaction {
	return b.all[sort.Search(len(b.all), func(i int) bool { return !b.all[i].started.Before(start) }):]
}

// between returns the transactions that started at or after start, and within
// the second of end or before; a zero end is open.
func (b *book) between(start, end time.Time) []*transaction {
	all := b.since(start)
	if end.IsZero() {
		return all
	}
	end = end.Add(time.Second)
	return all[:sort.Search(len(all), func(i int) bool { return !all[i].started.Before(end) })]
}

// change takes over what a caller's update made of a transaction.
func (b *book) change(t, next *transaction, at time.Time, by string) {
	to := next.status
	next.status, next.history = t.status, t.history
	b.replace(t, next)
	if to != t.status {
		t.move(to, at, by)
	}
	// What is released after its day settles with the next batch.
	if today := startOfDay(at); (to == StatusPending || to == StatusManual) && t.due.Before(today) {
		t.due = today
	}
	b.watchHold(t)
	b.changed(t)
}

// replace makes a transaction what next is.
func (b *book) replace(t, next *transaction) {
	if t.order != next.order {
		b.byOrder[t.order] = slices.DeleteFunc(b.byOrder[t.order], func(o *transaction) bool { return o == t })
		if next.order != "" {
			b.byOrder[next.order] = append(b.byOrder[next.order], t)
		}
	}
	watched := t.watched
	*t = *next
	t.watched = watched
}

func (b *book) watchHold(t *transaction) {
	if t.status != StatusSuspended {
		return
	}
	t.heldUntil = t.started.Add(holdLimit(t.authMethod))
	if t.heldUntil.Before(b.nextLapse) {
		b.nextLapse = t.heldUntil
	}
}

// advance does what became due up to now: a batch at each midnight (UTC), and
// the lapse of held authorisations at the second they end.
func (b *book) advance(now time.Time) {
	for {
		until := b.nextBatch
		if now.Before(until) {
			until = now
		}
		if !b.nextLapse.After(until) {
			b.lapse(until)
		}
		if now.Before(b.nextBatch) {
			return
		}
		midnight := b.nextBatch
		b.nextBatch = midnight.Add(day)
		b.stepped()
		b.batch(midnight)
		b.daily(midnight)
	}
}

// lapse cancels the holds that ended by then.
func (b *book) lapse(until time.Time) {
	b.nextLapse = forever
	for _, t := range b.open {
		switch {
		case t.status != StatusSuspended:
		case t.heldUntil.After(until):
			b.watchHold(t)
		default:
			t.move(StatusCancelled, t.heldUntil, "lapse")
			b.changed(t)
		}
	}
}

// batch settles: what an earlier batch handed over is settled, and what was
// due on a day that is over is handed over.
func (b *book) batch(midnight time.Time) {
	open := b.open[:0]
	for _, t := range b.open {
		switch {
		case t.settles():
			t.settled = midnight
			t.move(StatusSettled, midnight, "batch")
			b.changed(t)
		case (t.status == StatusPending || t.status == StatusManual) && t.due.Before(midnight):
			t.move(StatusSettling, midnight, "batch")
			b.changed(t)
		}
		if t.watched = t.moves(); t.watched {
			open = append(open, t)
		}
	}
	clear(b.open[len(open):])
	b.open = open
}

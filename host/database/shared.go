package database

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
)

// SharedConfig sizes a Shared. The zero value means the defaults.
type SharedConfig struct {
	// MaxBatch is how many items one transaction holds at most. Default 128: larger
	// ones gain little and hold their locks for longer.
	MaxBatch int

	// Collectors is how many transactions run at once. Default 2 on a server, so that
	// one can be filled while the other is flushed; always 1 on SQLite, which has one
	// writer.
	Collectors int

	// MaxWaiting is how many items may wait before Do refuses more with ErrBusy.
	// Default 65536.
	MaxWaiting int

	// Tx, if set, runs the transactions in place of DB.Tx, whose errors it returns.
	Tx func(ctx context.Context, fn func(tx *gorm.DB) error) error

	// Observe, if set, is called after each transaction with the number of its
	// items, the time that it took, and its error. It must be fast.
	Observe func(batch int, took time.Duration, err error)
}

// Shared writes the items of many callers in shared transactions: whatever waits
// when a collector is free is written together. There is no timer, so a lone item
// is written at once and a flood pays for few commits.
type Shared[In, Out any] struct {
	db     *DB
	name   string
	write  func(tx *gorm.DB, ins []In) ([]Out, error)
	config SharedConfig

	mu      sync.Mutex
	arrived sync.Cond // something waits, or stopped
	waiting []*sharedItem[In, Out]
	stopped bool

	collectors sync.WaitGroup
}

type sharedItem[In, Out any] struct {
	in  In
	out Out
	err error
	// done is closed once out and err are set.
	done chan struct{}
}

// NewShared starts the collectors; Stop ends them. The name stands in errors.
//
// write writes all items through tx and returns one result for each, in order. It
// may be called again with the same items, or with one of them alone, so it must
// have no other effect than through tx.
func NewShared[In, Out any](db *DB, name string, write func(tx *gorm.DB, ins []In) ([]Out, error), config SharedConfig) *Shared[In, Out] {
	if config.MaxBatch <= 0 {
		config.MaxBatch = 128
	}
	if config.Collectors <= 0 {
		config.Collectors = 2
	}
	if db.Driver() == DriverSQLite {
		config.Collectors = 1
	}
	if config.MaxWaiting <= 0 {
		config.MaxWaiting = 1 << 16
	}
	if config.Tx == nil {
		config.Tx = db.Tx
	}
	s := &Shared[In, Out]{db: db, name: name, write: write, config: config}
	s.arrived.L = &s.mu
	for range config.Collectors {
		s.collectors.Go(s.collect)
	}
	return s
}

// Do writes one item and returns when it is committed, or when it is known not to
// be. Its errors are those of DB.Tx, and write's own; ErrWithdrawn if ctx ended while
// the item still waited; ErrStopped after Stop; ErrBusy if too many wait. Only after
// ErrCommitUnknown may the item have been written.
//
// Once a collector has taken the item, Do stays until the outcome is known even if
// ctx ends: at most two time limits of a transaction, one for the batch and one for
// the item alone, and the wait for an answer to COMMIT.
func (s *Shared[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	item := &sharedItem[In, Out]{in: in, done: make(chan struct{})}
	if err := s.enqueue(ctx, item); err != nil {
		return item.out, s.wrap(err)
	}
	select {
	case <-item.done:
	case <-ctx.Done():
		if s.withdraw(item) {
			return item.out, s.wrap(withdrawn(ctx))
		}
		<-item.done
	}
	return item.out, s.wrap(item.err)
}

// Stop refuses new items, writes those that wait, and returns when all is written.
// It can be called again.
func (s *Shared[In, Out]) Stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.arrived.Broadcast()
	s.collectors.Wait()
}

func (s *Shared[In, Out]) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write %s: %w", s.name, err)
}

func withdrawn(ctx context.Context) error {
	return fmt.Errorf("%w: %w", ErrWithdrawn, context.Cause(ctx))
}

func (s *Shared[In, Out]) enqueue(ctx context.Context, item *sharedItem[In, Out]) error {
	if ctx.Err() != nil {
		return withdrawn(ctx)
	}
	if ctx.Value(insideTx{}) == s.db {
		return errNested
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return ErrStopped
	case len(s.waiting) >= s.config.MaxWaiting:
		return &Error{Kind: ErrBusy, Detail: fmt.Sprintf("%d are waiting", len(s.waiting)), Cause: errQueueFull}
	}
	s.waiting = append(s.waiting, item)
	s.arrived.Signal()
	return nil
}

var errQueueFull = errors.New("queue full")

// withdraw takes an item back, and reports whether no collector had it yet.
func (s *Shared[In, Out]) withdraw(item *sharedItem[In, Out]) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.waiting, item)
	if at < 0 {
		return false
	}
	s.waiting = slices.Delete(s.waiting, at, at+1)
	return true
}

// collect writes batches until Shared is stopped and nothing waits.
func (s *Shared[In, Out]) collect() {
	for {
		batch := s.take()
		if len(batch) == 0 {
			return
		}
		s.settle(batch)
	}
}

// take waits for items and takes what waits. It returns none after Stop.
func (s *Shared[In, Out]) take() []*sharedItem[In, Out] {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) == 0 && !s.stopped {
		s.arrived.Wait()
	}
	n := min(len(s.waiting), s.config.MaxBatch)
	batch := slices.Clone(s.waiting[:n])
	s.waiting = slices.Delete(s.waiting, 0, n)
	return batch
}

// settle writes a batch and answers each of its callers.
func (s *Shared[In, Out]) settle(batch []*sharedItem[In, Out]) {
	// The callers' contexts end at different times; the transaction has its own limit.
	ctx := context.Background()
	err := s.commit(ctx, batch)
	if err != nil && len(batch) > 1 && !concernsAll(err) {
		s.replay(ctx, batch)
		return
	}
	for _, item := range batch {
		item.answer(err)
	}
}

// replay writes each item in a transaction of its own, so that a faulty one does
// not fail its neighbours. All together have one more time limit.
func (s *Shared[In, Out]) replay(ctx context.Context, batch []*sharedItem[In, Out]) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.db.config.TxTimeout, errReplayTime)
	defer cancel()
	var fault error
	for _, item := range batch {
		err := fault
		if err == nil && ctx.Err() != nil {
			err = &Error{Kind: ErrBusy, Detail: "time limit of " + s.db.config.TxTimeout.String(), Cause: errReplayTime}
		}
		if err == nil {
			err = s.commit(ctx, []*sharedItem[In, Out]{item})
			// What stops the database stops the rest too; a lost answer to one COMMIT says
			// nothing about the others.
			if concernsAll(err) && !errors.Is(err, ErrCommitUnknown) {
				fault = err
			}
		}
		item.answer(err)
	}
}

var errReplayTime = errors.New("no time left to write the items one by one")

// concernsAll reports whether err is a fault of the database or of its answer,
// rather than of an item.
func concernsAll(err error) bool {
	return errors.Is(err, ErrCommitUnknown) || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrBusy) ||
		errors.Is(err, ErrReadOnly) || errors.Is(err, ErrFull)
}

func (item *sharedItem[In, Out]) answer(err error) {
	if err != nil {
		var none Out
		item.out, item.err = none, err
	}
	close(item.done)
}

// commit writes items in one transaction and keeps their results.
func (s *Shared[In, Out]) commit(ctx context.Context, batch []*sharedItem[In, Out]) (err error) {
	begin := time.Now()
	defer func() {
		// A fault in one write must not take the host down with all its calls.
		if fault := recover(); fault != nil {
			s.db.config.Logger.Error("a shared write panicked and was rolled back", "name", s.name, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in the code that writes (%T): see the log; nothing was written", fault)
		}
		if s.config.Observe != nil {
			s.config.Observe(len(batch), time.Since(begin), err)
		}
	}()
	ins := make([]In, len(batch))
	for i, item := range batch {
		ins[i] = item.in
	}
	var outs []Out
	err = s.config.Tx(ctx, func(tx *gorm.DB) error {
		var err error
		if outs, err = s.write(tx, ins); err != nil {
			return err
		}
		if len(outs) != len(ins) {
			return fmt.Errorf("the code that writes returned %d results for %d items", len(outs), len(ins))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, item := range batch {
		item.out = outs[i]
	}
	return nil
}

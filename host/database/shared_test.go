package database_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// writeItems writes the items in one statement and returns their ids.
func writeItems(tx *gorm.DB, ins []item) ([]int64, error) {
	if err := tx.Create(&ins).Error; err != nil {
		return nil, err
	}
	ids := make([]int64, len(ins))
	for i := range ins {
		ids[i] = ins[i].ID
	}
	return ids, nil
}

// gate holds the first batch back until it is opened, so that a test decides what
// waits meanwhile. It needs a Shared with one collector.
type gate struct {
	entered chan struct{}
	opened  chan struct{}
	once    sync.Once

	mu      sync.Mutex
	batches []int
}

func newGate() *gate {
	return &gate{entered: make(chan struct{}), opened: make(chan struct{})}
}

func (g *gate) observe(batch int, _ time.Duration, _ error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batches = append(g.batches, batch)
}

func (g *gate) sizes() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]int(nil), g.batches...)
}

func (g *gate) hold() {
	g.once.Do(func() {
		close(g.entered)
		<-g.opened
	})
}

type result struct {
	id  int64
	err error
}

// behind starts one item that the gate holds, queues the others behind it, opens
// the gate, and returns the others' results.
func behind(t *testing.T, g *gate, s *database.Shared[item, int64], others ...item) []result {
	t.Helper()
	var all sync.WaitGroup
	all.Go(func() { _, _ = s.Do(context.Background(), newItem(1)) })
	<-g.entered
	results := make([]result, len(others))
	for i, other := range others {
		all.Go(func() { results[i].id, results[i].err = s.Do(context.Background(), other) })
	}
	waitForQueue(t, s, len(others))
	close(g.opened)
	all.Wait()
	return results
}

func waitForQueue(t *testing.T, s *database.Shared[item, int64], n int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for s.Waiting() != n {
		if time.Now().After(deadline) {
			// Go on, so that the gate opens and the collectors can end.
			t.Errorf("%d items wait, not %d", s.Waiting(), n)
			return
		}
		runtime.Gosched()
	}
}

func TestSharedWritesALoneItemAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		s := database.NewShared(db, "item", writeItems, database.SharedConfig{})
		defer s.Stop()
		id, err := s.Do(context.Background(), newItem(7))
		require.NoError(t, err)
		require.Equal(t, int64(7), id)
		require.Equal(t, 1, count(t, db))
	})
}

func TestSharedWritesWhatWaitsTogether(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		g := newGate()
		s := database.NewShared(db, "item", func(tx *gorm.DB, ins []item) ([]int64, error) {
			g.hold()
			return writeItems(tx, ins)
		}, database.SharedConfig{Collectors: 1, MaxBatch: 3, Observe: g.observe})
		defer s.Stop()
		results := behind(t, g, s, newItem(2), newItem(3), newItem(4), newItem(5))
		for i, r := range results {
			require.NoError(t, r.err)
			require.Equal(t, int64(i+2), r.id, "each caller gets its own result")
		}
		require.Equal(t, []int{1, 3, 1}, g.sizes())
		require.Equal(t, 5, count(t, db))
	})
}

func TestSharedFaultyItemDoesNotFailItsNeighbours(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		g := newGate()
		s := database.NewShared(db, "item", func(tx *gorm.DB, ins []item) ([]int64, error) {
			g.hold()
			return writeItems(tx, ins)
		}, database.SharedConfig{Collectors: 1, Observe: g.observe})
		defer s.Stop()
		results := behind(t, g, s, newItem(2), newItem(1), newItem(3))
		require.NoError(t, results[0].err)
		require.ErrorIs(t, results[1].err, gorm.ErrDuplicatedKey)
		require.ErrorContains(t, results[1].err, "write item: ")
		require.Zero(t, results[1].id)
		require.NoError(t, results[2].err)
		require.Equal(t, []int{1, 3, 1, 1, 1}, g.sizes())
		require.Equal(t, 3, count(t, db))
	})
}

func TestSharedFaultOfTheDatabaseIsNotReplayed(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{
		database.ErrCommitUnknown, database.ErrUnavailable, database.ErrReadOnly, database.ErrFull,
	} {
		t.Run(fmt.Sprintf("%.30s", fault), func(t *testing.T) {
			t.Parallel()
			db := databasetest.SQLite(t)
			createItems(t, db)
			g := newGate()
			s := database.NewShared(db, "item", func(tx *gorm.DB, ins []item) ([]int64, error) {
				g.hold()
				if len(ins) > 1 {
					return nil, fault
				}
				return writeItems(tx, ins)
			}, database.SharedConfig{Observe: g.observe})
			defer s.Stop()
			for _, r := range behind(t, g, s, newItem(2), newItem(3)) {
				require.ErrorIs(t, r.err, fault)
			}
			require.Equal(t, []int{1, 2}, g.sizes())
		})
	}
}

func TestSharedLostCommitConcernsTheWholeBatch(t *testing.T) {
	t.Parallel()
	p, dsn := databasetest.NewProxy(t, databasetest.EmptyMySQL(t))
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
	createItems(t, db)
	g := newGate()
	s := database.NewShared(db, "item", func(tx *gorm.DB, ins []item) ([]int64, error) {
		g.hold()
		if len(ins) > 1 {
			p.Next(databasetest.LoseAnswer)
		}
		return writeItems(tx, ins)
	}, database.SharedConfig{Collectors: 1, Observe: g.observe})
	defer s.Stop()
	for _, r := range behind(t, g, s, newItem(2), newItem(3)) {
		require.ErrorIs(t, r.err, database.ErrCommitUnknown)
		require.Zero(t, r.id)
	}
	require.Equal(t, []int{1, 2}, g.sizes())
	require.Equal(t, 1, readBack(t, db, 2))
	require.Equal(t, 1, readBack(t, db, 3))
}

func TestSharedReplayStopsWhenTheDatabaseGoes(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	createItems(t, db)
	g := newGate()
	s := database.NewShared(db, "item", func(tx *gorm.DB, ins []item) ([]int64, error) {
		g.hold()
		switch {
		case len(ins) > 1:
			return nil, errors.New("one of them is faulty")
		case ins[0].ID == 2:
			return nil, database.ErrCommitUnknown
		case ins[0].ID == 3:
			return nil, database.ErrUnavailable
		}
		return writeItems(tx, ins)
	}, database.SharedConfig{Observe: g.observe})
	defer s.Stop()
	seen := map[string]int{}
	for _, r := range behind(t, g, s, newItem(2), newItem(3), newItem(4), newItem(5)) {
		switch {
		case r.err == nil:
			seen["written"]++
		case errors.Is(r.err, database.ErrCommitUnknown):
			seen["unknown"]++
		case errors.Is(r.err, database.ErrUnavailable):
			seen["unavailable"]++
		}
	}
	// Callers queue in any order, so 4 and 5 come before or after 3; 2 never spreads.
	require.LessOrEqual(t, seen["unknown"], 1)
	require.GreaterOrEqual(t, seen["unavailable"], 1)
	require.Equal(t, 4, seen["written"]+seen["unknown"]+seen["unavailable"])
	require.Equal(t, 1+seen["written"], count(t, db))
}

func TestSharedWithdraws(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	createItems(t, db)
	g := newGate()
	s := database.NewShared(db, "item", func(tx *gorm.DB, ins []item) ([]int64, error) {
		g.hold()
		return writeItems(tx, ins)
	}, database.SharedConfig{})
	defer s.Stop()

	takenCtx, endTaken := context.WithCancel(context.Background())
	taken := make(chan error, 1)
	go func() { _, err := s.Do(takenCtx, newItem(1)); taken <- err }()
	<-g.entered

	queuedCtx, endQueued := context.WithCancel(context.Background())
	queued := make(chan error, 1)
	go func() { _, err := s.Do(queuedCtx, newItem(2)); queued <- err }()
	waitForQueue(t, s, 1)

	endQueued()
	err := <-queued
	require.ErrorIs(t, err, database.ErrWithdrawn)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "write item: withdrawn before it was written: context canceled")

	// What was taken is awaited: its caller must not hear "not written".
	endTaken()
	select {
	case err := <-taken:
		t.Fatalf("Do returned %v while its item was being written", err)
	default:
	}
	close(g.opened)
	require.NoError(t, <-taken)
	require.Equal(t, 1, count(t, db))

	_, err = s.Do(queuedCtx, newItem(3))
	require.ErrorIs(t, err, database.ErrWithdrawn, "a context that had ended before")
}

func TestSharedStopWritesWhatWaits(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	createItems(t, db)
	g := newGate()
	s := database.NewShared(db, "item", func(tx *gorm.DB, ins []item) ([]int64, error) {
		g.hold()
		return writeItems(tx, ins)
	}, database.SharedConfig{})
	var all sync.WaitGroup
	all.Go(func() { _, _ = s.Do(context.Background(), newItem(1)) })
	<-g.entered
	all.Go(func() { _, _ = s.Do(context.Background(), newItem(2)) })
	waitForQueue(t, s, 1)
	close(g.opened)
	s.Stop()
	s.Stop()
	all.Wait()
	require.Equal(t, 2, count(t, db))
	_, err := s.Do(context.Background(), newItem(3))
	require.ErrorIs(t, err, database.ErrStopped)
}

func TestSharedRefusesWhenTooManyWait(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	createItems(t, db)
	g := newGate()
	s := database.NewShared(db, "item", func(tx *gorm.DB, ins []item) ([]int64, error) {
		g.hold()
		return writeItems(tx, ins)
	}, database.SharedConfig{MaxWaiting: 1})
	defer s.Stop()
	var all sync.WaitGroup
	all.Go(func() { _, _ = s.Do(context.Background(), newItem(1)) })
	<-g.entered
	all.Go(func() { _, _ = s.Do(context.Background(), newItem(2)) })
	waitForQueue(t, s, 1)
	_, err := s.Do(context.Background(), newItem(3))
	require.ErrorIs(t, err, database.ErrBusy)
	close(g.opened)
	all.Wait()
}

func TestSharedFaultsInTheWrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		write func(tx *gorm.DB, ins []item) ([]int64, error)
		text  string
	}{
		{"TooFewResults", func(tx *gorm.DB, ins []item) ([]int64, error) {
			_, err := writeItems(tx, ins)
			return nil, err
		}, "write item: the code that writes returned 0 results for 1 items"},
		{"Panic", func(tx *gorm.DB, ins []item) ([]int64, error) {
			if _, err := writeItems(tx, ins); err != nil {
				return nil, err
			}
			panic("s3cret")
		}, "write item: panic in the code that writes (string): see the log; nothing was written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := databasetest.SQLite(t)
			createItems(t, db)
			s := database.NewShared(db, "item", c.write, database.SharedConfig{})
			defer s.Stop()
			_, err := s.Do(context.Background(), newItem(1))
			require.EqualError(t, err, c.text)
			require.Zero(t, count(t, db))
		})
	}
}

func TestSharedInsideATransactionIsRefused(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	createItems(t, db)
	s := database.NewShared(db, "item", writeItems, database.SharedConfig{})
	defer s.Stop()
	err := db.Tx(context.Background(), func(tx *gorm.DB) error {
		_, err := s.Do(tx.Statement.Context, newItem(1))
		return err
	})
	require.ErrorContains(t, err, "within another one")
}

func TestSharedManyCallers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		s := database.NewShared(db, "item", writeItems, database.SharedConfig{})
		defer s.Stop()
		const callers, rows = 32, 10
		errs := make(chan error, callers)
		for c := range callers {
			go func() {
				var failed error
				for r := range rows {
					id := int64(1 + c*rows + r)
					got, err := s.Do(context.Background(), newItem(id))
					if err != nil || got != id {
						failed = fmt.Errorf("item %d: got %d, %w", id, got, err)
					}
				}
				errs <- failed
			}()
		}
		for range callers {
			require.NoError(t, <-errs)
		}
		require.Equal(t, callers*rows, count(t, db))
	})
}

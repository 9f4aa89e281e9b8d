package restore_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/host/restore/restoredb"
)

// runs are the runs of one host on one database, each ended or killed.
type runs struct {
	t     *testing.T
	db    *database.DB
	store restore.Store
	path  string // of the state file
	poll  time.Duration
	grace time.Duration
}

func noLock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// run starts a run. Nobody stops it: that is what a crash is.
func (r *runs) run() (*restore.Watch, *restoredb.Counter) {
	r.t.Helper()
	ctx := context.Background()
	_, err := r.store.Bind(ctx, restore.Environment{Name: "test", Kind: restore.KindTest, Fingerprint: "0", BoundAt: time.Now(), BoundBy: "test"})
	require.NoError(r.t, err)
	file, err := restore.OpenFile(r.path, noLock)
	require.NoError(r.t, err)
	w, err := restore.NewWatch(ctx, restore.WatchConfig{
		Store: r.store, File: file, Owner: "host", Poll: max(r.poll, time.Millisecond), Grace: r.grace, Now: time.Now, Logger: hclog.NewNullLogger(),
	})
	require.NoError(r.t, err)
	return w, restoredb.NewCounter(w)
}

// commit is one counted transaction. It says whether charging may go on.
func (r *runs) commit(c *restoredb.Counter, end error) (open bool) {
	r.t.Helper()
	err := c.Count(context.Background(), func(mark func(*gorm.DB) (bool, error)) error {
		err := r.db.Tx(context.Background(), func(tx *gorm.DB) (err error) {
			open, err = mark(tx)
			return err
		})
		return errors.Join(err, end)
	})
	require.ErrorIs(r.t, err, end)
	return open
}

// Whenever a host is killed, and whenever the answer to a COMMIT is lost, the
// next run finds no less than the last one kept. Without grace, every false
// alarm would stop charging for good.
func TestNoFalseAlarm(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		r := &runs{t: t, db: db, store: restoredb.New(db), path: filepath.Join(t.TempDir(), "state")}
		lost := errors.New("the answer was lost")
		for run := range 12 {
			w, c := r.run()
			for i := range 10 * (run%3 + 1) {
				end := error(nil)
				if i%4 == 3 {
					end = lost // committed, and nobody knows
				}
				require.True(t, r.commit(c, end), "run %d: %s", run, w.Stopped())
			}
			require.Empty(t, w.Stopped(), "run %d", run)
			if run%2 == 0 {
				w.Stop(context.Background())
			} else {
				// Killed: the file is what it is at this moment, and may lag.
				killed, err := os.ReadFile(r.path)
				require.NoError(t, err)
				w.Stop(context.Background())
				require.NoError(t, os.WriteFile(r.path, killed, 0o600))
			}
		}
	})
}

// While a host works on many lanes and reads the counters all the time, what it
// commits in between is no alarm.
func TestNoFalseAlarmUnderLoad(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		r := &runs{t: t, db: db, store: restoredb.New(db), path: filepath.Join(t.TempDir(), "state")}
		w, c := r.run()
		defer w.Stop(context.Background())
		done := make(chan bool)
		for range restore.Lanes + 2 {
			go func() {
				open := true
				for range 40 {
					open = r.commit(c, nil) && open
				}
				done <- open
			}()
		}
		for range restore.Lanes + 2 {
			require.True(t, <-done, w.Stopped())
		}
		require.Empty(t, w.Stopped())
	})
}

// Each counter that shows less than it did is noticed by the transaction that
// wants it, before any clock has ticked; and at start.
func TestLessIsNoticed(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		r := &runs{t: t, db: db, store: restoredb.New(db), path: filepath.Join(t.TempDir(), "state")}
		w, c := r.run()
		for range 3 * restore.Lanes {
			require.True(t, r.commit(c, nil))
		}
		w.Stop(context.Background())
		less := "UPDATE commit_counters SET commits = commits - 1"
		require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(less).Error }))
		w, c = r.run()
		require.Contains(t, w.Stopped(), "the database seems to have been put back")
		require.False(t, r.commit(c, nil))
		require.False(t, w.RestoredAt().IsZero())
		w.Stop(context.Background())
		state, err := r.store.State(context.Background())
		require.NoError(t, err)
		require.NotNil(t, state.Open)
	})
}

// A database that lost the last commit alone is noticed by the next one, on
// whichever counter that is.
func TestOneLessIsNoticedByAnyCommit(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		for lane := range restore.Lanes {
			r := &runs{t: t, db: db, store: restoredb.New(db), path: filepath.Join(t.TempDir(), "state"), poll: time.Hour}
			w, c := r.run()
			for range 2 * restore.Lanes {
				require.True(t, r.commit(c, nil), w.Stopped())
			}
			less := "UPDATE commit_counters SET commits = commits - 1 WHERE lane = ?"
			require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(less, lane).Error }))
			require.False(t, r.commit(c, nil), "counter %d", lane)
			require.NotEmpty(t, w.Stopped())
			w.Stop(context.Background())
			more := "UPDATE commit_counters SET commits = commits + 1 WHERE lane = ?"
			require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error {
				return errors.Join(tx.Exec(more, lane).Error, tx.Exec("DELETE FROM restores").Error)
			}))
		}
	})
}

// The same under a running host, with no reading of the counters in between.
func TestLessIsNoticedByTheNextCommit(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		r := &runs{t: t, db: db, store: restoredb.New(db), path: filepath.Join(t.TempDir(), "state"), poll: time.Hour}
		w, c := r.run()
		defer w.Stop(context.Background())
		for range 3 * restore.Lanes {
			require.True(t, r.commit(c, nil))
		}
		less := "UPDATE commit_counters SET commits = commits - 1"
		require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(less).Error }))
		require.False(t, r.commit(c, nil))
		require.NotEmpty(t, w.Stopped())
		require.False(t, r.commit(c, nil))
		state, err := r.store.State(context.Background())
		require.NoError(t, err)
		for _, n := range state.Seen.Commits {
			for _, commits := range n {
				require.Equal(t, int64(2), commits, "what shows less is not counted on")
			}
		}
	})
}

// lagging is a store on a node that shows what once was, and may take in what
// the others have written or not.
type lagging struct {
	restore.Store
	mu    sync.Mutex
	shown *restore.State
	fault error
}

func (l *lagging) set(shown *restore.State, fault error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown, l.fault = shown, fault
}

func (l *lagging) State(ctx context.Context) (restore.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown != nil {
		return *l.shown, nil
	}
	return l.Store.State(ctx)
}

func (l *lagging) Latest(ctx context.Context) (restore.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		return restore.State{}, l.fault
	}
	return l.Store.Latest(ctx)
}

// A node that lags behind shows less than it did, for however long. That is no
// restore: charging stops while it is so, and goes on.
func TestLaggingIsNotPutBack(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		node := &lagging{Store: restoredb.New(db)}
		r := &runs{t: t, db: db, store: node, path: filepath.Join(t.TempDir(), "state"), grace: 20 * time.Millisecond}
		w, c := r.run()
		once, err := node.State(ctx)
		require.NoError(t, err)
		for range 3 * restore.Lanes {
			require.True(t, r.commit(c, nil))
		}
		stopped := func(text string) func() bool {
			return func() bool { return strings.Contains(w.Stopped(), text) }
		}
		goesOn := func() bool { return w.Stopped() == "" }
		for _, when := range []string{"running", "starting"} {
			node.set(&once, errors.New("the node takes nothing in"))
			if when == "starting" {
				w.Stop(ctx)
				w, c = r.run()
				require.NotEmpty(t, w.Stopped())
			}
			require.Eventually(t, stopped("can't be read"), time.Minute, time.Millisecond, when)
			require.False(t, r.commit(c, nil), "nothing is begun")
			// It has caught up; what it showed before may still be on its way.
			node.set(&once, nil)
			require.Eventually(t, goesOn, time.Minute, time.Millisecond, when)
			node.set(nil, nil)
			require.Eventually(t, func() bool { return r.commit(c, nil) }, time.Minute, time.Millisecond)
			require.True(t, w.RestoredAt().IsZero())
			all, err := node.Restores(ctx)
			require.NoError(t, err)
			require.Empty(t, all, when)
		}
		w.Stop(ctx)
	})
}

// A database that shows less, and does not know more either, was put back.
func TestPutBackAfterAGrace(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		r := &runs{t: t, db: db, store: restoredb.New(db), path: filepath.Join(t.TempDir(), "state"), grace: 20 * time.Millisecond}
		w, c := r.run()
		defer w.Stop(context.Background())
		for range 3 * restore.Lanes {
			require.True(t, r.commit(c, nil))
		}
		less := "UPDATE commit_counters SET commits = commits - 1"
		require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(less).Error }))
		require.Eventually(t, func() bool { return !w.RestoredAt().IsZero() }, time.Minute, time.Millisecond)
		require.Contains(t, w.Stopped(), "chargehand restored --since")
	})
}

// A database that is not the one this host has worked on is one that forgot
// all of it.
func TestAnotherDatabase(t *testing.T) {
	t.Parallel()
	first := &runs{t: t, db: databasetest.SQLite(t), path: filepath.Join(t.TempDir(), "state")}
	first.store = restoredb.New(first.db)
	w, _ := first.run()
	w.Stop(context.Background())
	second := &runs{t: t, db: databasetest.SQLite(t), path: first.path}
	second.store = restoredb.New(second.db)
	w, _ = second.run()
	defer w.Stop(context.Background())
	require.Contains(t, w.Stopped(), "it is another database")
}

func TestStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	f, err := restore.OpenFile(path, database.LockFile)
	require.NoError(t, err)
	seen := restore.Seen{Database: "d", Epoch: 3, Commits: map[string][]int64{"h": {1, 2}}}
	require.NoError(t, f.Write(seen))
	_, err = restore.OpenFile(path, database.LockFile)
	require.ErrorContains(t, err, "each host needs one of its own")
	require.NoError(t, f.Close())
	again, err := restore.OpenFile(path, database.LockFile)
	require.NoError(t, err)
	require.Equal(t, f.Host, again.Host)
	require.Equal(t, seen, again.Seen)
	require.NoError(t, again.Close())
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err = restore.OpenFile(path, database.LockFile)
	require.ErrorContains(t, err, "If you are sure that it was not, remove the file")
}

func TestFence(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		store := restoredb.New(db)
		own := restore.Environment{Name: "shop", Kind: restore.KindProduction, Fingerprint: "aaaaaaaaaa", BoundAt: time.Now(), BoundBy: "first"}
		there, err := store.Bind(context.Background(), own)
		require.NoError(t, err)
		require.NoError(t, there.Check(own))
		require.NotEmpty(t, there.Database)
		for name, test := range map[string]struct {
			change func(*restore.Environment)
			want   string
		}{
			"name": {func(e *restore.Environment) { e.Name = "staging" }, `belongs to the environment "shop"`},
			"key":  {func(e *restore.Environment) { e.Fingerprint = "bbbbbbbbbb" }, "keys.reference_file"},
			"kind": {func(e *restore.Environment) { e.Kind = restore.KindTest }, "correct environment_kind"},
		} {
			other := own
			test.change(&other)
			there, err := store.Bind(context.Background(), other)
			require.NoError(t, err)
			require.ErrorContains(t, there.Check(other), test.want, name)
			require.NoError(t, there.Check(own), "nothing was changed")
		}
	})
}

// BenchmarkCount is what counting costs a transaction that writes nothing else.
func BenchmarkCount(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": databasetest.SQLite, "mysql": databasetest.MySQL} {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			store := restoredb.New(db)
			ctx := context.Background()
			_, err := store.Bind(ctx, restore.Environment{Name: "test", Kind: restore.KindTest, BoundAt: time.Now()})
			require.NoError(b, err)
			file, err := restore.OpenFile(filepath.Join(b.TempDir(), "state"), noLock)
			require.NoError(b, err)
			w, err := restore.NewWatch(ctx, restore.WatchConfig{Store: store, File: file, Owner: "host", Poll: time.Second, Now: time.Now, Logger: hclog.NewNullLogger()})
			require.NoError(b, err)
			defer w.Stop(ctx)
			counter := restoredb.NewCounter(w)
			insert := "INSERT INTO sequences (link_id, stored, next) VALUES ('l', ?, 2)"
			n := 0
			write := func(tx *gorm.DB) error { n++; return tx.Exec(insert, n).Error }
			b.Run("without", func(b *testing.B) {
				for b.Loop() {
					require.NoError(b, db.Tx(ctx, write))
				}
			})
			b.Run("with", func(b *testing.B) {
				for b.Loop() {
					require.NoError(b, counter.Count(ctx, func(mark func(*gorm.DB) (bool, error)) error {
						return db.Tx(ctx, func(tx *gorm.DB) error {
							if _, err := mark(tx); err != nil {
								return err
							}
							return write(tx)
						})
					}))
				}
			})
		})
	}
}

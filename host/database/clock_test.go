package database_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// hands are the clocks of a host that a test sets.
type hands struct{ wall, elapsed atomic.Int64 }

// config is that of a clock with these hands, which are not read again by
// themselves.
func (h *hands) config() database.ClockConfig {
	began := time.Now()
	return database.ClockConfig{
		Every:   time.Hour,
		Wall:    func() time.Time { return time.Now().Add(time.Duration(h.wall.Load())) },
		Elapsed: func() time.Duration { return time.Since(began) + time.Duration(h.elapsed.Load()) },
	}
}

func startClock(t *testing.T, db *database.DB, config database.ClockConfig) *database.Clock {
	t.Helper()
	c := database.NewClock(db, config)
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(c.Stop)
	return c
}

// off is how far a clock is from this machine's, whatever time it takes to look.
func off(c *database.Clock) time.Duration {
	before := time.Now()
	now := c.Now()
	switch after := time.Now(); {
	case now.Before(before):
		return now.Sub(before)
	case now.After(after):
		return now.Sub(after)
	}
	return 0
}

// exact is what a reading may be off, on however busy a machine.
const exact = time.Second

// The test server runs on this machine, so its clock is known.
func TestClockTellsTheDatabasesTime(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		for _, skew := range []time.Duration{0, 4 * time.Second, -4 * time.Second} {
			h := &hands{}
			h.wall.Store(int64(skew))
			c := startClock(t, db, h.config())
			want := time.Duration(0)
			if db.Driver() == database.DriverSQLite {
				want = skew // it has no other clock than its host's
			}
			require.InDelta(t, want, off(c), float64(exact))
			require.Equal(t, time.UTC, c.Now().Location())
			require.NoError(t, c.Check())
		}
	})
}

func TestClockIsNotMovedWithTheWall(t *testing.T) {
	t.Parallel()
	h := &hands{}
	c := startClock(t, databasetest.MySQL(t), h.config())
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 4 * time.Second, -4 * time.Second} {
		h.wall.Store(int64(jump))
		require.InDelta(t, 0, off(c), float64(exact))
		if jump.Abs() > 5*time.Second {
			require.ErrorContains(t, c.Check(), "from the database's; the most is 5s: synchronise both", "it is seen without another reading")
		} else {
			require.NoError(t, c.Check())
		}
	}
}

func TestClockRefuses(t *testing.T) {
	t.Parallel()
	db := databasetest.MySQL(t)
	t.Run("NeverRead", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, database.NewClock(db, database.ClockConfig{}).Check(), "the database's clock has not been read yet")
	})
	t.Run("TooOld", func(t *testing.T) {
		t.Parallel()
		h := &hands{}
		c := startClock(t, db, h.config())
		// The machine's clocks agree, so that only the age is wrong.
		h.elapsed.Store(int64(time.Hour))
		h.wall.Store(int64(time.Hour))
		require.ErrorContains(t, c.Check(), "the database's clock was last read 1h0m")
		require.ErrorContains(t, c.Check(), "ago; the most is 30s")
	})
	t.Run("Slept", func(t *testing.T) {
		t.Parallel()
		// A machine that slept: its monotonic clock stood still, its wall did not.
		h := &hands{}
		c := startClock(t, db, h.config())
		h.wall.Store(int64(time.Minute))
		require.ErrorContains(t, c.Check(), "synchronise both")
	})
	t.Run("TooSlow", func(t *testing.T) {
		t.Parallel()
		config := (&hands{}).config()
		var asked atomic.Int64
		config.Elapsed = func() time.Duration { return time.Duration(asked.Add(1)) * 3 * time.Second }
		c := database.NewClock(db, config)
		require.ErrorContains(t, c.Start(t.Context()), "read the database's clock: every answer took more than 2s")
		require.Error(t, c.Check())
	})
}

// A reading brings back what went wrong, and a clock that is refused goes on
// being read.
func TestClockIsReadAgain(t *testing.T) {
	t.Parallel()
	h := &hands{}
	config := h.config()
	config.Every = time.Millisecond
	c := startClock(t, databasetest.MySQL(t), config)
	h.elapsed.Store(int64(time.Hour)) // as if the host's oscillator ran away
	require.Eventually(t, func() bool { return c.Check() == nil && off(c).Abs() < exact }, time.Minute, time.Millisecond)
}

// All connections are busy for long: that is the pool's time and not the answer's.
func TestClockDoesNotCountTheWaitForAConnection(t *testing.T) {
	t.Parallel()
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: databasetest.EmptyMySQL(t), MaxOpen: 1})
	h := &hands{}
	c := database.NewClock(db, h.config())
	t.Cleanup(c.Stop)
	started := make(chan error, 1)
	require.NoError(t, db.Tx(context.Background(), func(*gorm.DB) error {
		waiting := db.Stats().WaitCount
		go func() { started <- c.Start(context.Background()) }()
		require.Eventually(t, func() bool { return db.Stats().WaitCount > waiting }, time.Minute, time.Millisecond)
		h.elapsed.Store(int64(time.Minute))
		h.wall.Store(int64(time.Minute))
		return nil
	}))
	require.NoError(t, <-started)
	require.InDelta(t, 0, off(c), float64(exact))
}

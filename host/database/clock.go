package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// clockProbes is how often one reading asks for the time; the quickest answer
	// counts, since it leaves the least room for error.
	clockProbes = 4
	// clockTolerance is how far a reading may be off: half of what its answer took.
	clockTolerance = time.Second
	// clockPatience bounds one reading, the wait for a connection included.
	clockPatience = 5 * time.Second
)

// ClockConfig sizes a Clock. The zero value means the defaults.
type ClockConfig struct {
	// Every is the time between two readings. Default 2 s.
	Every time.Duration
	// MaxAge is how old the last reading may be until Check refuses. Default 30 s:
	// a cluster that has lost a node stands still for some seconds.
	MaxAge time.Duration
	// MaxSkew is how far the host's wall clock may be from the database's until
	// Check refuses. Default 5 s.
	MaxSkew time.Duration
	// Wall is the host's wall clock. Default time.Now.
	Wall func() time.Time
	// Elapsed is a clock of the host that nobody can set: the time since any fixed
	// moment. Default the monotonic clock.
	Elapsed func() time.Duration
	// Logger is told when Check begins to refuse and when it ends. Default: nobody.
	Logger hclog.Logger
}

// Clock tells the time of the database: one time for all its hosts, so that the
// ends of leases and what is due mean the same to each of them. Between two
// readings the host's monotonic clock carries it on, so that setting the host's
// wall clock does not move it. On SQLite, whose only host it is, it is that
// host's wall clock.
//
// Start it before Now is of use. It is safe for concurrent use.
type Clock struct {
	db     *DB
	config ClockConfig

	mu   sync.RWMutex
	read bool
	time time.Time     // the database's,
	at   time.Duration // when Elapsed showed this
	last error         // of the newest reading

	once sync.Once
	stop context.CancelFunc
	done chan struct{}
}

// NewClock makes a clock that reads that database's time.
func NewClock(db *DB, config ClockConfig) *Clock {
	if config.Every <= 0 {
		config.Every = 2 * time.Second
	}
	if config.MaxAge <= 0 {
		config.MaxAge = 30 * time.Second
	}
	if config.MaxSkew <= 0 {
		config.MaxSkew = 5 * time.Second
	}
	if config.Wall == nil {
		config.Wall = time.Now
	}
	if config.Elapsed == nil {
		began := time.Now()
		config.Elapsed = func() time.Duration { return time.Since(began) }
	}
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	return &Clock{db: db, config: config}
}

// Start reads the database's time and keeps reading it until Stop. Its error is
// that of the first reading, and then nothing runs.
func (c *Clock) Start(ctx context.Context) error {
	if c.own() {
		return nil
	}
	if err := c.measure(ctx); err != nil {
		return err
	}
	ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	c.done = make(chan struct{})
	go c.keep(ctx)
	return nil
}

// Stop ends the readings. It may be called again, and without Start.
func (c *Clock) Stop() {
	if c.stop != nil {
		c.once.Do(func() {
			c.stop()
			<-c.done
		})
	}
}

// Now is the database's time, in UTC. Before the first reading it is the host's.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if !c.read {
		return c.config.Wall().UTC()
	}
	return c.time.Add(c.config.Elapsed() - c.at)
}

// Check says why this host must start nothing new by this clock: it was never
// read, or too long ago, or the host's wall clock is too far from it. It asks
// nobody, and sees at once when the wall clock is set.
func (c *Clock) Check() error {
	if c.own() {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.read {
		return errors.Join(errors.New("the database's clock has not been read yet"), c.last)
	}
	if age := c.config.Elapsed() - c.at; age > c.config.MaxAge {
		return errors.Join(fmt.Errorf("the database's clock was last read %s ago; the most is %s", age.Round(time.Second), c.config.MaxAge), c.last)
	}
	if d := c.config.Wall().Sub(c.now()).Abs(); d > c.config.MaxSkew {
		return fmt.Errorf("this host's clock is %s from the database's; the most is %s: synchronise both", d.Round(time.Millisecond), c.config.MaxSkew)
	}
	return nil
}

// own reports that the host's clock is the only one.
func (c *Clock) own() bool { return c.db.Driver() == DriverSQLite }

func (c *Clock) keep(ctx context.Context) {
	defer close(c.done)
	tick := time.NewTicker(c.config.Every)
	defer tick.Stop()
	refused := false
	for {
		err := c.Check()
		switch {
		case err != nil && !refused:
			c.config.Logger.Error("nothing new is started by this clock", "error", err)
		case err == nil && refused:
			c.config.Logger.Info("the clock is right again")
		}
		refused = err != nil
		select {
		case <-tick.C:
			_ = c.measure(ctx) // Check tells of it, if it lasts
		case <-ctx.Done():
			return
		}
	}
}

// measure reads the database's time.
func (c *Clock) measure(ctx context.Context) error {
	there, at, err := c.ask(ctx)
	if err != nil {
		err = fmt.Errorf("read the database's clock: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last = err; err == nil {
		c.time, c.at, c.read = there, at, true
	}
	return err
}

// ask gives the database's time, and the moment of ours halfway between question
// and answer.
func (c *Clock) ask(ctx context.Context) (there time.Time, at time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, clockPatience)
	defer cancel()
	// A connection in hand, so that the wait for one is not taken for the answer's.
	conn, err := c.db.writePool().Conn(ctx)
	if err != nil {
		return there, at, translate(err)
	}
	defer conn.Close()
	best := 2*clockTolerance + 1
	for range clockProbes {
		asked := c.config.Elapsed()
		now, err := serverTime(ctx, conn)
		if err != nil {
			return there, at, err
		}
		if took := c.config.Elapsed() - asked; took < best {
			best, there, at = took, now, asked+took/2
		}
	}
	if best > 2*clockTolerance {
		return there, at, fmt.Errorf("every answer took more than %s, which says nothing exact", 2*clockTolerance)
	}
	return there, at, nil
}

// serverTime asks a server for its time.
func serverTime(ctx context.Context, on interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (time.Time, error) {
	var now time.Time
	if err := on.QueryRowContext(ctx, "SELECT UTC_TIMESTAMP(6)").Scan(&now); err != nil {
		return time.Time{}, translate(err)
	}
	return now.UTC(), nil
}

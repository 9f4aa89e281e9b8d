package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/chargehand/chargehand/testharness/stand"
)

// The parts of a run, as --only names them.
const (
	partMariaDB = "mariadb"
	partSQLite  = "sqlite"
	partFlood   = "flood"
	partWaiting = "waiting"
)

// Config says what to measure. Bin and Now are required.
type Config struct {
	// Bin is the folder with chargehand, testharness and plugins.
	Bin string
	// Only names the one part to run; empty for all.
	Only string
	// Quick keeps each part to a few seconds: good to see that it works, too
	// short for figures to be compared.
	Quick bool
	// Orders is how many orders one round sends through the host; 0 is 8,000,
	// or 1,500 if Quick.
	Orders int
	// MySQL is the DSN of a server on which databases may be made and dropped;
	// empty leaves MariaDB out.
	MySQL string
	// Out gets the summary, Report what people read; both are required.
	Out, Report io.Writer
	// Now must carry the monotonic clock, as time.Now does.
	Now func() time.Time
}

// Summary is the last line of a run. A figure that was not measured is zero.
type Summary struct {
	// MariaDBRatio and SQLiteRatio are charges per second through the host with
	// 64 orders in flight, by those of the bare loop at its best concurrency.
	MariaDBRatio float64 `json:"mariadb_ratio"`
	SQLiteRatio  float64 `json:"sqlite_ratio"`
	// LoneOwnP50 is the median of a charge's own time (all but the call) with
	// one order at a time, OwnP99 its 99th percentile with 64 in flight; both
	// on MariaDB if that was measured. In milliseconds.
	LoneOwnP50 float64 `json:"lone_own_p50_ms"`
	OwnP99     float64 `json:"own_p99_ms"`
	// SimulatorShare is the simulator's processor time for each AUTH (measured
	// with the bare loop, which makes nothing else) by that of host and plugin for
	// each charge; on MariaDB if that was measured. 0 if the system does not tell.
	SimulatorShare float64 `json:"simulator_share"`
	// FloodRatio is a small company's p99 latency beside another's flood, by
	// that of the same company alone.
	FloodRatio float64 `json:"flood_ratio"`
	// Waiting10000 is the peak memory of host and plugin together while 10,000
	// orders (2,000 if Quick) wait for the gateway, in MB of 10^6 bytes.
	Waiting10000 float64 `json:"waiting_10000_mb"`
}

// bench is one run.
type bench struct {
	cfg     Config
	dir     string
	mysql   *server // nil without
	summary Summary
	names   int // of orders, for each its own
}

// Run measures and prints the report; its last line is the Summary.
func Run(ctx context.Context, cfg Config) (err error) {
	if cfg.Orders == 0 {
		cfg.Orders = pick(cfg.Quick, 1500, 8000)
	}
	b := &bench{cfg: cfg}
	if err := stand.MustExist(b.bin("chargehand"), b.bin("testharness"), b.bin("plugins")); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "chargehand-bench-"); err != nil {
		return fmt.Errorf("make a folder for the benchmark: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if cfg.MySQL != "" {
		if b.mysql, err = openServer(ctx, cfg.MySQL); err != nil {
			return err
		}
		defer b.mysql.close()
	}
	b.introduce()
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{partMariaDB, b.mariadb}, {partSQLite, b.sqlite}, {partFlood, b.flood}, {partWaiting, b.waiting},
	} {
		if cfg.Only != "" && cfg.Only != part.name {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("benchmark %s: %w", part.name, err)
		}
	}
	line, err := json.Marshal(b.summary)
	if err != nil {
		return fmt.Errorf("print the summary: %w", err)
	}
	_, err = fmt.Fprintf(cfg.Out, "%s\n", line)
	return err
}

func (b *bench) bin(name string) string { return filepath.Join(b.cfg.Bin, name) }

func (b *bench) mariadb(ctx context.Context) error {
	if b.mysql == nil {
		b.say("\nMariaDB: not measured, since CHARGEHAND_TEST_MYSQL_DSN names no server. \"make bench\" brings one.")
		return nil
	}
	s, err := b.throughput(ctx, b.mysql)
	b.summary.MariaDBRatio, b.summary.LoneOwnP50, b.summary.OwnP99, b.summary.SimulatorShare = s.ratio, s.loneP50, s.ownP99, s.simulator
	return err
}

func (b *bench) sqlite(ctx context.Context) error {
	s, err := b.throughput(ctx, &folder{dir: b.dir})
	b.summary.SQLiteRatio = s.ratio
	if b.summary.OwnP99 == 0 {
		b.summary.LoneOwnP50, b.summary.OwnP99, b.summary.SimulatorShare = s.loneP50, s.ownP99, s.simulator
	}
	return err
}

// store is the database for the parts that are measured on one alone: the
// server's if there is one.
func (b *bench) store() engine {
	if b.mysql != nil {
		return b.mysql
	}
	return &folder{dir: b.dir}
}

func pick[T any](quick bool, short, long T) T {
	if quick {
		return short
	}
	return long
}

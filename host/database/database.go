package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	config Config
	write  *gorm.DB
	read   *gorm.DB

	// pools are closed in this order: on SQLite the reader first, so that the last
	// connection to close is one that may fold the log into the file.
	pools []*sql.DB
	// lock is held while a SQLite file is open; nil on a server.
	lock io.Closer
}

// Open connects to the database, checks that it answers, and applies the settings
// that the product depends on. It does not look at the schema: see CheckSchema
// and Migrate. The errors are ErrUnavailable if nobody answers, ErrInUse if
// another process has the SQLite file open, ErrReadOnly, or a fault of config.
func Open(ctx context.Context, config Config) (*DB, error) {
	config = config.withDefaults()
	var (
		db  *DB
		err error
	)
	switch config.Driver {
	case DriverSQLite:
		db, err = openSQLite(ctx, config)
	case DriverMySQL:
		db, err = openMySQL(ctx, config)
	default:
		err = fmt.Errorf("driver must be %q or %q, not %q", DriverSQLite, DriverMySQL, config.Driver)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return db, nil
}

// Driver returns DriverSQLite or DriverMySQL.
func (db *DB) Driver() string { return db.config.Driver }

// Read returns a GORM handle for queries outside a transaction. What it sees may
// be older than a transaction that is under way. Writing through it is refused
// with ErrReadOnly: use Tx.
func (db *DB) Read(ctx context.Context) *gorm.DB { return db.read.WithContext(ctx) }

// now is the host's clock, cut to what the database keeps.
func (db *DB) now() time.Time { return db.config.Now().UTC().Truncate(time.Microsecond) }

// Ping checks that the database answers.
func (db *DB) Ping(ctx context.Context) error {
	for _, pool := range db.pools {
		if err := pool.PingContext(ctx); err != nil {
			return fmt.Errorf("ping database: %w", translate(err))
		}
	}
	return nil
}

// Stats returns the figures of the pool that writes, for metrics.
func (db *DB) Stats() sql.DBStats { return db.writePool().Stats() }

// Close waits for running statements and closes all connections.
func (db *DB) Close() error {
	var errs []error
	for _, pool := range db.pools {
		errs = append(errs, pool.Close())
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// writePool is the pool below db.write: the last one, see pools.
func (db *DB) writePool() *sql.DB { return db.pools[len(db.pools)-1] }

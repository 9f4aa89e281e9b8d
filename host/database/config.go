package database

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
)

// The drivers that Open knows.
const (
	// DriverSQLite is the embedded database: one file, one host process.
	DriverSQLite = "sqlite"
	// DriverMySQL is MySQL 8, or MariaDB 10.6 and later.
	DriverMySQL = "mysql"
)

// Config says which database to open, and how. The zero value of every field but
// Driver and Path or DSN means the default named beside it.
type Config struct {
	// Driver is DriverSQLite or DriverMySQL.
	Driver string

	// Path is the SQLite file. It is created with mode 0600 if it is missing; its
	// folder must exist. Beside it stand Path-wal, Path-shm and Path.lock.
	Path string

	// DSN names the server, in the form user:password@tcp(host:3306)/name. It is a
	// secret. What the product depends on (UTC, strict mode, found rows and so on)
	// is set whatever the DSN says; TLS and timeouts are taken from it.
	DSN string

	// MaxOpen is the number of server connections at most. Default 32: more add
	// waiting, not speed. SQLite always has one writer.
	MaxOpen int

	// MaxIdle is how many of them are kept when idle. Default MaxOpen, since a new
	// connection costs several round trips.
	MaxIdle int

	// Readers is the number of SQLite's read-only connections. Default 4.
	Readers int

	// ConnMaxLifetime is how long a server connection is used, so that a moved
	// server or a changed address is noticed. Default 3 minutes.
	ConnMaxLifetime time.Duration

	// TxTimeout limits a transaction from the wait for its connection to its
	// last repetition. Default 30 seconds. A COMMIT under way is awaited beyond it,
	// for as long as the connection's read timeout.
	TxTimeout time.Duration

	// SlowQuery is how long a statement may take before it is logged as slow,
	// without its values. Default 500 ms, negative never.
	SlowQuery time.Duration

	// Logger gets connection faults and slow statements. Default: nothing is logged.
	Logger hclog.Logger

	// Now is the clock for columns that GORM fills. Default time.Now.
	Now func() time.Time
}

// String shows the configuration without the DSN.
func (c Config) String() string {
	switch c.Driver {
	case DriverSQLite:
		return "sqlite " + c.Path
	case DriverMySQL:
		return "mysql " + describeDSN(c.DSN)
	default:
		return fmt.Sprintf("unknown driver %q", c.Driver)
	}
}

// GoString keeps the DSN out of %#v.
func (c Config) GoString() string { return "database.Config{" + c.String() + "}" }

func (c Config) withDefaults() Config {
	if c.MaxOpen <= 0 {
		c.MaxOpen = 32
	}
	if c.MaxIdle <= 0 || c.MaxIdle > c.MaxOpen {
		c.MaxIdle = c.MaxOpen
	}
	if c.Readers <= 0 {
		c.Readers = 4
	}
	if c.ConnMaxLifetime <= 0 {
		c.ConnMaxLifetime = 3 * time.Minute
	}
	if c.TxTimeout <= 0 {
		c.TxTimeout = 30 * time.Second
	}
	if c.SlowQuery == 0 {
		c.SlowQuery = 500 * time.Millisecond
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

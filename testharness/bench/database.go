package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite" // the driver of the bare loop, as it is the host's
)

// engine makes databases of one kind.
type engine interface {
	name() string
	// create makes a database: what the host's configuration says of it, and a
	// way to it for the bare loop. drop closes and removes it.
	create(ctx context.Context) (db *database, err error)
	// pid is the server's process; 0 if there is none, or it can't be known.
	pid() int
}

// database is one database with nothing in it.
type database struct {
	settings map[string]any
	open     func() (*sql.DB, error)
	schema   string // of the bare loop
	drop     func() error
}

// server is a MySQL or MariaDB server.
type server struct {
	dsn     *mysql.Config
	admin   *sql.DB
	version string
	process int
}

func openServer(ctx context.Context, dsn string) (*server, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("CHARGEHAND_TEST_MYSQL_DSN can't be read: write user:password@tcp(host:3306)/name")
	}
	s := &server{dsn: cfg}
	if s.admin, err = s.connect(""); err != nil {
		return nil, err
	}
	var pidFile string
	if err := s.admin.QueryRowContext(ctx, "SELECT VERSION(), @@pid_file").Scan(&s.version, &pidFile); err != nil {
		_ = s.admin.Close()
		return nil, fmt.Errorf("reach the database server of CHARGEHAND_TEST_MYSQL_DSN: %w", err)
	}
	if b, err := os.ReadFile(pidFile); err == nil && strings.HasPrefix(cfg.Addr, "127.0.0.1:") {
		s.process, _ = strconv.Atoi(strings.TrimSpace(string(b))) // only for the report
	}
	return s, nil
}

func (s *server) name() string { return "MariaDB " + s.version }
func (s *server) pid() int     { return s.process }
func (s *server) close()       { _ = s.admin.Close() }

// connect opens a database with what the host's connections have, too.
func (s *server) connect(name string) (*sql.DB, error) {
	cfg := s.dsn.Clone()
	cfg.DBName, cfg.InterpolateParams, cfg.ParseTime, cfg.Loc = name, true, true, time.UTC
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("database server: %w", err)
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(maxBare)
	db.SetMaxIdleConns(maxBare)
	return db, nil
}

func (s *server) create(ctx context.Context) (*database, error) {
	name := "chargehand_bench_" + strings.ToLower(rand.Text()[:10])
	if _, err := s.admin.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		return nil, fmt.Errorf("make a database: %w", err)
	}
	cfg := s.dsn.Clone()
	cfg.DBName = name
	return &database{
		settings: map[string]any{"driver": "mysql", "dsn": cfg.FormatDSN()},
		open:     func() (*sql.DB, error) { return s.connect(name) },
		schema: `CREATE TABLE bare_payments (id CHAR(26) CHARACTER SET ascii NOT NULL PRIMARY KEY, reference VARBINARY(64) NOT NULL,
			amount BIGINT NOT NULL, currency CHAR(3) NOT NULL, state VARCHAR(32) NOT NULL, started_at DATETIME(6) NOT NULL,
			answered_at DATETIME(6) NULL, evidence TEXT NULL) ENGINE = InnoDB`,
		drop: func() error {
			_, err := s.admin.ExecContext(context.WithoutCancel(ctx), "DROP DATABASE "+name)
			return err
		},
	}, nil
}

// folder holds SQLite databases.
type folder struct{ dir string }

func (f *folder) name() string { return "SQLite" }
func (f *folder) pid() int     { return 0 }

func (f *folder) create(context.Context) (*database, error) {
	dir, err := os.MkdirTemp(f.dir, "sqlite-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the database: %w", err)
	}
	return &database{
		settings: map[string]any{"driver": "sqlite", "path": filepath.Join(dir, "chargehand.db")},
		open: func() (*sql.DB, error) {
			at := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(dir, "bare.db")), RawQuery: url.Values{
				"_txlock": {"immediate"}, "_time_format": {"sqlite"},
				"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"},
			}.Encode()}
			db, err := sql.Open("sqlite", at.String())
			if err == nil {
				db.SetMaxOpenConns(1) // one writer is the fastest there is
			}
			return db, err
		},
		schema: `CREATE TABLE bare_payments (id TEXT NOT NULL PRIMARY KEY, reference TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
			state TEXT NOT NULL, started_at DATETIME NOT NULL, answered_at DATETIME, evidence TEXT) WITHOUT ROWID`,
		drop: func() error { return os.RemoveAll(dir) },
	}, nil
}

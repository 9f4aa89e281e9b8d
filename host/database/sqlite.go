package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	sqlite "modernc.org/sqlite"
)

// fileMode keeps the database to the user that runs the host. SQLite gives the
// files beside it the same mode.
const fileMode fs.FileMode = 0o600

func openSQLite(ctx context.Context, config Config) (*DB, error) {
	if config.Path == "" || config.Path == ":memory:" {
		return nil, errors.New("sqlite needs the path of a file")
	}
	path, err := filepath.Abs(config.Path)
	if err != nil {
		return nil, fmt.Errorf("sqlite %s: %w", config.Path, err)
	}
	lock, err := LockFile(path + ".lock")
	if errors.Is(err, fs.ErrNotExist) { // the file itself would be created
		return nil, fmt.Errorf("sqlite %s: the folder %s is missing: create it, or correct the path (%w)", path, filepath.Dir(path), err)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlite %s: %w", path, translate(err))
	}
	db := &DB{config: config, lock: lock}
	if err := db.openFile(ctx, path); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("sqlite %s: %w", path, translate(err))
	}
	return db, nil
}

// openFile opens the two pools of the file, whose lock is held.
func (db *DB) openFile(ctx context.Context, path string) error {
	if err := createFile(path, db.config); err != nil {
		return err
	}

	// The writer opens first: it turns the write-ahead log on.
	writer, err := openPool(ctx, path, 1, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
			// Give space back after a long reader held the log up.
			"journal_size_limit(67108864)",
		},
	})
	if err != nil {
		return err
	}
	db.pools = []*sql.DB{writer}
	reader, err := openPool(ctx, path, db.config.Readers, url.Values{
		"_pragma": {"busy_timeout(10000)", "foreign_keys(ON)", "query_only(ON)"},
	})
	if err != nil {
		return err
	}
	db.pools = []*sql.DB{reader, writer}

	// GORM's own transaction around single statements stays on: without it a
	// single-row INSERT ... RETURNING never lets SQLite fold its log into the file.
	if db.write, err = db.openGORM(newSQLiteDialector(writer), false); err != nil {
		return err
	}
	if db.read, err = db.openGORM(newSQLiteDialector(reader), true); err != nil {
		return err
	}
	return refuseWrites(db.read)
}

// createFile makes sure that the file is there. A new one is its owner's alone;
// the mode of one that was there is left as it is, whosever file it is.
func createFile(path string, config Config) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&^fileMode == 0 {
		return nil
	}
	config.Logger.Warn("others than its owner can get at the database file; run chmod 600 on it and the files beside it",
		"path", path, "mode", info.Mode().Perm().String())
	return nil
}

func openPool(ctx context.Context, path string, size int, options url.Values) (*sql.DB, error) {
	// Text that sorts as time does, while every value is in UTC.
	options.Set("_time_format", "sqlite")
	options.Set("_timezone", "UTC")
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: options.Encode()}
	connector, err := sqlite.NewConnector(address.String())
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close()
		return nil, err
	}
	return pool, nil
}

// sqliteDialector is GORM's dialect over the driver in pure Go, with this
// package's error translation: the dialect's own does not know that driver's errors.
type sqliteDialector struct{ *gormsqlite.Dialector }

func newSQLiteDialector(pool *sql.DB) sqliteDialector {
	return sqliteDialector{&gormsqlite.Dialector{Conn: pool}}
}

// Translate implements gorm.ErrorTranslator.
func (sqliteDialector) Translate(err error) error { return translate(err) }

var _ gorm.ErrorTranslator = sqliteDialector{}

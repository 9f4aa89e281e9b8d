package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"github.com/chargehand/chargehand/migrations"
)

const (
	// versionTable holds the numbers of the files that were applied, lockTable who
	// applies them now.
	versionTable = "schema_migrations"
	lockTable    = "schema_migrations_lock"

	// How often, and how many times, a second migrating process looks whether the
	// first is done: ten minutes.
	lockPoll  = time.Second
	lockPolls = 600
)

// Migrate applies the embedded migrations that the database does not have yet. On
// a server, processes that migrate at once wait for one another, on every node of
// a cluster. A database newer than the program is ErrSchemaNew.
func Migrate(ctx context.Context, db *DB) error {
	fsys, err := migrations.FS(db.Driver())
	if err != nil {
		return err
	}
	return db.migrate(ctx, fsys)
}

// CheckSchema returns nil if the database is at the revision that this program
// needs, ErrSchemaOld if migrations are missing, and ErrSchemaNew if it is ahead.
func CheckSchema(ctx context.Context, db *DB) error {
	have, err := db.revision(ctx)
	if err != nil {
		return err
	}
	return compareRevisions(have, migrations.Revision())
}

func compareRevisions(have, need int64) error {
	detail := fmt.Sprintf("it is at revision %d, the program needs %d", have, need)
	switch {
	case have < need:
		return fmt.Errorf("%w (%s)", ErrSchemaOld, detail)
	case have > need:
		return fmt.Errorf("%w (%s)", ErrSchemaNew, detail)
	}
	return nil
}

func (db *DB) migrate(ctx context.Context, fsys fs.FS) error {
	options := []goose.ProviderOption{
		goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()),
	}
	dialect := goose.DialectSQLite3
	if db.Driver() == DriverMySQL {
		dialect = goose.DialectMySQL
		// A lock row rather than GET_LOCK, which holds on one node of a cluster only.
		locker, err := lock.NewMySQLTableLocker(
			lock.WithTableName(lockTable),
			lock.WithTableLockTimeout(lockPoll, lockPolls),
		)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		options = append(options, goose.WithLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, db.writePool(), fsys, options...)
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("migrate: read the migrations: %w", err)
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	have, err := db.revision(ctx)
	if err != nil {
		return err
	}
	if have > newest {
		return compareRevisions(have, newest)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return migrateError(err)
	}
	for _, result := range results {
		db.config.Logger.Info("migration applied", "file", result.Source.Path, "took", result.Duration.String())
	}
	return nil
}

// migrateError names the file. The files hold no secrets, so the database's own
// text is shown too.
func migrateError(err error) error {
	if partial := (*goose.PartialError)(nil); errors.As(err, &partial) && partial.Failed != nil {
		err = fmt.Errorf("apply %s: %w", partial.Failed.Source.Path, partial.Err)
	}
	if known := (*Error)(nil); errors.As(translate(err), &known) && known.Kind != nil {
		err = fmt.Errorf("%w: %w", known.Kind, err)
	}
	return fmt.Errorf("migrate: %w", err)
}

// revision returns the highest number applied, 0 for an empty database.
func (db *DB) revision(ctx context.Context) (int64, error) {
	dialect := goosedb.DialectSQLite3
	if db.Driver() == DriverMySQL {
		dialect = goosedb.DialectMySQL
	}
	store, err := goosedb.NewStore(dialect, versionTable)
	if err != nil {
		return 0, fmt.Errorf("read the schema revision: %w", err)
	}
	pool := db.pools[0]
	exists, err := db.hasTable(ctx, versionTable)
	if err != nil {
		return 0, fmt.Errorf("read the schema revision: %w", translate(err))
	}
	if !exists {
		return 0, nil
	}
	revision, err := store.GetLatestVersion(ctx, pool)
	if err != nil && !errors.Is(err, goosedb.ErrVersionNotFound) {
		return 0, fmt.Errorf("read the schema revision: %w", translate(err))
	}
	return revision, nil
}

func (db *DB) hasTable(ctx context.Context, name string) (bool, error) {
	query := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	if db.Driver() == DriverMySQL {
		query = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	}
	var count int
	err := db.pools[0].QueryRowContext(ctx, query, name).Scan(&count)
	return count > 0, err
}

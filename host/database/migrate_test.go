package database_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/migrations"
)

var (
	one = fstest.MapFS{
		"0001_first.sql": {Data: []byte("-- +goose Up\nCREATE TABLE test_first (id INT);\n")},
	}
	two = fstest.MapFS{
		"0001_first.sql":  one["0001_first.sql"],
		"0002_second.sql": {Data: []byte("-- +goose Up\nCREATE TABLE test_second (id INT);\nINSERT INTO test_second VALUES (1);\n")},
	}
	faulty = fstest.MapFS{
		"0001_first.sql": {Data: []byte("-- +goose Up\nCREATE TABLE test_first (id INT);\nCREATE NONSENSE;\n")},
	}
)

// eachEmpty runs a test on a database of each kind that has no tables.
func eachEmpty(t *testing.T, test func(t *testing.T, open func() *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db := open(t, sqliteConfig(t))
		test(t, func() *database.DB { return db })
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		dsn := databasetest.EmptyMySQL(t)
		test(t, func() *database.DB {
			return open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn, MaxOpen: 4})
		})
	})
}

func TestMigrateStepByStep(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	eachEmpty(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		for i, step := range []fstest.MapFS{one, one, two} {
			require.NoError(t, database.MigrateFS(db, ctx, step))
			revision, err := database.Revision(db, ctx)
			require.NoError(t, err)
			require.Equal(t, []int64{1, 1, 2}[i], revision)
		}
		require.ErrorIs(t, database.MigrateFS(db, ctx, one), database.ErrSchemaNew)
	})
}

func TestMigrateNothing(t *testing.T) {
	t.Parallel()
	require.NoError(t, database.MigrateFS(open(t, sqliteConfig(t)), context.Background(), fstest.MapFS{}))
}

func TestMigrateFaultyFile(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	eachEmpty(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		err := database.MigrateFS(db, ctx, faulty)
		require.ErrorContains(t, err, "migrate: ")
		require.ErrorContains(t, err, "0001_first.sql")
		revision, err := database.Revision(db, ctx)
		require.NoError(t, err)
		require.Zero(t, revision)
	})
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := databasetest.EmptyMySQL(t)
	// All have begun before the first is done.
	slow := fstest.MapFS{
		"0001_slow.sql":   {Data: []byte("-- +goose Up\nDO SLEEP(0.3);\nCREATE TABLE test_first (id INT);\n")},
		"0002_second.sql": two["0002_second.sql"],
	}
	results := make(chan error, 3)
	for range cap(results) {
		db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn, MaxOpen: 4})
		go func() { results <- database.MigrateFS(db, context.Background(), slow) }()
	}
	for range cap(results) {
		require.NoError(t, <-results)
	}
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
	var rows int
	require.NoError(t, db.Read(context.Background()).Raw("SELECT COUNT(*) FROM test_second").Row().Scan(&rows))
	require.Equal(t, 1, rows, "a migration ran twice")
}

func TestCheckSchema(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	eachEmpty(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		require.ErrorIs(t, database.CheckSchema(ctx, db), database.ErrSchemaOld)
		require.NoError(t, database.Migrate(ctx, db))
		require.NoError(t, database.CheckSchema(ctx, db))
		revision, err := database.Revision(db, ctx)
		require.NoError(t, err)
		require.Equal(t, migrations.Revision(), revision)
	})
}

func TestCompareRevisions(t *testing.T) {
	t.Parallel()
	require.NoError(t, database.CompareRevisions(3, 3))
	require.EqualError(t, database.CompareRevisions(2, 3),
		"the database schema is older than this program needs: run `chargehand migrate` (it is at revision 2, the program needs 3)")
	require.EqualError(t, database.CompareRevisions(4, 3),
		"the database schema is newer than this program knows: upgrade the program (it is at revision 4, the program needs 3)")
}

package databasetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chargehand/chargehand/host/database"
)

// EnvDSN names the environment variable with the server's DSN. Its user must be
// allowed to create and drop databases. A database named in the DSN is not touched.
const EnvDSN = "CHARGEHAND_TEST_MYSQL_DSN"

// Each runs the test twice, as parallel subtests: "sqlite" and "mysql". The second
// is skipped when there is no server. test must not call t.Parallel itself.
func Each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run(database.DriverSQLite, func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run(database.DriverMySQL, func(t *testing.T) {
		t.Parallel()
		test(t, MySQL(t))
	})
}

// SQLite returns a fresh, migrated SQLite database that is closed and removed when
// the test ends.
func SQLite(t testing.TB) *database.DB {
	t.Helper()
	content, err := template()
	if err != nil {
		t.Fatalf("make the migrated SQLite file that tests copy: %v", err)
	}
	path := filepath.Join(t.TempDir(), "chargehand.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatalf("copy the migrated SQLite file: %v", err)
	}
	db, err := database.Open(context.Background(), database.Config{Driver: database.DriverSQLite, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDB(t, db) })
	return db
}

// template migrates one file and returns its content; copying is faster than
// migrating for each test.
var template = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "chargehand-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	db, err := database.Open(context.Background(), database.Config{Driver: database.DriverSQLite, Path: path})
	if err != nil {
		return nil, err
	}
	err = database.Migrate(context.Background(), db)
	// Closing folds the log into the file, so that the file alone is complete.
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func closeDB(t testing.TB, db *database.DB) {
	if err := db.Close(); err != nil {
		t.Errorf("%v", err)
	}
}

package database_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// item is a row of a table that only these tests have.
type item struct {
	ID     int64  `gorm:"primaryKey;autoIncrement:false"`
	Ref    string // unique
	Parent *int64 // another item
	At     time.Time
}

func (item) TableName() string { return "test_item" }

// newItem has a reference made from its id.
func newItem(id int64) item {
	return item{ID: id, Ref: "ref-" + time.Duration(id).String(), At: time.Unix(1700000000, 123456000).UTC()}
}

// createItems makes the table test_item.
func createItems(t testing.TB, db *database.DB) {
	t.Helper()
	at, options := "DATETIME", ""
	if db.Driver() == database.DriverMySQL {
		at, options = "DATETIME(6)", " ENGINE=InnoDB"
	}
	exec(t, db, `CREATE TABLE test_item (id BIGINT NOT NULL PRIMARY KEY, ref VARCHAR(64) NOT NULL, parent BIGINT NULL, at `+at+` NULL,
		CONSTRAINT uq_test_ref UNIQUE (ref),
		CONSTRAINT ck_test_id CHECK (id > 0),
		CONSTRAINT fk_test_parent FOREIGN KEY (parent) REFERENCES test_item (id) ON DELETE RESTRICT)`+options)
}

func exec(t testing.TB, db *database.DB, statement string) {
	t.Helper()
	require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(statement).Error }))
}

func insert(db *database.DB, rows ...item) error {
	return db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.Create(&rows).Error })
}

func count(t testing.TB, db *database.DB) int {
	t.Helper()
	var n int64
	require.NoError(t, db.Read(context.Background()).Model(&item{}).Count(&n).Error)
	return int(n)
}

// each runs a test on both databases, with the table test_item in place.
func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		createItems(t, db)
		test(t, db)
	})
}

// open opens a database with a configuration of the test's own.
func open(t testing.TB, config database.Config) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func sqliteConfig(t testing.TB) database.Config {
	return database.Config{Driver: database.DriverSQLite, Path: filepath.Join(t.TempDir(), "test.db")}
}

// openSameFile opens a SQLite file that is open already, past the lock file.
func openSameFile(t testing.TB, path string) *database.DB {
	t.Helper()
	require.NoError(t, os.Remove(path+".lock"))
	return open(t, database.Config{Driver: database.DriverSQLite, Path: path})
}

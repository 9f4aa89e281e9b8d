package database_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// pragma reads a setting through one of the two SQLite handles.
func pragma(t *testing.T, handle *gorm.DB, name string) string {
	t.Helper()
	var value string
	require.NoError(t, handle.Raw("PRAGMA "+name).Row().Scan(&value))
	return value
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	db := open(t, sqliteConfig(t))
	require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error {
		require.Equal(t, "wal", pragma(t, tx, "journal_mode"))
		require.Equal(t, "2", pragma(t, tx, "synchronous"), "2 is FULL")
		require.Equal(t, "1", pragma(t, tx, "foreign_keys"))
		require.Equal(t, "10000", pragma(t, tx, "busy_timeout"))
		return nil
	}))
	require.Equal(t, "1", pragma(t, db.Read(context.Background()), "query_only"))
	require.Equal(t, 1, db.Stats().MaxOpenConnections)
	require.Equal(t, database.DriverSQLite, db.Driver())
}

func TestServerSettings(t *testing.T) {
	t.Parallel()
	// The DSN asks for the opposite of everything.
	dsn := databasetest.EmptyMySQL(t) + "?parseTime=false&loc=Local&clientFoundRows=false&interpolateParams=false" +
		"&time_zone=%27%2B05%3A00%27&sql_mode=%27%27&innodb_lock_wait_timeout=50&autocommit=0"
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
	var zone, mode, isolation string
	var wait int
	require.NoError(t, db.Read(context.Background()).Raw(
		"SELECT @@time_zone, @@sql_mode, @@innodb_lock_wait_timeout").Row().Scan(&zone, &mode, &wait))
	require.Equal(t, "+00:00", zone)
	require.Contains(t, mode, "STRICT_ALL_TABLES")
	require.Equal(t, 5, wait)
	if err := db.Read(context.Background()).Raw("SELECT @@transaction_isolation").Row().Scan(&isolation); err != nil {
		// MariaDB's older name.
		require.NoError(t, db.Read(context.Background()).Raw("SELECT @@tx_isolation").Row().Scan(&isolation))
	}
	require.Equal(t, "READ-COMMITTED", isolation)

	createItems(t, db)
	require.NoError(t, insert(db, newItem(1)))
	require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error {
		same := tx.Model(&item{ID: 1}).Update("ref", newItem(1).Ref)
		require.Equal(t, int64(1), same.RowsAffected, "found rows count, changed or not")
		return same.Error
	}))
}

func TestParseDSNRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, dsn, text string }{
		{"Unreadable", "root:s3@cret/x@tcp(h:1", "the DSN cannot be read: write user:password@tcp(host:3306)/name?parameter=value, with special characters in values percent-encoded"},
		{"NoDatabase", "root:s3cret@tcp(h:1)/", "the DSN names no database: write user:password@tcp(host:3306)/name"},
		{"MultiStatements", "root:s3cret@tcp(h:1)/x?multiStatements=true", "the DSN sets multiStatements, which lets one faulty query run others: remove it"},
		{"AllowAllFiles", "root:s3cret@tcp(h:1)/x?allowAllFiles=true", "the DSN sets allowAllFiles, which lets the server read the host's files: remove it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := database.ParseDSN(c.dsn)
			require.EqualError(t, err, c.text)
			_, err = database.Open(context.Background(), database.Config{Driver: database.DriverMySQL, DSN: c.dsn})
			require.EqualError(t, err, "open database: "+c.text)
		})
	}
}

func TestParseDSNKeepsTLSAndTimeouts(t *testing.T) {
	t.Parallel()
	settings, err := database.ParseDSN("u:p@tcp(h:1)/x?tls=true&timeout=1s&readTimeout=2s&writeTimeout=3s")
	require.NoError(t, err)
	require.Equal(t, "true", settings.TLSConfig)
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second},
		[]time.Duration{settings.Timeout, settings.ReadTimeout, settings.WriteTimeout})

	settings, err = database.ParseDSN("u:p@tcp(h:1)/x")
	require.NoError(t, err)
	require.NotZero(t, settings.ReadTimeout, "nothing else bounds the wait for a COMMIT's answer")
}

func TestConfigHidesPassword(t *testing.T) {
	t.Parallel()
	config := database.Config{Driver: database.DriverMySQL, DSN: "u:s3cret@tcp(h:1)/x"}
	for _, text := range []string{fmt.Sprint(config), fmt.Sprintf("%v %+v %#v", config, config, config)} {
		require.NotContains(t, text, "s3cret")
		require.Contains(t, text, "mysql tcp(h:1)/x")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := database.Open(context.Background(), database.Config{Driver: "oracle"})
	require.EqualError(t, err, `open database: driver must be "sqlite" or "mysql", not "oracle"`)
	_, err = database.Open(context.Background(), database.Config{Driver: database.DriverSQLite})
	require.EqualError(t, err, "open database: sqlite needs the path of a file")

	notOurs := sqliteConfig(t)
	require.NoError(t, os.WriteFile(notOurs.Path, bytes.Repeat([]byte("not a database "), 100), 0o600))
	require.NoError(t, os.Chmod(notOurs.Path, 0o644))
	_, err = database.Open(context.Background(), notOurs)
	require.ErrorIs(t, err, database.ErrDamaged)
	require.ErrorContains(t, err, "file is not a database")
	info, err := os.Stat(notOurs.Path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode().Perm(), "somebody else's file, perhaps")

	missing := sqliteConfig(t)
	folder := filepath.Join(filepath.Dir(missing.Path), "missing")
	missing.Path = filepath.Join(folder, "chargehand.db")
	_, err = database.Open(context.Background(), missing)
	require.ErrorContains(t, err, "open database: sqlite "+missing.Path+": the folder "+folder+" is missing: create it, or correct the path")
	require.NotErrorIs(t, err, database.ErrUnavailable)

	isFolder := sqliteConfig(t)
	require.NoError(t, os.Mkdir(isFolder.Path, 0o700))
	_, err = database.Open(context.Background(), isFolder)
	require.ErrorContains(t, err, "is a directory")
	require.NotErrorIs(t, err, database.ErrUnavailable)
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	config := sqliteConfig(t)
	first, err := database.Open(context.Background(), config)
	require.NoError(t, err)

	_, err = database.Open(context.Background(), config)
	require.ErrorIs(t, err, database.ErrInUse)
	require.EqualError(t, err, "open database: sqlite "+config.Path+": "+database.ErrInUse.Error()+
		fmt.Sprintf(" (process %d)", os.Getpid()))

	require.NoError(t, first.Close())
	open(t, config)
}

func TestSQLiteFileMode(t *testing.T) {
	t.Parallel()
	config := sqliteConfig(t)
	db := open(t, config)
	createItems(t, db)
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(config.Path + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "mode of the file with suffix %q", suffix)
	}
}

func TestSQLiteFileThatOthersCanRead(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := sqliteConfig(t)
	config.Logger = hclog.New(&hclog.LoggerOptions{Output: &log})
	require.NoError(t, os.WriteFile(config.Path, nil, 0o600))
	require.NoError(t, os.Chmod(config.Path, 0o644))
	open(t, config)
	require.Contains(t, log.String(), "run chmod 600 on it")
	info, err := os.Stat(config.Path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode().Perm())
}

func TestSQLitePathWithSpecialCharacters(t *testing.T) {
	t.Parallel()
	config := sqliteConfig(t)
	config.Path = filepath.Join(filepath.Dir(config.Path), "a b?c#d%41&mode=memory.db")
	db := open(t, config)
	createItems(t, db)
	require.FileExists(t, config.Path)
}

func TestTimesReadBackAndCompare(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		// Written in another zone and with fewer digits, they still compare as times.
		base := time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC)
		east := time.FixedZone("east", 2*3600)
		for id, at := range []time.Time{base, base.Add(500 * time.Millisecond).In(east), base.Add(510 * time.Millisecond), base.Add(time.Second)} {
			row := newItem(int64(id + 1))
			row.At = at
			require.NoError(t, insert(db, row))
		}
		var found []item
		require.NoError(t, db.Read(context.Background()).Where("at > ? AND at <= ?", base.In(east), base.Add(510*time.Millisecond)).
			Order("at").Find(&found).Error)
		require.Len(t, found, 2)
		require.Equal(t, base.Add(500*time.Millisecond), found[0].At)
		require.Equal(t, base.Add(510*time.Millisecond), found[1].At)
	})
}

func TestServerCutsTimesInsteadOfRounding(t *testing.T) {
	t.Parallel()
	db := databasetest.MySQL(t)
	createItems(t, db)
	row := newItem(1)
	row.At = time.Date(2026, 1, 2, 3, 4, 5, 123456999, time.UTC)
	require.NoError(t, insert(db, row))
	var found item
	require.NoError(t, db.Read(context.Background()).First(&found, 1).Error)
	require.Equal(t, row.At.Truncate(time.Microsecond), found.At)
}

func TestSlowStatementIsLoggedWithoutValues(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	config := sqliteConfig(t)
	config.SlowQuery = time.Nanosecond
	config.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Debug})
	db := open(t, config)
	createItems(t, db)
	require.NoError(t, insert(db, item{ID: 1, Ref: "s3cret"}))
	require.Error(t, insert(db, item{ID: 1, Ref: "s3cret"}))
	require.Contains(t, log.String(), "slow database statement")
	require.Contains(t, log.String(), "database statement failed")
	require.NotContains(t, log.String(), "s3cret")
	require.Regexp(t, `took="?[0-9.]+(ns|µs|ms|s)`, log.String())
}

package databasetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/chargehand/chargehand/host/database"
)

// MySQL returns a fresh, migrated database on the test server, dropped when the
// test ends. Without a server the test is skipped.
func MySQL(t testing.TB) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), database.Config{
		Driver: database.DriverMySQL,
		DSN:    EmptyMySQL(t),
		// Many tests share the server's connections.
		MaxOpen: 8,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDB(t, db) })
	if err := database.Migrate(context.Background(), db); err != nil {
		t.Fatal(err)
	}
	return db
}

// EmptyMySQL creates a uniquely named empty database, dropped when the test ends,
// and returns its DSN. Without a server the test is skipped.
func EmptyMySQL(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv(EnvDSN)
	if dsn == "" {
		t.Skip("MariaDB not tested: set " + EnvDSN + " or run make test")
	}
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("%s: write user:password@tcp(host:port)/", EnvDSN)
	}
	config.DBName = ""
	server, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		t.Fatalf("%s: %v", EnvDSN, err)
	}
	defer server.Close()

	name := "chargehand_test_" + strings.ToLower(rand.Text()[:16])
	if _, err := server.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		t.Fatalf("create database %s on the server of %s: %v", name, EnvDSN, err)
	}
	t.Cleanup(func() {
		if err := drop(config.FormatDSN(), name); err != nil {
			t.Errorf("%v", err)
		}
	})
	own := config.Clone()
	own.DBName = name
	return own.FormatDSN()
}

func drop(dsn, name string) error {
	server, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer server.Close()
	if _, err := server.Exec("DROP DATABASE IF EXISTS " + name); err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
)

// unsyncLimit bounds the statement that makes a connection what it was.
const unsyncLimit = 5 * time.Second

// Latest runs fn with a handle for queries that see whatever was committed before
// Latest was called, on other nodes of a Galera cluster too: the node first takes
// in all that the others have sent it. Where that can't be had before ctx ends,
// it is an error. On a server without a cluster, and on SQLite, it is Read.
func (db *DB) Latest(ctx context.Context, fn func(read *gorm.DB) error) error {
	if db.config.Driver == DriverSQLite {
		return fn(db.Read(ctx))
	}
	err := db.Read(ctx).Connection(func(tx *gorm.DB) error {
		conn, ok := tx.Statement.ConnPool.(*sql.Conn)
		if !ok {
			return fmt.Errorf("a connection of its own is a %T", tx.Statement.ConnPool)
		}
		undo, err := syncReads(ctx, conn)
		if err != nil {
			return err
		}
		defer undo()
		return fn(tx.Session(&gorm.Session{NewDB: true}))
	})
	if err != nil {
		return fmt.Errorf("read what is committed on all nodes: %w", translate(err))
	}
	return nil
}

// syncWait is the variable, and syncRead its bit for SELECT and BEGIN.
const (
	syncWait = "wsrep_sync_wait"
	syncRead = 1
)

// syncReads makes the reads of a connection wait for what other nodes have
// committed, until undo is called. It does nothing where there is no cluster, or
// where the DSN asks for the same.
func syncReads(ctx context.Context, conn *sql.Conn) (undo func(), err error) {
	var name, value string
	err = conn.QueryRowContext(ctx, "SHOW SESSION VARIABLES LIKE '"+syncWait+"'").Scan(&name, &value)
	if errors.Is(err, sql.ErrNoRows) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	before, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the server's %s is %q: %w", syncWait, value, err)
	}
	if before&syncRead != 0 {
		return func() {}, nil
	}
	set := func(ctx context.Context, n int64) error {
		_, err := conn.ExecContext(ctx, "SET SESSION "+syncWait+" = "+strconv.FormatInt(n, 10))
		return err
	}
	undo = func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), unsyncLimit)
		defer cancel()
		if set(limited, before) != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // nobody gets it as it is
		}
	}
	if err := set(ctx, before|syncRead); err != nil {
		undo()
		return nil, err
	}
	return undo, nil
}

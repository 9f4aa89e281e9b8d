package database_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

func TestDuplicatedKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		first := newItem(1)
		require.NoError(t, insert(db, first))

		sameID := newItem(2)
		sameID.ID = 1
		require.ErrorIs(t, insert(db, sameID), gorm.ErrDuplicatedKey)

		sameRef := newItem(2)
		sameRef.Ref = first.Ref
		err := insert(db, sameRef)
		require.ErrorIs(t, err, gorm.ErrDuplicatedKey)
		require.NotContains(t, err.Error(), first.Ref, "a row's value shows")
		require.Contains(t, err.Error(), "ref", "the key is not named")
	})
}

func TestForeignKeyViolated(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		missing := int64(7)
		child := newItem(1)
		child.Parent = &missing
		require.ErrorIs(t, insert(db, child), gorm.ErrForeignKeyViolated)

		require.NoError(t, insert(db, newItem(7)))
		require.NoError(t, insert(db, child))
		err := db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.Delete(&item{ID: 7}).Error })
		require.ErrorIs(t, err, gorm.ErrForeignKeyViolated)
	})
}

func TestCheckViolated(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		require.ErrorIs(t, insert(db, newItem(-1)), gorm.ErrCheckConstraintViolated)
	})
}

func TestRecordNotFound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		var found item
		require.ErrorIs(t, db.Read(context.Background()).First(&found, 1).Error, gorm.ErrRecordNotFound)
	})
}

func TestStatementValuesStayOutOfErrors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		err := db.Read(context.Background()).Raw("SELEC ?", "s3cret").Scan(new(string)).Error
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cret")
	})
}

func TestErrReadOnly(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db := databasetest.SQLite(t)
		createItems(t, db)
		// PRAGMA takes no transaction of its own here; what counts is SQLite's answer.
		exec(t, db, "PRAGMA query_only = ON")
		require.ErrorIs(t, insert(db, newItem(1)), database.ErrReadOnly)
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		db := open(t, database.Config{Driver: database.DriverMySQL, DSN: databasetest.EmptyMySQL(t), MaxOpen: 1})
		createItems(t, db)
		exec(t, db, "SET SESSION TRANSACTION READ ONLY")
		require.ErrorIs(t, insert(db, newItem(1)), database.ErrReadOnly)
	})
}

func TestReadRefusesWrites(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		row := newItem(1)
		read := db.Read(context.Background())
		require.ErrorIs(t, read.Create(&row).Error, database.ErrReadOnly)
		require.ErrorIs(t, read.Model(&row).Update("ref", "x").Error, database.ErrReadOnly)
		require.ErrorIs(t, read.Delete(&row).Error, database.ErrReadOnly)
		require.ErrorIs(t, read.Exec("DELETE FROM test_item").Error, database.ErrReadOnly)
		require.NoError(t, insert(db, row), "the handle that writes must not refuse")
	})
}

func TestErrFull(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 60)
	fill := func(db *database.DB) error {
		for id := int64(1); id <= 2000; id++ {
			row := newItem(id)
			row.Ref += big
			if err := insert(db, row); err != nil {
				return err
			}
		}
		return nil
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		db := open(t, sqliteConfig(t))
		createItems(t, db)
		exec(t, db, "PRAGMA max_page_count = 10")
		require.ErrorIs(t, fill(db), database.ErrFull)
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		db := open(t, database.Config{Driver: database.DriverMySQL, DSN: databasetest.EmptyMySQL(t), MaxOpen: 1})
		exec(t, db, "SET SESSION max_heap_table_size = 16384")
		exec(t, db, "CREATE TABLE test_item (id BIGINT, ref VARCHAR(200), parent BIGINT, at DATETIME(6)) ENGINE=MEMORY")
		require.ErrorIs(t, fill(db), database.ErrFull)
	})
}

func TestErrUnavailableNobodyListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	_, err = database.Open(context.Background(), database.Config{Driver: database.DriverMySQL, DSN: "user:s3cret@tcp(" + address + ")/name"})
	require.ErrorIs(t, err, database.ErrUnavailable)
	require.ErrorContains(t, err, "open database: mysql tcp("+address+")/name: the database cannot be reached: check that it runs")
	require.NotContains(t, err.Error(), "s3cret")
}

func TestTranslateServerErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number  uint16
		message string
		kind    error
	}{
		{1021, "Disk full (/tmp); waiting for someone to free some space...", database.ErrFull},
		{1030, "Got error 28 \"No space left on device\" from storage engine InnoDB", database.ErrFull},
		{1034, "Index for table 'charges' is corrupt; try to repair it", database.ErrDamaged},
		{1712, "Index charges_due is corrupted", database.ErrDamaged},
		{1205, "Lock wait timeout exceeded; try restarting transaction", database.ErrBusy},
		{1213, "Deadlock found when trying to get lock; try restarting transaction", database.ErrBusy},
		{1290, "The MariaDB server is running with the --read-only option so it cannot execute this statement", database.ErrReadOnly},
		{1040, "Too many connections", database.ErrUnavailable},
		{1047, "WSREP has not yet prepared node for application use", database.ErrUnavailable},
	} {
		err := database.Translate(&mysql.MySQLError{Number: c.number, SQLState: [5]byte([]byte("HY000")), Message: c.message})
		require.ErrorIs(t, err, c.kind, "%d", c.number)
		require.Contains(t, err.Error(), c.message)
		require.Equal(t, err, database.Translate(err), "translated twice")
	}
	// Error 1030 has many causes; only the system's 28 means that the disk is full.
	require.NotErrorIs(t, database.Translate(&mysql.MySQLError{Number: 1030, Message: "Got error 128 from storage engine"}), database.ErrFull)
}

func TestTranslateSystemErrors(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, database.Translate(fmt.Errorf("write: %w", syscall.ENOSPC)), database.ErrFull)
	require.ErrorIs(t, database.Translate(fmt.Errorf("open: %w", syscall.EROFS)), database.ErrReadOnly)
	require.Equal(t, context.Canceled, database.Translate(context.Canceled))
	plain := errors.New("a store's own error")
	require.Equal(t, plain, database.Translate(plain))
	require.NoError(t, database.Translate(nil))
}

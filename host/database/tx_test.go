package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

func TestTxCommits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		require.NoError(t, insert(db, newItem(1), newItem(2)))
		require.Equal(t, 2, count(t, db))
	})
}

func TestTxRollsBackOnError(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		mine := errors.New("mine")
		err := db.Tx(context.Background(), func(tx *gorm.DB) error {
			row := newItem(1)
			require.NoError(t, tx.Create(&row).Error)
			return mine
		})
		require.Equal(t, mine, err, "fn's own error is returned as it is")
		require.Zero(t, count(t, db))
	})
}

func TestTxRollsBackOnPanic(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		require.PanicsWithValue(t, "mine", func() {
			_ = db.Tx(context.Background(), func(tx *gorm.DB) error {
				row := newItem(1)
				require.NoError(t, tx.Create(&row).Error)
				panic("mine")
			})
		})
		require.Zero(t, count(t, db))
		require.NoError(t, insert(db, newItem(1)), "the connection must be back in the pool")
	})
}

func TestTxContextEndsBeforeCommit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		err := db.Tx(ctx, func(tx *gorm.DB) error {
			row := newItem(1)
			require.NoError(t, tx.Create(&row).Error)
			cancel()
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, database.ErrCommitUnknown, "COMMIT was never sent")
		require.Zero(t, count(t, db))
	})
}

func TestTxNestedIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		err := db.Tx(context.Background(), func(tx *gorm.DB) error {
			return db.Tx(tx.Statement.Context, func(*gorm.DB) error { return nil })
		})
		require.EqualError(t, err, "a transaction was begun within another one: use the tx that was handed in")
	})
}

func TestTxTimeLimit(t *testing.T) {
	t.Parallel()
	config := sqliteConfig(t)
	config.TxTimeout = 100 * time.Millisecond
	db := open(t, config)
	err := db.Tx(context.Background(), func(tx *gorm.DB) error {
		<-tx.Statement.Context.Done()
		return tx.Statement.Context.Err()
	})
	require.ErrorIs(t, err, database.ErrBusy)
	require.ErrorContains(t, err, "(time limit of 100ms)")
}

func TestTxRepeatsWhenBusy(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		tries := 0
		err := db.Tx(context.Background(), func(tx *gorm.DB) error {
			tries++
			row := newItem(int64(tries))
			require.NoError(t, tx.Create(&row).Error)
			if tries < 3 {
				return database.ErrBusy
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 3, tries)
		require.Equal(t, 1, count(t, db), "the first tries must leave nothing")
	})
}

func TestTxGivesUp(t *testing.T) {
	t.Parallel()
	db := open(t, sqliteConfig(t))
	tries := 0
	err := db.Tx(context.Background(), func(*gorm.DB) error { tries++; return database.ErrBusy })
	require.ErrorIs(t, err, database.ErrBusy)
	require.Equal(t, database.MaxTries, tries)
}

func TestTxDeadlockIsRepeated(t *testing.T) {
	t.Parallel()
	db := databasetest.MySQL(t)
	createItems(t, db)
	require.NoError(t, insert(db, newItem(1), newItem(2)))

	// Two transactions take the same two rows in opposite order; each waits until the
	// other has its first, the first time.
	var both sync.WaitGroup
	both.Add(2)
	tries := make([]int, 2)
	update := func(me int, first, second int64) error {
		return db.Tx(context.Background(), func(tx *gorm.DB) error {
			tries[me]++
			if err := tx.Exec("UPDATE test_item SET parent = NULL WHERE id = ?", first).Error; err != nil {
				return err
			}
			if tries[me] == 1 {
				both.Done()
				both.Wait()
			}
			return tx.Exec("UPDATE test_item SET parent = NULL WHERE id = ?", second).Error
		})
	}
	results := make(chan error, 2)
	go func() { results <- update(0, 1, 2) }()
	go func() { results <- update(1, 2, 1) }()
	require.NoError(t, <-results)
	require.NoError(t, <-results)
	require.Equal(t, 3, tries[0]+tries[1], "one of them was the deadlock's victim, once")
}

func TestTxSQLiteLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	// The lock file keeps hosts apart, but not a person with the sqlite3 program. A
	// second handle stands for one.
	config := sqliteConfig(t)
	db := open(t, config)
	createItems(t, db)
	exec(t, db, "PRAGMA busy_timeout = 1")
	other := openSameFile(t, config.Path)

	tries := 0
	err := other.Tx(context.Background(), func(*gorm.DB) error {
		blocked := db.Tx(context.Background(), func(*gorm.DB) error { tries++; return nil })
		require.ErrorIs(t, blocked, database.ErrBusy)
		return nil
	})
	require.NoError(t, err)
	require.Zero(t, tries, "the transaction could not begin")
	require.NoError(t, insert(db, newItem(1)))
}

func TestCommitErrorsThatProveNothingWasWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		kind error
	}{
		{&mysql.MySQLError{Number: 1213}, database.ErrBusy},
		{&mysql.MySQLError{Number: 1205}, database.ErrBusy},
		{driver.ErrBadConn, database.ErrUnavailable},
		{sql.ErrTxDone, sql.ErrTxDone},
		{context.DeadlineExceeded, context.DeadlineExceeded},
	} {
		err := database.CommitError(c.err)
		require.ErrorIs(t, err, c.kind)
		require.NotErrorIs(t, err, database.ErrCommitUnknown, "%v", c.err)
	}
	require.NoError(t, database.CommitError(nil))
}

func TestCommitErrorsThatProveNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&mysql.MySQLError{Number: 1053}, // shutting down
		&mysql.MySQLError{Number: 1180}, // error during commit; also Galera's answer when it cannot tell
		&mysql.MySQLError{Number: 1927}, // killed
		&mysql.MySQLError{Number: 1047}, // Galera node not ready
		mysql.ErrInvalidConn,
		io.ErrUnexpectedEOF,
		errors.New("anything else"),
	} {
		require.ErrorIs(t, database.CommitError(err), database.ErrCommitUnknown, "%v", err)
		require.ErrorIs(t, database.CommitError(database.Translate(err)), database.ErrCommitUnknown, "%v", err)
	}
}

func TestCommitRefusedBySQLite(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	createItems(t, db)
	err := db.Tx(context.Background(), func(tx *gorm.DB) error {
		require.NoError(t, tx.Exec("PRAGMA defer_foreign_keys = ON").Error)
		missing := int64(7)
		row := newItem(1)
		row.Parent = &missing
		return tx.Create(&row).Error
	})
	require.ErrorIs(t, err, gorm.ErrForeignKeyViolated)
	require.ErrorContains(t, err, "commit transaction: ")
	require.NotErrorIs(t, err, database.ErrCommitUnknown)
	require.Zero(t, count(t, db))
	require.NoError(t, insert(db, newItem(1)), "the connection must be out of the transaction")
}

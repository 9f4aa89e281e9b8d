package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// readBack looks for a row as a caller must after ErrCommitUnknown: with a locking
// read, which waits for a commit that is under way.
func readBack(t *testing.T, db *database.DB, id int64) int {
	t.Helper()
	var found []item
	require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error {
		return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Find(&found, id).Error
	}))
	return len(found)
}

func TestErrCommitUnknown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fate   databasetest.Fate
		stands int
	}{
		{"NotCommitted", databasetest.LoseCommit, 0},
		{"Committed", databasetest.LoseAnswer, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, dsn := databasetest.NewProxy(t, databasetest.EmptyMySQL(t))
			db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
			createItems(t, db)

			p.Next(c.fate)
			tries := 0
			err := db.Tx(context.Background(), func(tx *gorm.DB) error {
				tries++
				row := newItem(1)
				return tx.Create(&row).Error
			})
			require.ErrorIs(t, err, database.ErrCommitUnknown)
			require.ErrorContains(t, err, "read it back before trying again")
			require.Equal(t, 1, tries, "an uncertain transaction must not be repeated")
			require.Equal(t, c.stands, readBack(t, db, 1))
		})
	}
}

func TestErrCommitUnknownWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	p, dsn := databasetest.NewProxy(t, databasetest.EmptyMySQL(t))
	// The read timeout is what ends the wait for an answer that never comes.
	// The transaction's own limit is over by then, and must not hide the doubt.
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn + "?readTimeout=400ms", TxTimeout: 200 * time.Millisecond})
	p.Next(databasetest.HoldSilently)
	err := db.Tx(context.Background(), func(*gorm.DB) error { return nil })
	require.ErrorIs(t, err, database.ErrCommitUnknown)
	require.NotErrorIs(t, err, database.ErrBusy)
}

func TestErrUnavailableWithinTransaction(t *testing.T) {
	t.Parallel()
	p, dsn := databasetest.NewProxy(t, databasetest.EmptyMySQL(t))
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
	createItems(t, db)
	err := db.Tx(context.Background(), func(tx *gorm.DB) error {
		row := newItem(1)
		require.NoError(t, tx.Create(&row).Error)
		p.Cut()
		row = newItem(2)
		return tx.Create(&row).Error
	})
	require.ErrorIs(t, err, database.ErrUnavailable)
	require.NotErrorIs(t, err, database.ErrCommitUnknown, "COMMIT was never sent")
	require.Zero(t, count(t, db), "the pool must recover by itself")
}

func TestErrUnavailableServerGone(t *testing.T) {
	t.Parallel()
	p, dsn := databasetest.NewProxy(t, databasetest.EmptyMySQL(t))
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: dsn})
	p.Close()
	require.ErrorIs(t, db.Ping(context.Background()), database.ErrUnavailable)
	clock := database.NewClock(db, database.ClockConfig{})
	require.ErrorIs(t, clock.Start(context.Background()), database.ErrUnavailable)
	require.ErrorIs(t, clock.Check(), database.ErrUnavailable)
	require.ErrorIs(t, insert(db, newItem(1)), database.ErrUnavailable)
	require.ErrorIs(t, database.CheckSchema(context.Background(), db), database.ErrUnavailable)
}

func TestKilledConnection(t *testing.T) {
	t.Parallel()
	db := open(t, database.Config{Driver: database.DriverMySQL, DSN: databasetest.EmptyMySQL(t)})
	createItems(t, db)
	err := db.Tx(context.Background(), func(tx *gorm.DB) error {
		row := newItem(1)
		require.NoError(t, tx.Create(&row).Error)
		var id int64
		require.NoError(t, tx.Raw("SELECT CONNECTION_ID()").Row().Scan(&id))
		return db.Tx(context.Background(), func(other *gorm.DB) error { return other.Exec("KILL ?", id).Error })
	})
	// The host can't know that the server had dropped the transaction before COMMIT came.
	require.ErrorIs(t, err, database.ErrCommitUnknown)
	require.Zero(t, readBack(t, db, 1))
}

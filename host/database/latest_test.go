package database_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// syncWait is how the only connection of a pool reads; empty where the server
// knows no cluster.
func syncWait(t *testing.T, db *gorm.DB) string {
	t.Helper()
	var shown []struct{ VariableName, Value string }
	require.NoError(t, db.Raw("SHOW SESSION VARIABLES LIKE 'wsrep_sync_wait'").Scan(&shown).Error)
	if len(shown) == 0 {
		return ""
	}
	return shown[0].Value
}

// Reads of the latest ask the server for that, for as long as they last, on a
// connection that is afterwards what it was, however they end.
func TestLatestOnAServer(t *testing.T) {
	t.Parallel()
	dsn := databasetest.EmptyMySQL(t)
	for name, test := range map[string]struct{ dsn, before, during string }{
		"plain":     {dsn, "0", "1"},
		"of INSERT": {dsn + "?wsrep_sync_wait=4", "4", "5"},
		"asked for": {dsn + "?wsrep_sync_wait=7", "7", "7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := database.Open(t.Context(), database.Config{Driver: database.DriverMySQL, DSN: test.dsn, MaxOpen: 1})
			require.NoError(t, err)
			defer db.Close()
			if syncWait(t, db.Read(t.Context())) == "" {
				t.Skip("the variable not tested: this server has none")
			}
			require.Equal(t, test.before, syncWait(t, db.Read(t.Context())))
			failed := errors.New("it failed")
			for _, end := range []error{nil, failed} {
				err = db.Latest(t.Context(), func(read *gorm.DB) error {
					require.Equal(t, test.during, syncWait(t, read))
					return end
				})
				require.ErrorIs(t, err, end)
				require.Equal(t, test.before, syncWait(t, db.Read(t.Context())))
			}
			ctx, cancel := context.WithCancel(t.Context())
			err = db.Latest(ctx, func(read *gorm.DB) error {
				cancel()
				return read.Exec("SELECT 1").Error
			})
			require.Error(t, err)
			require.Equal(t, test.before, syncWait(t, db.Read(t.Context())))
		})
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		insert := "INSERT INTO sequences (link_id, stored, next) VALUES ('l', 's', 2)"
		require.NoError(t, db.Tx(ctx, func(tx *gorm.DB) error { return tx.Exec(insert).Error }))
		require.NoError(t, db.Latest(ctx, func(read *gorm.DB) error {
			for range 2 { // each query stands for itself
				var n int64
				require.NoError(t, read.Table("sequences").Where("link_id = ?", "l").Count(&n).Error)
				require.EqualValues(t, 1, n)
			}
			require.ErrorIs(t, read.Exec(insert).Error, database.ErrReadOnly)
			return nil
		}))
	})
}

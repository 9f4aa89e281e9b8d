package databasetest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

func TestEachIsMigrated(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		require.NoError(t, database.CheckSchema(context.Background(), db))
		require.NoError(t, db.Ping(context.Background()))
	})
}

package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// unreadable is a store whose index of what is due is damaged.
type unreadable struct{ charge.Store }

func (unreadable) NextDue(context.Context) (time.Time, error) {
	return time.Time{}, database.ErrDamaged
}

func TestSweepThatCannotReadIsNotReady(t *testing.T) {
	t.Parallel()
	b := newBed(t, databasetest.SQLite(t), roomy)
	require.NoError(t, b.engine.Check())
	// A host's clock that a test moves ahead, instead of waiting.
	began := time.Now()
	b.wall = func() time.Time { return time.Now().Add(100 * time.Since(began)) }
	e := b.engineOn(unreadable{b.store})
	require.Eventually(t, func() bool { return e.Check() != nil }, patience, time.Millisecond)
	require.ErrorIs(t, e.Check(), database.ErrDamaged)
}

package settingsdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/chargehand/chargehand/settings"
)

// Database is an open database with the schema in it.
type Database interface {
	// Tx runs fn in a transaction, again from the start after a deadlock.
	Tx(ctx context.Context, fn func(tx *gorm.DB) error) error
	// Read is for what writes nothing.
	Read(ctx context.Context) *gorm.DB
}

// Store implements settings.Store.
type Store struct{ db Database }

var _ settings.Store = (*Store)(nil)

// New makes a Store.
func New(db Database) *Store { return &Store{db: db} }

// known gives the database's errors the names that the domain knows them by.
func known(err error) error {
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fmt.Errorf("%w: %w", settings.ErrNotFound, err)
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return fmt.Errorf("%w: %w", settings.ErrExists, err)
	}
	return err
}

// one says whether a conditional write found its row as expected.
func one(tx *gorm.DB) error {
	if tx.Error == nil && tx.RowsAffected == 0 {
		return settings.ErrStale
	}
	return tx.Error
}

// stale turns "it is there already" into ErrStale, where whoever was first
// wrote what this write was to begin.
func stale(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return fmt.Errorf("%w: %w", settings.ErrStale, err)
	}
	return err
}

// utc cuts to the microseconds that the databases keep.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

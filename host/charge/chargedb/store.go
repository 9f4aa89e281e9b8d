package chargedb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/host/step"
)

// Store implements charge.Store and order.Store.
type Store struct {
	db      *database.DB
	counter Counter
	intakes *database.Shared[order.Intake, bool]
	changes *database.Shared[charge.Change, bool]
}

// Counter counts the transactions that change money, and says in each of them
// whether charging may go on.
type Counter interface {
	// Count runs a transaction. It is counted by mark, which has to be called
	// once in it; open is false where no attempt and no release may be begun.
	Count(ctx context.Context, run func(mark func(tx *gorm.DB) (open bool, err error)) error) error
}

// uncounted is for databases that nobody watches.
type uncounted struct{}

func (uncounted) Count(_ context.Context, run func(mark func(tx *gorm.DB) (bool, error)) error) error {
	return run(func(*gorm.DB) (bool, error) { return true, nil })
}

// New makes a Store on an open database, without counting. See Counted.
func New(db *database.DB, observe func(kind string, size int)) *Store {
	return Counted(db, observe, uncounted{})
}

// Counted makes a Store on an open database. observe, which may be nil, is told
// how many writes shared a commit. Stop ends the Store's collectors.
func Counted(db *database.DB, observe func(kind string, size int), counter Counter) *Store {
	s := &Store{db: db, counter: counter}
	config := func(kind string) database.SharedConfig {
		return database.SharedConfig{Tx: s.tx, Observe: func(size int, _ time.Duration, err error) {
			if observe != nil && err == nil {
				observe(kind, size)
			}
		}}
	}
	s.intakes = database.NewShared(db, "intake", writeIntakes, config("intake"))
	s.changes = database.NewShared(db, "change", writeChanges, config("change"))
	return s
}

// openKey is where a counted transaction says whether charging may go on.
const openKey = "chargehand:open"

// tx runs a transaction that changes money.
func (s *Store) tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return s.counter.Count(ctx, func(mark func(*gorm.DB) (bool, error)) error {
		return s.db.Tx(ctx, func(tx *gorm.DB) error {
			open, err := mark(tx)
			if err != nil {
				return err
			}
			return fn(tx.Set(openKey, open).Session(&gorm.Session{}))
		})
	})
}

// stopped reports whether this transaction must begin nothing.
func stopped(tx *gorm.DB) bool {
	open, counted := tx.Get(openKey)
	return counted && open == false
}

// Stop ends the collectors once what waits is written.
func (s *Store) Stop() {
	s.intakes.Stop()
	s.changes.Stop()
}

// Intake implements order.Store. The answer to a lost COMMIT is looked up, not
// guessed.
func (s *Store) Intake(ctx context.Context, in order.Intake) (existing bool, err error) {
	existing, err = s.intakes.Do(ctx, in)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		// Somebody else took the same order in at the same moment: now it shows.
		existing, err = s.intakes.Do(ctx, in)
	}
	if errors.Is(err, database.ErrCommitUnknown) {
		there, e := s.waitFor(ctx, &orderRow{}, string(in.Order.ID))
		if e != nil {
			return false, fmt.Errorf("%w; and reading back failed: %w", err, e)
		}
		if there {
			return false, nil
		}
		existing, err = s.intakes.Do(ctx, in) // it is certain now that nothing was written
	}
	return existing, err
}

// Commit implements charge.Store. The answer to a lost COMMIT is looked up:
// nobody else gives the version that this change gives together with its
// evidence.
func (s *Store) Commit(ctx context.Context, c charge.Change) error {
	won, err := s.changes.Do(ctx, c)
	if errors.Is(err, database.ErrCommitUnknown) {
		won, err = s.written(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("write charge %s: %w", c.After.ID, err)
	}
	if !won {
		return charge.ErrStale
	}
	return nil
}

// written finds out after a lost COMMIT whether the change stands. A change
// that is not there may be derived again by the caller; one whose charge moved
// on meanwhile counts as stale, and what it had to say is folded in again,
// which does no harm.
func (s *Store) written(ctx context.Context, c charge.Change) (bool, error) {
	var row chargeRow
	if _, err := s.waitFor(ctx, &row, string(c.After.ID)); err != nil {
		return false, fmt.Errorf("read back after a lost answer to COMMIT: %w", err)
	}
	same := row.Version == c.After.Version && row.UpdatedAt.Equal(utc(c.After.UpdatedAt)) &&
		row.State == string(c.After.State) && row.LeaseOwner == c.After.LeaseOwner
	return same, nil
}

// waitFor reads a row by its id, under lock: whoever still holds it, a commit
// under way whose answer was lost among them, has ended by then.
func (s *Store) waitFor(ctx context.Context, row any, id string) (there bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		return tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(row).Error
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return false, nil
	}
	return err == nil, err
}

// writeIntakes writes many orders in one transaction. For each it answers
// whether the order was there already.
func writeIntakes(tx *gorm.DB, ins []order.Intake) ([]bool, error) {
	existing := make([]bool, len(ins))
	names := make([][]any, len(ins))
	for i, in := range ins {
		names[i] = []any{string(in.Order.ChannelID), in.Order.Reference}
	}
	var there []orderRow
	if err := tx.Select("channel_id", "reference").Where("(channel_id, reference) IN ?", names).Find(&there).Error; err != nil {
		return nil, err
	}
	type name struct{ channel, reference string }
	taken := make(map[name]bool, len(there)+len(ins))
	for _, r := range there {
		taken[name{r.ChannelID, r.Reference}] = true
	}
	var orders []orderRow
	var charges []chargeRow
	var attempts []attemptRow
	for i, in := range ins {
		n := name{string(in.Order.ChannelID), in.Order.Reference}
		if existing[i] = taken[n]; existing[i] {
			continue
		}
		taken[n] = true
		if stopped(tx) && slices.ContainsFunc(in.Charges, started) {
			return nil, charge.ErrStopped // alone, if it shares the transaction with others
		}
		orders = append(orders, fromOrder(in.Order))
		for _, c := range in.Charges {
			charges = append(charges, fromCharge(c))
			for _, a := range c.Attempts {
				attempts = append(attempts, fromAttempt(a))
			}
		}
	}
	if len(orders) == 0 {
		return existing, nil
	}
	if err := tx.Create(&orders).Error; err != nil {
		return nil, err
	}
	if err := tx.Create(&charges).Error; err != nil {
		return nil, err
	}
	if len(attempts) > 0 {
		if err := tx.Create(&attempts).Error; err != nil {
			return nil, err
		}
	}
	step.At(step.IntakeWritten)
	return existing, nil
}

func started(c *charge.Charge) bool { return c.State == charge.StateCharging }

// writeChanges writes many changes in one transaction. For each it answers
// whether its version was still the newest.
func writeChanges(tx *gorm.DB, changes []charge.Change) ([]bool, error) {
	won, err := lockVersions(tx, changes)
	if err != nil {
		return nil, err
	}
	var b batch
	for i, c := range changes {
		if won[i] && stopped(tx) && c.Begins() {
			return nil, charge.ErrStopped // alone, if it shares the transaction with others
		}
		if won[i] {
			b.add(c)
		}
	}
	err = b.write(tx)
	step.At(step.ChangeWritten)
	return won, err
}

// lockVersions locks the charges' rows, in one order for all so that two
// batches can't wait for each other, and compares the versions.
func lockVersions(tx *gorm.DB, changes []charge.Change) ([]bool, error) {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = string(c.Before.ID)
	}
	slices.Sort(ids)
	var rows []chargeRow
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id", "version").Where("id IN ?", ids).Order("id").Find(&rows).Error
	if err != nil {
		return nil, err
	}
	version := make(map[string]int64, len(rows))
	for _, r := range rows {
		version[r.ID] = r.Version
	}
	won := make([]bool, len(changes))
	for i, c := range changes {
		id := string(c.Before.ID)
		if v, ok := version[id]; ok && v == c.Before.Version {
			won[i] = true
			delete(version, id) // a second change of the batch on the same version is stale
		}
	}
	return won, nil
}

package restoredb

import (
	"context"

	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/restore"
)

// Counter counts the transactions of other stores for a Watch.
type Counter struct{ watch *restore.Watch }

// NewCounter makes a Counter.
func NewCounter(w *restore.Watch) *Counter { return &Counter{w} }

// Count runs a transaction with a counter of its own. mark has to be called
// once in it: it counts the transaction, if the database shows all that it did
// before, and says whether charging may go on. It costs one statement, on a
// row that no other transaction wants.
func (c *Counter) Count(ctx context.Context, run func(mark func(tx *gorm.DB) (open bool, err error)) error) error {
	pass, err := c.watch.Begin(ctx)
	if err != nil {
		return err
	}
	committed := false
	defer func() { pass.End(committed) }() // also when run panics
	err = run(func(tx *gorm.DB) (bool, error) {
		if !pass.Counts() {
			return false, nil
		}
		res := tx.Exec("UPDATE commit_counters SET commits = commits + 1 WHERE host_id = ? AND lane = ? AND commits >= ?",
			pass.Host, pass.Lane, pass.AtLeast)
		if res.Error != nil {
			return false, res.Error
		}
		pass.Counted(res.RowsAffected > 0)
		return res.RowsAffected > 0, nil
	})
	committed = err == nil
	return err
}

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
// before, and says whether charging may go on. It costs two statements: it
// changes a row that no other transaction wants, and reads the host's few.
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
		// The row itself says what this transaction may count on; the others, what
		// transactions that ended before it had written.
		res := tx.Exec("UPDATE commit_counters SET commits = commits + 1 WHERE host_id = ? AND lane = ? AND commits >= ?",
			pass.Host, pass.Lane, pass.AtLeast[pass.Lane])
		if res.Error != nil {
			return false, res.Error
		}
		if res.RowsAffected == 0 {
			return pass.Counted(nil), nil
		}
		var rows []counterRow
		if err := tx.Where("host_id = ?", pass.Host).Find(&rows).Error; err != nil {
			return false, err
		}
		shown := make(map[int]int64, len(rows))
		for _, row := range rows {
			shown[int(row.Lane)] = row.Commits
		}
		return pass.Counted(shown), nil
	})
	committed = err == nil
	return err
}

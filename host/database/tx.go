package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	sqlite "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/chargehand/chargehand/host/step"
)

const (
	// maxTries bounds the repetitions of one transaction. With the waits between
	// them the tenth begins after about two seconds.
	maxTries = 10
	// firstWait and maxWait bound the wait before a repetition; half of it is left
	// to chance so that two losers do not meet again.
	firstWait = 5 * time.Millisecond
	maxWait   = 500 * time.Millisecond
)

// insideTx marks the context that a transaction runs with.
type insideTx struct{}

// Tx runs fn in a transaction and commits it when fn returns nil.
//
// After a deadlock or a lock timeout the whole transaction is run again, so fn
// may be called several times and must have no other effect than through tx. All
// of it, the wait for a connection included, has the time limit of Config; when
// ctx ends before COMMIT is sent, nothing is written.
//
// ErrCommitUnknown means that nobody knows whether it was written. Any other error
// means that nothing was written; fn's own error is returned as it is.
func (db *DB) Tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if ctx.Value(insideTx{}) == db {
		return errNested
	}
	limited, cancel := context.WithTimeout(context.WithValue(ctx, insideTx{}, db), db.config.TxTimeout)
	defer cancel()

	for try := 1; ; try++ {
		err := db.try(limited, fn)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrCommitUnknown):
			return err
		case limited.Err() != nil && ctx.Err() == nil:
			// The limit is this package's, so its end is not the caller's deadline.
			return &Error{Kind: ErrBusy, Detail: "time limit of " + db.config.TxTimeout.String(), Cause: err}
		case ctx.Err() != nil:
			return fmt.Errorf("transaction rolled back: %w", errors.Join(ctx.Err(), err))
		case !errors.Is(err, ErrBusy) || try == maxTries:
			return err
		}
		pause(limited, try)
	}
}

// try runs the transaction once.
func (db *DB) try(ctx context.Context, fn func(tx *gorm.DB) error) error {
	tx := db.write.WithContext(ctx).Begin()
	if tx.Error != nil {
		return fmt.Errorf("begin transaction: %w", translate(tx.Error))
	}
	finished := false
	// Also when fn panics; the panic goes on.
	defer func() {
		if !finished {
			tx.Rollback()
		}
	}()
	if err := fn(tx); err != nil {
		return translate(err)
	}
	finished = true
	err := tx.Commit().Error
	step.At(step.Committed)
	return commitError(err)
}

// commitError sorts the errors of COMMIT: only those that prove that nothing was
// written keep their kind, any other is ErrCommitUnknown.
func commitError(err error) error {
	if err == nil {
		return nil
	}
	if notCommitted(err) {
		return fmt.Errorf("commit transaction: %w", translate(err))
	}
	return &Error{Kind: ErrCommitUnknown, Detail: err.Error(), Cause: err}
}

func notCommitted(err error) bool {
	if server := (*mysql.MySQLError)(nil); errors.As(err, &server) {
		// The server rolled back. Other answers (shutting down, killed, error during
		// commit) can also follow a commit that stands.
		return errors.Is(mysqlKinds[server.Number], ErrBusy)
	}
	if file := (*sqlite.Error)(nil); errors.As(err, &file) {
		switch file.Code() & 0xff {
		case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_FULL, codes.SQLITE_READONLY,
			codes.SQLITE_CONSTRAINT, codes.SQLITE_INTERRUPT:
			return true
		}
		return false
	}
	// The first means that the driver could write nothing; the others come from
	// database/sql, which had rolled back before COMMIT was tried.
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// pause waits before the next try, or until ctx ends.
func pause(ctx context.Context, try int) {
	wait := min(firstWait<<(try-1), maxWait)
	wait = wait/2 + rand.N(wait/2+1) //nolint:gosec // jitter is no secret
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

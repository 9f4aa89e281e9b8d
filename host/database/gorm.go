package database

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// openGORM puts GORM on a pool. Statements are not kept prepared: servers get
// interpolated ones, and batches of every size would fill a cache.
func (db *DB) openGORM(dialector gorm.Dialector, skipDefaultTransaction bool) (*gorm.DB, error) {
	handle, err := gorm.Open(dialector, &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: skipDefaultTransaction,
		DisableAutomaticPing:   true,
		NowFunc:                db.now,
		Logger:                 statementLogger{log: db.config.Logger, slow: db.config.SlowQuery},
	})
	if err != nil {
		return nil, err
	}
	// GORM translates the errors of all statements but those of Rows and Raw().Scan.
	err = handle.Callback().Row().After("*").Register("chargehand:translate", func(tx *gorm.DB) {
		tx.Error = translate(tx.Error)
	})
	return handle, err
}

// refuseWrites makes a handle refuse to write. Each handle has callbacks of its own.
func refuseWrites(reader *gorm.DB) error {
	refuse := func(tx *gorm.DB) {
		_ = tx.AddError(&Error{Kind: ErrReadOnly, Detail: "a write was tried outside of DB.Tx", Cause: gorm.ErrInvalidTransaction})
	}
	const name = "chargehand:refuse_writes"
	callbacks := reader.Callback()
	return errors.Join(
		callbacks.Create().Before("*").Register(name, refuse),
		callbacks.Update().Before("*").Register(name, refuse),
		callbacks.Delete().Before("*").Register(name, refuse),
		callbacks.Raw().Before("*").Register(name, refuse),
	)
}

// statementLogger logs slow statements, and failed ones at debug level, without
// their values. Errors are logged where they are handled.
type statementLogger struct {
	log  hclog.Logger
	slow time.Duration
}

var (
	_ logger.Interface  = statementLogger{}
	_ gorm.ParamsFilter = statementLogger{}
)

func (l statementLogger) LogMode(logger.LogLevel) logger.Interface { return l }

// Info, Warn and Error carry GORM's own remarks.
func (l statementLogger) Info(_ context.Context, text string, _ ...any) { l.log.Debug("gorm: " + text) }

func (l statementLogger) Warn(_ context.Context, text string, _ ...any) { l.log.Warn("gorm: " + text) }

func (l statementLogger) Error(_ context.Context, text string, _ ...any) {
	l.log.Error("gorm: " + text)
}

// ParamsFilter drops the values of a statement before it is put into words.
func (statementLogger) ParamsFilter(_ context.Context, statement string, _ ...any) (string, []any) {
	return statement, nil
}

// Trace is called after every statement.
func (l statementLogger) Trace(_ context.Context, begin time.Time, describe func() (string, int64), err error) {
	if took := time.Since(begin); l.slow > 0 && took >= l.slow {
		statement, rows := describe()
		l.log.Warn("slow database statement", "took", took.String(), "rows", rows, "statement", statement)
	}
	if err != nil && l.log.IsDebug() {
		statement, _ := describe()
		l.log.Debug("database statement failed", "error", err, "statement", statement)
	}
}

package database

import (
	"strings"

	"gorm.io/gorm"
	sqlite "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// sqliteKinds are the extended result codes that have a kind of their own.
var sqliteKinds = map[int]error{
	codes.SQLITE_CONSTRAINT_UNIQUE:     gorm.ErrDuplicatedKey,
	codes.SQLITE_CONSTRAINT_PRIMARYKEY: gorm.ErrDuplicatedKey,
	codes.SQLITE_CONSTRAINT_ROWID:      gorm.ErrDuplicatedKey,
	codes.SQLITE_CONSTRAINT_FOREIGNKEY: gorm.ErrForeignKeyViolated,
	codes.SQLITE_CONSTRAINT_CHECK:      gorm.ErrCheckConstraintViolated,
}

// sqlitePrimaryKinds are the kinds of the general codes, the low byte.
var sqlitePrimaryKinds = map[int]error{
	codes.SQLITE_BUSY:     ErrBusy,
	codes.SQLITE_LOCKED:   ErrBusy,
	codes.SQLITE_READONLY: ErrReadOnly,
	codes.SQLITE_FULL:     ErrFull,
	codes.SQLITE_IOERR:    ErrUnavailable,
	codes.SQLITE_CANTOPEN: ErrUnavailable,
	codes.SQLITE_NOTADB:   ErrDamaged,
	codes.SQLITE_CORRUPT:  ErrDamaged,
}

func translateSQLite(err *sqlite.Error) error {
	// SQLite's texts name tables, columns and tokens of the statement; values are
	// always bound, so none can show.
	out := &Error{Kind: sqliteKinds[err.Code()], Detail: err.Error(), Cause: err}
	if out.Kind == nil {
		out.Kind = sqlitePrimaryKinds[err.Code()&0xff]
	}
	// A foreign key that restricts at once is enforced by a trigger of SQLite's own.
	if err.Code() == codes.SQLITE_CONSTRAINT_TRIGGER && strings.Contains(err.Error(), "FOREIGN KEY") {
		out.Kind = gorm.ErrForeignKeyViolated
	}
	return out
}

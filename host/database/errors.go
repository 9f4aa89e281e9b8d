package database

import "errors"

// The faults that a caller tells apart. Each text says what to do about it.
//
// Beside these stand gorm.ErrRecordNotFound, gorm.ErrDuplicatedKey,
// gorm.ErrForeignKeyViolated and gorm.ErrCheckConstraintViolated.
var (
	// ErrUnavailable means that the database could not be reached, or that the
	// connection broke before COMMIT was sent. Nothing was written.
	ErrUnavailable = errors.New("the database cannot be reached: check that it runs, its address and the network between, or for a file its disk; what was asked was not written and can be tried again")

	// ErrCommitUnknown means that the answer to COMMIT was lost: the transaction may
	// stand or not, and the server may still be at it. Read back before anything else
	// is done, in a Tx and with a locking read (clause.Locking, UPDATE): that waits
	// for a commit that is under way, where a plain read would see nothing yet.
	ErrCommitUnknown = errors.New("the answer to COMMIT was lost, so what was asked may or may not be written: read it back before trying again")

	// ErrBusy means that locks or connections could not be had within the time
	// limit, repetitions included. Nothing was written.
	ErrBusy = errors.New("the database is too busy: what was asked was not written; try again later, and look for long transactions or too few connections if it stays")

	// ErrReadOnly means that the file or the server takes no writes, or that a
	// write was tried through Read.
	ErrReadOnly = errors.New("the database is read-only: check the file's permissions and the disk's mount, or that the address is the primary server's")

	// ErrFull means that there is no space left for the database.
	ErrFull = errors.New("the database has no space left: free or add disk space; nothing was written")

	// ErrDamaged means that the SQLite file holds something else, or that the
	// content of a file, a table or an index contradicts itself.
	ErrDamaged = errors.New("the file is not an SQLite database, or the database is damaged: correct the path; if it is the right one, keep a copy as it is, and have the table or index mended as the database's makers say, or restore a backup and compare that with the gateway first: it lacks what was charged since")

	// ErrInUse means that another process has the file open.
	ErrInUse = errors.New("the database file is in use by another process: stop that one, or use MySQL or MariaDB to run more than one host")

	// ErrSchemaOld means that migrations are missing.
	ErrSchemaOld = errors.New("the database schema is older than this program needs: run `chargehand migrate`")

	// ErrSchemaNew means that a later program has migrated the database.
	ErrSchemaNew = errors.New("the database schema is newer than this program knows: upgrade the program")

	// ErrStopped means that Shared was stopped before the item was taken. It was not
	// written.
	ErrStopped = errors.New("the host is stopping: what was asked was not written; ask another host or try again later")

	// ErrWithdrawn means that the caller's context ended before the item was taken.
	// It was not written.
	ErrWithdrawn = errors.New("withdrawn before it was written")
)

// errNested is a programming mistake that would wait for itself on SQLite.
var errNested = errors.New("a transaction was begun within another one: use the tx that was handed in")

// Error is a database error of a known kind. errors.Is finds the kind, errors.As
// the driver's error; the text shows the kind and a detail that holds no values.
type Error struct {
	// Kind is a sentinel of this package or of GORM, nil if the fault has none.
	Kind error
	// Detail names the constraint, the code or the address concerned.
	Detail string
	// Cause is the driver's error. Its text may hold values of rows: it is not shown.
	Cause error
}

func (e *Error) Error() string {
	switch {
	case e.Kind == nil:
		return e.Detail
	case e.Detail == "":
		return e.Kind.Error()
	default:
		return e.Kind.Error() + " (" + e.Detail + ")"
	}
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Cause}
	}
	return []error{e.Kind, e.Cause}
}

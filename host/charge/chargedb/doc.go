// Package chargedb keeps orders, charges and all that hangs on them, through
// GORM, on SQLite and on MySQL or MariaDB.
//
// The two writes of every charge, its intake and its changes, share their
// transactions: what waits is written together, in a few statements of many
// rows. A change is written only if the charge still has the version that the
// change was derived from; the row is locked, compared, and only then written,
// in one transaction, so whoever comes second is told charge.ErrStale.
//
// Evidence, ledger entries and events are only ever inserted.
package chargedb

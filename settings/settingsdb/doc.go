// Package settingsdb keeps what package settings decides, through GORM, on
// SQLite and on MySQL or MariaDB.
//
// Every write that charging depends on moves the revision of its fulfiller and
// plugin by a conditional UPDATE, in the transaction that it is part of:
// whoever decided on an older revision is told settings.ErrStale, and nothing
// is written. Versions of settings are only ever inserted.
//
// The package opens no secret: what it is given is sealed.
package settingsdb

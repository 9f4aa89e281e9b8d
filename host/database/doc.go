// Package database opens the host's database and is the only way to it: MySQL or
// MariaDB on a server, or SQLite in one file for a host that stands alone.
//
// What it holds to:
//
//   - A commit that returned nil is on disk. SQLite runs with synchronous=FULL.
//   - A commit whose answer was lost is ErrCommitUnknown and is never repeated
//     here: the caller reads back first. Every other error of Tx means that
//     nothing was written.
//   - Deadlocks and lock timeouts repeat the whole transaction, a bounded number
//     of times and within one time limit.
//   - Transactions see READ COMMITTED on servers; SQLite has one writer.
//   - Errors are translated once: gorm.ErrDuplicatedKey,
//     gorm.ErrForeignKeyViolated, gorm.ErrRecordNotFound and the sentinels of this
//     package. Their text carries no values of rows and no password.
//   - Times are UTC. Servers keep microseconds and cut the rest off; SQLite keeps
//     it, so cut what is compared later.
//
// Shared writes what many callers wait for in one transaction. Clock is the one
// time that all hosts of a database share.
//
// On a Galera cluster row locks end at the node, and a transaction that lost
// against another node's learns so at COMMIT, as a deadlock: it is repeated whole.
// So whoever claims something has it only once Tx returned nil. What another host
// has just committed on another node may not show yet. No decision rests on that:
// each is written on the version it was derived from, and an order that is not
// seen yet is refused by its unique key at the latest. What must not be missed is
// read by Latest, which waits for the other nodes' commits. A client that must read at
// one host what it wrote at another sets wsrep_sync_wait=1 in the DSN.
//
// What it does not do: it knows no table, chooses no retry for what it calls
// unknown, and never creates tables outside Migrate.
package database

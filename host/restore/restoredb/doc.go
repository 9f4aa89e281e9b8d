// Package restoredb keeps what package restore needs in the database: the
// environment, the hosts with their counters, the restores, and what was kept
// of lost charges. Counter counts the transactions of other stores.
package restoredb

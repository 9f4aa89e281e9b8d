// Package crash holds the crash matrix: for each step that package host/step
// names, a real host is killed exactly there, and in another run stopped there
// for longer than its leases last and woken again, while orders of every kind
// are under way. Then it is started again, or goes on, everything is posted
// once more, and package verdict judges what stands in the books against the
// gateway's own ledger and the calls that arrived there.
//
// In further runs the host naps before it sends: longer than an attempt may be
// sent, shorter than its lease. The plugin is killed while it waits for an
// answer. And connections to the gateway take too long to be made.
//
// The steps of what comes after a restore have runs of their own, on SQLite: the
// database is put back to a copy, and the command that sweeps the gateway is
// killed at its step, or the host that notices; then it is run again.
//
// The matrix runs on SQLite and, where CHARGEHAND_TEST_MYSQL_DSN names a server,
// on that; there a second host takes over while the first one is stopped. It is
// all in the tests:
//
//	go test ./testharness/crash
//	go test ./testharness/crash -run Matrix -only sqlite/mark_committed
//
// The steps are read from the source, and a step that no run came to fails the
// matrix. What the code does between two steps is not for it to find out:
// package host/step sees to it that no effect goes without one.
package crash

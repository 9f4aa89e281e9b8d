// Package restore keeps a database that is not what it should be from charging
// anybody a second time: one of another environment, and one that was put back
// to what it once was and has forgotten charges since.
//
// The fence: a database belongs to one environment, by name, kind and the
// fingerprint of the key that makes the references. A host of another one does
// not start.
//
// The watch: each host counts its transactions that change money, in rows of
// its own, and remembers the highest count that was surely on disk, in memory
// and in a state file. A transaction that would begin a charge in a database
// that shows less is refused by its own statement; everything else goes on,
// since evidence is never lost. A node of a cluster that lags behind shows less,
// too. So if the lower count stays, the latest that the cluster has committed is
// read: only if that is less, the database was put back, and nothing is attempted
// or released until it was swept. While it can't be read, nothing is known and
// nothing begun. An answer that comes in about an attempt or a charge which the
// latest does not have says the same as a counter that shows less.
//
// The sweep: Sweeper asks every site for all it has done since the backup. What
// belongs to a charge in the books is folded in; the rest is kept by its
// reference, which is made of the platform's own names, so that an order that
// is posted again finds it. Then the stop is lifted, under a new epoch.
//
// What it can't do: tell a clone with a copied configuration from the original;
// notice a restore if the state file was put back with the database; know of
// sites whose settings were lost, until somebody enters them again. It never
// remembers more than was committed, so no crash raises a false alarm; and it
// remembers a second late, so what goes back by less can pass a host that was killed.
package restore

// Package chaos runs the whole product while everything that it is made of
// dies, hangs, lies and loses its connections, and judges what became of the
// money once the dust has settled.
//
// A Plan, made from a seed and nothing else, says which orders are posted when,
// what the gateway does to each, and what else happens: hosts, plugins,
// database and gateway are killed, stopped for a while and started again;
// connections are cut, stalled, slowed and made deaf; the disk of the database
// is filled; a host's clock goes wrong. A platform posts each order again,
// the same to the letter, until it is answered.
//
// Then all of that ends, and the run waits until nothing is under way any more.
// It acts as the person where the product leaves something to a person, lets
// two nights pass at the gateway, and has package verdict hold the books against the
// gateway's own ledger and against what was accepted.
//
// The invariants:
//
//   - The same seed and sizes give the same plan. What it meets on its way
//     depends on the machine.
//   - Only what was accepted, and what the ledgers hold, decides the verdict;
//     no duration does, but for the limit after which something is stuck.
//   - What was started is ended, what was mounted is unmounted, what was
//     written is removed unless the run failed.
package chaos

// Package bench measures how fast the whole product charges and how much
// memory it takes, with everything real: the gateway simulator, a host and its
// plugin as processes of their own, HTTPS between them, a durable database.
//
// A figure of speed means little by itself, so each stands beside another from
// the same run on the same machine: the rate through the host beside that of a
// bare loop, which does for each payment the least that is safe (write it down
// durably, make the same HTTPS call, write the outcome down durably); a small
// company's latency beside another's flood next to its latency alone. Rounds of
// both sides alternate, and medians count, because a machine that does other
// things as well is slower at some times than at others.
//
// The invariants:
//
//   - Every order that a figure counts was authorised, and is released before
//     the next measurement begins; otherwise the run fails.
//   - What was started is ended, and what was written is removed, databases on
//     a server included.
//
// It proves nothing about correctness, and it tunes nothing: the host runs with
// the durability it always has.
package bench

// Package stand starts the programs that a run of the whole system is made of,
// as processes, as users start them: the gateway simulator, and a host with its
// plugin. It knows how to bring them up, how to reach them and how to end them;
// what happens with them in between is the run's own affair.
//
// The invariants:
//
//   - Whoever starts a process stops it; stopping what has ended, or what was
//     never started, does no harm.
//   - A program that does not come up is told of with the end of its log.
package stand

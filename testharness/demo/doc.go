// Package demo shows the whole product at work: it starts the gateway
// simulator and the host as processes, sets up a fulfiller and its sales
// channels as people would, posts orders while things go wrong on purpose, and
// compares the gateway's books with ours to the penny.
//
// Everything it starts is real and is reached as users reach it: over HTTP,
// through the Virtual Terminal, by the commands. Nothing in here knows the
// host from within.
//
// The invariants:
//
//   - What was started is ended, and what was written is removed, whichever
//     way a run ends; after a failure the logs are kept.
//   - A run is good only if each order came to the end its story expects and
//     both ledgers agree.
//
// It does not measure speed, and it does not try combinations of faults.
package demo

// Package engine charges: it acts on what package charge says has to be done
// next, and writes down what came of it before anybody is told.
//
// An attempt that has room is written down as started, by the commit that
// takes its order in, and sent right after; others wait for their turn. The
// answer is written down with its evidence; then the charges of one site are
// looked up together, released together and read back together. Everything
// that is due later, or was left by a host that died, is found by its next
// check.
//
// What the engine keeps in memory is only ever a hint. Each decision is
// written on the version of the charge it was derived from; who comes second
// reads, folds and derives again.
package engine

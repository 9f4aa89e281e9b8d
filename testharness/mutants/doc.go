// Package mutants shows that the proofs can fail: it breaks the product on
// purpose, in the ways a hurried engineer might, one at a time, and runs the
// tests that are meant to notice.
//
// A mutant is a change of a few words in one source file. It is applied in a
// test build alone, by the compiler's -overlay: the sources stay as they are.
// A mutant that no test notices is a hole in the proof, and fails the run; so
// does one whose words are no longer in the sources.
package mutants

// Package mutants shows that the proofs can fail: it breaks the product on
// purpose, in the ways a hurried engineer might, one at a time, and runs the
// proofs that are meant to notice: the properties of the state machine, or
// points of the crash matrix; and the package tests of the broken rule.
//
// A mutant is a change of a few words in one source file. It is applied in a
// test build alone, by the compiler's -overlay: the sources stay as they are.
// A mutant that one of its checks does not notice is a hole in the proof, and
// fails the run; so does one whose words are no longer in the sources.
package mutants

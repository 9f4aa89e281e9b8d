// Package order takes orders in: it checks what the platform posts, finds the
// links and settings it concerns, and writes the order, its charges and their
// first attempts down in one commit, before anybody is told or charged.
//
// The same order posted twice is the same order; the same name with another
// content is a conflict. An order is taken in whole or not at all.
//
// The package does not charge: it hands what it wrote to the engine.
package order

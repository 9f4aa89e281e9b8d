// Package sandbox plays the gateway that the example plugin charges through,
// for the conformance kit and for trying things out: plain HTTP on a loopback
// address, one account, everything in memory. A payment company's own sandbox,
// or a simulator of it, takes this place for a plugin in earnest.
//
// What a charge comes to is decided by its amount: see the constants.
package sandbox

// Package myst is the portal of the simulated gateway in small: pages for the
// staff of a merchant, as MyST has them, and for whoever runs the simulator.
//
// Transactions with filters and details, and what staff do with them; the
// Virtual Terminal; Web Services users and sites; notification rules and what
// became of notifications; the settlement clock; faults.
//
// The pages ask for no password: serve them on a loopback address alone, behind
// page.Local, as the gateway's Server does. They show no password and no card
// number, which the gateway does not keep. Everything works without scripts, and
// nothing is changed but by POST.
//
// It holds no state: all of it is the gateway's.
package myst

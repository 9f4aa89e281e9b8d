// Package verdict says whether a host kept its promise: it holds what the host
// tells over its API against the gateway's own ledger and against the orders
// that were posted.
//
// It is meant for the end of a run, once nothing is under way any more and
// enough nights have passed at the gateway for everything to settle: what is
// still on its way by then counts as stuck.
//
// It judges by the rules that hold for every run. What one story should have
// come to, and no other, is for whoever tells that story to check.
package verdict

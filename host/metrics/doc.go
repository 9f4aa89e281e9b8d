// Package metrics counts what happens, for Prometheus. Labels hold names of
// plugins, outcomes and states alone: nothing of companies, orders or cards.
package metrics

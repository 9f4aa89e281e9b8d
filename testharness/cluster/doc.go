// Package cluster holds the tests of several hosts on several nodes of one
// MariaDB Galera cluster: no order is charged twice and none is lost while they
// compete for the same work, while a node dies, while answers to COMMIT are lost,
// and while a node lags behind. What it finds with acting too early is shown too,
// so that the tests are known to be able to fail.
//
// "make cluster" starts the nodes. Without CHARGEHAND_TEST_GALERA_DSNS the tests
// are skipped. The nodes must run on this machine, and whoever keeps them starts a
// node again that dies.
package cluster

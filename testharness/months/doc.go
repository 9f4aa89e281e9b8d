// Package months runs the charging engine through days, weeks and a year in
// seconds: the tests here live in bubbles of virtual time (testing/synctest),
// with the default money clocks, a real SQLite database, the Trust Payments
// plugin's code and the gateway simulator, joined by a network in memory.
//
// What takes processes, sockets or a database server can't live in a bubble:
// the crash matrix and the chaos run drive those, with money clocks scaled
// down.
package months

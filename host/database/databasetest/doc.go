// Package databasetest gives tests a migrated database of their own: a SQLite file,
// and a database on a MySQL or MariaDB server if the environment names one.
//
// It is for tests only.
package databasetest

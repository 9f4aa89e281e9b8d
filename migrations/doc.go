// Package migrations carries the database schema as numbered SQL files, one
// set for each SQL dialect, embedded in the program.
//
// A file is named NNNN_name.sql, stands in mysql/ and in sqlite/ under the same
// name, and is written in the format of goose v3 (-- +goose Up). The two files
// of one number lead to the same tables as seen by the code. README.md holds
// the rules for writing one.
//
// Numbers begin at 1 and have no gaps. A released file is never changed: what
// is wrong in it is mended by a file with a higher number.
//
// The package applies nothing; host/database does that.
package migrations

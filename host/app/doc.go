// Package app puts a host together: database, settings, plugins, engine, API.
// The command and the tests of whole systems start the same App.
//
// It stops in the order that loses nothing: first nothing new is taken in,
// then nothing new is begun, then calls in flight are waited for, then the
// plugins end, and the database is closed last.
package app

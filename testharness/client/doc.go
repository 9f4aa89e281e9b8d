// Package client speaks to a running host as the platform does: over its HTTP
// API, with an API key. The whole-system runs of the harness use it, so that
// what they see is what a user sees.
//
// It knows the fields that those runs need and no others, and does not try
// anything again: whether to do so is part of what the runs are about.
package client

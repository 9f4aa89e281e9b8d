// Package xmlblocktest speaks the XML interface of the gateway simulator from
// the caller's side, for tests: it writes documents as requestblocks and reads
// responseblocks as the JSON that says the same.
//
// It goes by the table of package xmlblock, and is strict where a client would
// be tolerant: what the table doesn't know, or what XML can't say, is an error.
package xmlblocktest

// Package httpapi is the host's HTTP API: JSON in and out, one shape of error
// (RFC 9457 problem details), keys as bearer tokens, and an OpenAPI document
// made from the same types that the requests are checked against.
//
// Every route answers for the company of the caller's key alone: what belongs
// to others is not found. The package holds no rules of money or settings; it
// translates to the services that do, and knows no database.
package httpapi

package payment

import (
	"errors"
	"strings"
)

// ErrorKind is the one vocabulary of refusals. A declined payment is not among
// them: that is an answer.
type ErrorKind string

// The kinds.
const (
	ErrorInternal     ErrorKind = "internal"     // our fault
	ErrorInvalid      ErrorKind = "invalid"      // the request is wrong; sending it again is no use
	ErrorUnauthorized ErrorKind = "unauthorized" // credentials missing or wrong
	ErrorForbidden    ErrorKind = "forbidden"    // known, but not allowed
	ErrorNotFound     ErrorKind = "not_found"
	ErrorConflict     ErrorKind = "conflict"     // contradicts what is there
	ErrorUnavailable  ErrorKind = "unavailable"  // try later
	ErrorRateLimited  ErrorKind = "rate_limited" // try later, less often
	ErrorUnknown      ErrorKind = "unknown"      // the effect is uncertain
	ErrorUnsupported  ErrorKind = "unsupported"  // not offered here
)

// Error is a refusal with what is needed to act on it.
type Error struct {
	Kind  ErrorKind
	Op    string // what was attempted: "charge"
	Field string // the field at fault, if it is one
	// Text is fit for the people who use the product: what is wrong and what
	// to do. It holds no secret and no internals.
	Text string
	// NotSent is true only where it is proven that no byte of the request
	// reached the gateway.
	NotSent bool
	Err     error // internal cause; never shown outside
}

// Error gives the public text; the cause is reached by errors.Unwrap.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	if e.Text == "" {
		b.WriteString(string(e.Kind))
	} else {
		b.WriteString(e.Text)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf finds the kind of an error; ErrorInternal where none was given.
func KindOf(err error) ErrorKind {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != "" {
		return e.Kind
	}
	return ErrorInternal
}

// NotSent reports whether the error proves that nothing reached the gateway.
// Every other error from Charge leaves the outcome unknown.
func NotSent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.NotSent
}

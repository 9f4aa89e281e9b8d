package webservices

import (
	"errors"
	"fmt"
)

// The causes of a CallError that callers tell apart.
var (
	// ErrTooLate: the moment to send by had passed before the first byte.
	ErrTooLate = errors.New("the moment to send by has passed")
	// ErrConnect: no connection to the gateway came about.
	ErrConnect = errors.New("no connection to the gateway")
	// ErrStatus: the answer's HTTP status is not 200; see CallError.HTTPStatus.
	ErrStatus = errors.New("HTTP status")
	// ErrAnswer: an answer came, but it can't be read or belongs elsewhere.
	ErrAnswer = errors.New("the answer can't be read")
	// ErrNoAnswer: the request was written and no complete answer came back.
	ErrNoAnswer = errors.New("no complete answer")
	// ErrRequest: the call is wrong in itself.
	ErrRequest = errors.New("the request can't be built")
	// ErrNoXML: an address that replaces the gateway's own does not tell where
	// XML goes. Only together with ErrRequest.
	ErrNoXML = errors.New("the address of the gateway does not end in /json/, so where XML goes is not known")
)

// CallError is why a call brought no usable answer.
type CallError struct {
	// Sent is false only where it is proven that no application byte left.
	Sent bool
	// HTTPStatus is the answer's, where one could be read; else zero.
	HTTPStatus int
	Err        error
}

// Error says how far the call came. It holds no credentials and nothing of
// the answer's text.
func (f *CallError) Error() string {
	if f.Sent {
		return fmt.Sprintf("sent to the gateway, without a usable answer: %v", f.Err)
	}
	return fmt.Sprintf("not sent to the gateway: %v", f.Err)
}

// Unwrap gives the cause.
func (f *CallError) Unwrap() error { return f.Err }

func notSent(err error) *CallError { return &CallError{Err: err} }

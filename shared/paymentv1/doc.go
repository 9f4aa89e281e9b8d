// Package paymentv1 is version 1 of the protocol between host and plugins:
// the generated code of the .proto files beside this one.
//
// Only pluginrpc uses it; everything else speaks the words of package payment.
// Field numbers and enum numbers are never reused. Fields marked debug_redact
// hold secrets, and Go's own printing of messages does not honour the mark: a
// message is never printed or logged.
//
// Run "make generate" after a change.
package paymentv1

//go:generate buf generate

// Package rules holds what the service demands of single fields, whatever
// request they stand in: lengths, kinds of characters, amounts, dates. It keeps
// no state and knows no request.
//
// A rule is as strict as the public documentation, and no stricter: names and
// addresses may hold any characters, since official test suites send all kinds.
package rules

// Package paymentcheck says what every answer of a payment.Gateway looks like
// whatever it is about, and which requests every Gateway refuses. It is shared
// by those who examine gateways: the suite in paymenttest, for Go code, and the
// conformance kit, for programs in any language.
//
// Each check gives nil, or an error that says what is wrong. Nothing is called
// here, and nothing kept.
package paymentcheck

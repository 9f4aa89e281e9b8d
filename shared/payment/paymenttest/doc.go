// Package paymenttest helps to test whatever gives or takes a payment.Gateway.
//
// Run is the suite that every Gateway must pass, whether it is called directly,
// over a connection, or in a process of its own. Memory is a small gateway that
// keeps its transactions in memory and behaves as one in earnest would; Fake is
// a Memory that records its calls, loses answers when told to, and can be
// scripted verb by verb.
//
// None of it stands for a particular gateway.
package paymenttest

// Package webservices speaks to Trust Payments Webservices, in JSON or XML:
// one HTTPS POST per call, HTTP Basic authentication, one envelope of request
// elements up, one of response elements down. It knows the wire and nothing of
// what a payment means. The two formats say the same, and whoever calls can't
// tell them apart by what comes back.
//
// What it promises, and how:
//
//   - A call is written to the network at most once. The package does not use
//     net/http's Transport, which replays some requests by itself, follows
//     redirects when asked to, and does not tell how far it came. It keeps its own TLS
//     connections, writes the whole request by one Write, and reads the answer
//     with net/http's parser. There is no loop around that Write.
//   - CallError.Sent is false only with proof. Every application byte passes
//     through one counting connection that lies above TLS; a handshake is not
//     an application byte, a Write that failed half-way or at its first byte is.
//   - The moment to send by is checked on the wall clock and on the monotonic
//     clock, together with the context, after connecting and right before the
//     first byte.
//   - Connections are kept for reuse because a TLS handshake costs more than all
//     the rest. One that lay idle is first asked, without reading or writing,
//     whether the other side has closed it; such a one is dropped and a fresh
//     one dialled. What remains is the moment in which both sides act at the
//     same time: that is doubt, and reported as doubt. It is kept small by
//     reusing only what lay idle for a few seconds, which is less than the
//     gateway's own patience. Names are resolved anew for every connection, and
//     a connection is retired after a minute, because the gateway moves its
//     address.
//   - HTTP/1.1 only, TLS 1.2 or newer, no redirects, no cookies, no compression,
//     and a limit on the size of an answer. A proxy is taken from the
//     environment (HTTPS_PROXY, NO_PROXY) and reached by CONNECT.
//   - An answer is read tolerantly where the gateway is loose (numbers for
//     strings, a missing member, "responses" for "response") and refused where
//     it could mislead: a member that occurs twice, another request's reference,
//     text after the end. XML is read without document types, entities and
//     instructions.
//
// Where the gateway is, is fixed: one address for each region. The process
// environment can name other addresses and one more certificate authority, for
// tests and for private networks; nothing that a tenant enters can.
package webservices

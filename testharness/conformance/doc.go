// Package conformance examines a payment plugin, written in whatever language,
// over the protocol that a host speaks with it: bin/testharness conformance.
//
// # How a case comes about
//
//	kit --gRPC--> plugin --HTTPS--> front --HTTP(S)--> gateway simulator
//
// The kit starts the plugin as a host does. A profile says which settings it
// takes, which simulator of its gateway to start, and what makes that simulator
// decline, hold or refuse. The front is the kit's own: it stands between plugin
// and simulator, ends TLS with a certificate authority made for the run, counts
// what passes, and loses, delays and spoils answers. So every doubt is made for
// every gateway that is spoken to over HTTP, without its simulator's help.
//
// # What always holds
//
//   - What could not be examined is reported as that, with the reason, never as
//     passed. Only a run in which everything passed counts as success.
//   - A plugin can't make the kit hang or fail: every call, start and end has a
//     limit, and what a plugin writes is bounded and never interpreted.
//   - A process that dies costs the case that it died in. The next case gets
//     another one.
//   - What must hold through all calls (one request for each charge, nothing on
//     standard output, no secret anywhere, no litter) is watched during all
//     cases and judged by cases of its own at the end.
//
// # What it does not do
//
// It does not measure speed, and does not judge what a gateway's codes mean
// beyond what the profile names: the table of codes is the plugin's, and its
// tests'. Gateways that are not spoken to over HTTP/1.1 can't be put behind the
// front.
package conformance

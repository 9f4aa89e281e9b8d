// Package pluginrpc carries payment.Gateway over gRPC: the handshake between
// host and plugin, a client that is a payment.Gateway, and a server around one.
// It is the only place that knows both the words of package payment and those
// of the protocol.
//
// What holds here:
//
//   - Every error is a *payment.Error on both sides. NotSent is true on the
//     host's side only if the plugin proved it, or if this package refused the
//     call itself. A status that carries no detail of ours, as a dying process
//     leaves behind, proves nothing.
//   - Errors carry their public text across, never their cause. The server
//     side must log causes before they get here.
//   - Numbers of an enum that this version doesn't know become the zero value,
//     which never means success.
//   - Messages are bounded by MaxMessage in both directions.
//
// The package starts no process and keeps no state.
package pluginrpc

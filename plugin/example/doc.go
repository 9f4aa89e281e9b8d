// Package example is a whole payment plugin in as few lines as it takes, to be
// copied by those who write one. The gateway that it charges through does not
// exist: package sandbox plays it.
//
// It is right rather than fast: every call has a connection of its own, which
// is what makes "nothing was sent" easy to prove (see client.go). A plugin that
// keeps its connections has more to think of; plugin/trustpayments does.
//
// The files are the parts that every plugin has:
//
//	gateway.go   what the plugin is, and the settings it takes
//	settings.go  what those settings mean, and whether they can be right
//	client.go    one request to the gateway, at most once
//	charge.go    one authorisation, and how its answer is read
//	query.go     what the gateway holds
//	adjust.go    release and cancel
//	preflight.go a check that moves no money
//
// Nothing is kept between calls.
package example

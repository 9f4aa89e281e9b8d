// Package pluginkit makes a program of a payment.Gateway: the one thing a
// plugin's author has to call is Main.
//
//	func main() {
//		os.Exit(pluginkit.Main(pluginkit.Options{New: newGateway, Version: version}))
//	}
//
// What the author gets:
//
//   - The gateway served to a host over a private connection, with limits on
//     sizes, and calls without a deadline refused before they do anything.
//   - A panic in one call fails that call, with an outcome that is not known,
//     and leaves its neighbours alone. A panic in a goroutine that the gateway
//     started still ends the process.
//   - A logger whose lines reach the host's log at their own level. Standard
//     output belongs to the handshake: what is printed there while the gateway
//     is made is refused, and what is printed later is lost.
//   - SIGTERM and SIGINT are ignored: the host drains its plugins before it
//     ends them, and a signal to the whole group must not cut a charge off.
//     When the host is gone the process exits.
//   - "describe", which prints what the plugin is as JSON without any host.
//
// Nothing is kept between calls: settings come with each request.
package pluginkit

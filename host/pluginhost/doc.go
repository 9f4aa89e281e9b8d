// Package pluginhost finds payment plugins, runs each as a process of its own,
// and keeps it running.
//
// A plugin is a binary with a manifest beside it that names its checksum. One
// run of it is a generation: a process with its own socket folder, certificates
// and lifeline. A generation is started, checked, published, drained and
// killed; it is never started again, only replaced by a new one. Callers hold a
// facade from Host.Gateway, which finds the generation of the moment for each
// call.
//
// What holds here:
//
//   - No call is ever repeated. What was in flight when a process died comes
//     back as an error that proves nothing; what found no process comes back as
//     proven not sent.
//   - A plugin sees a short list of environment variables and no others.
//   - What a plugin writes to standard error is bounded, redacted and never
//     trusted to be well formed.
//   - Every wait has a limit and every goroutine is waited for in Host.Stop. A
//     process that can't be killed is given up and logged.
//   - No lock is held while a process is started or called.
//
// It doesn't decide what is called when, doesn't limit calls, and doesn't
// upgrade plugins while running. It needs a Unix system.
package pluginhost

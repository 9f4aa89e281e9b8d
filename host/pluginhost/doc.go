// Package pluginhost finds payment plugins, runs each as a process of its own,
// keeps it running, and replaces it by another version while calls run.
//
// A plugin is a binary with a manifest beside it that names its checksum. One
// run of it is a generation: a process with its own socket folder, certificates
// and lifeline. A generation is started, checked, published, drained and
// killed; it is never started again, only replaced by a new one. Callers hold a
// facade from Host.Gateway, which finds the generation of the moment for each
// call.
//
// # Copies
//
// What is installed is never executed. The host copies a binary to its store,
// STORE/SHA256/NAME, checks the copy and runs that, so that what was checked is
// what runs, and an installed file can be replaced at any time. A copy stays as
// long as a process runs from it or the record names it.
//
// # Which version is in force
//
// STORE/releases.json, written whole or not at all, says for each plugin which
// version is in force, which was before, and what was installed at that time;
// the manifests themselves stand there. It is written after a new version has
// come up and before it is called. When a host starts, the version in force goes
// on, whether it came by an upgrade from elsewhere or by a roll-back, unless
// another is installed by then than the record knows: then that one is started,
// and the old one becomes what can be rolled back to. A process that dies is
// replaced by one of the same version, whatever is installed.
//
// # Failures
//
// A process that dies, hangs or does not come up is replaced: at once, then
// after pauses that grow. Too many failures put the plugin in quarantine: it is
// not started again until a person asks for it, another build is installed, or
// the host is started again.
//
// # Files that are replaced
//
// A process that is confined is given files, not names: what takes the place of
// /etc/resolv.conf, of a bundle of authorities, of what a variable *_FILE names
// or of what the manifest lists is shut to it. The host looks at each probe, and
// replaces the process as a restart does, with calls running, at most once a
// minute. A file that is gone is waited for. If the new process does not come up
// the old one goes on.
//
// # What holds here
//
//   - No call is ever repeated. What was on the wire when a process died comes
//     back as an error that proves nothing; what was not comes back as proven
//     not sent.
//   - A generation that is well goes on until another one has come up, and is
//     ended by nobody twice.
//   - A plugin sees a short list of environment variables and no others.
//   - What a plugin writes to standard error is bounded, redacted and never
//     trusted to be well formed.
//   - Every wait has a limit and every goroutine is waited for in Host.Stop. A
//     process that can't be killed is given up and logged.
//   - No lock is held while a process is started or called, but the right to
//     start one.
//   - What a host leaves behind that is killed is removed by the next: sockets
//     and unfinished copies. Its processes end by themselves.
//
// It doesn't decide what is called when, and doesn't limit calls. It needs a
// Unix system.
package pluginhost

// Package confine starts plugins so that the system keeps them from what is not
// theirs: the host's database, configuration and keys above all.
//
// A program is started through a launcher: the host's own binary, which is told
// by its arguments to be one. The launcher confines its own process, with
// Landlock and by giving up ever to gain privileges, and then becomes the
// program. Process number, group, open files, environment and arguments are
// those that the program would have without it.
//
// What holds on Linux with Landlock, for the program and all that it starts:
//
//   - It reads what it takes to resolve names, to trust authorities and to know
//     the time; files that its environment names in variables ending in _FILE
//     and _DIR; what its manifest lists under "read"; and itself.
//   - It executes itself and what its manifest lists under "execute". If one of
//     these needs a loader (it is not linked statically), the loader is added,
//     and the system's libraries may be read.
//   - It writes in its socket folder and to /dev/null.
//   - No folder that holds something of the host's is given to it, whoever asks
//     for that: the start fails.
//   - It traces no process but its own, which closes /proc/PID/mem and the
//     like; it listens on no TCP port (Linux 6.7); it sends signals to no other
//     process and reaches no abstract socket (6.12), nor, on kernels newer than
//     this was tried on, other programs' sockets in the file system.
//
// The launcher checks the program's checksum on the file that it then allows to
// be executed, and no other: a file that takes its name between the two is not
// started. A copy that is not done has another checksum, or is still open for
// writing, which the kernel refuses to execute. What remains is somebody who may
// write that very file (its owner; the host refuses files that others may
// change) and does it between the two: for them, the manifest with the checksum
// is no obstacle either. While a program runs, nobody can write its file.
//
// What Landlock does not stop:
//
//   - The network: a plugin connects where it wants to, and sends what it
//     knows. It must reach gateways and proxies, whose ports are not known.
//     Multipath TCP goes around the ban on listening, and UDP is not limited.
//   - Sockets in the file system that other programs of the same user listen
//     on, such as a database's, with most kernels of today. Give the database
//     a password.
//   - Code that a plugin brings with it, or that its loader loads from what it
//     may read: it runs, confined like the plugin.
//   - Looking at what is there: names, sizes and modes of files, which processes
//     run. Whoever else is confined by this package can't be seen into.
//   - Use of processor and memory.
//
// A path stands for the file or folder that it led to when the process started.
// What is put in its place later that process can't read: Files tells of it, so
// that another process can be started. For files in folders that may be read
// this makes no difference.
//
// Files that are open already, standard input among them, are as open as they
// are without a launcher. Other systems than Linux, and kernels without
// Landlock, confine nothing; Notice says so.
package confine

package confine

import (
	"fmt"
	"strings"
)

// enough is the version of Landlock that Required asks for: the first that
// leaves no way to change files.
const enough = 3

// gaps tell what a process can still do with a Landlock older than a version.
var gaps = []struct {
	version int
	linux   string // the first with it
	can     string
}{
	{1, "5.13", "read, change and execute what the host can"},
	{3, "6.2", "truncate files that the host can write"},
	{4, "6.7", "listen on TCP ports"},
	{6, "6.12", "send signals to processes of the host's user and reach abstract sockets"},
}

// notice tells what a kernel lets through, and what to do; empty if it has all
// that this package asks for, and can be tested for.
func notice(version int) string {
	var can []string
	linux := ""
	for _, gap := range gaps {
		if version < gap.version {
			can, linux = append(can, gap.can), gap.linux
		}
	}
	switch {
	case len(can) == 0:
		return ""
	case version == 0:
		return "plugins are not confined, since this kernel has no Landlock: they can read, change and execute whatever the host can. " +
			"Run the host on Linux " + linux + " or later with landlock among its security modules (lsm= on the kernel's command line), " +
			"and where it is in a container, let the system calls landlock_* through; " +
			"plugins.confine: required makes sure of it, off silences this"
	}
	return fmt.Sprintf("plugins are confined, but can still %s: this kernel's Landlock has version %d. Linux %s or later closes that",
		strings.Join(can, ", "), version, linux)
}

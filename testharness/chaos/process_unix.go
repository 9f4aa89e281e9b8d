//go:build !windows

package chaos

import (
	"os"
	"syscall"
)

func pausePID(p *os.Process, on bool) bool {
	if on {
		return p.Signal(syscall.SIGSTOP) == nil
	}
	return p.Signal(syscall.SIGCONT) == nil
}

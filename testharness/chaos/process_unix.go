//go:build !windows

package chaos

import (
	"os"
	"syscall"
)

func pausePID(p *os.Process, on bool) error {
	if on {
		return p.Signal(syscall.SIGSTOP)
	}
	return p.Signal(syscall.SIGCONT)
}

package pluginkit

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// parentPoll is how often the parent is looked at. It is the second line: the
// lifeline tells at once.
const parentPoll = time.Second

// removeSockets removes what this process leaves behind in the socket folder
// that the host made for it alone: a host that is gone can't.
func removeSockets() {
	dir := os.Getenv(goplugin.EnvUnixSocketDir)
	if dir == "" || os.Getenv(pluginrpc.LifelineEnv) == "" {
		return // the folder may be shared
	}
	sockets, _ := filepath.Glob(filepath.Join(dir, "plugin*"))
	for _, socket := range sockets {
		_ = os.Remove(socket) //nolint:gosec // The host that started this process chose the folder.
	}
	_ = os.Remove(dir) //nolint:gosec // As above; and only if nothing else is in it.
}

// endGroup ends what this process has started, and itself, if the host made it
// the first of a group of its own: nobody else would.
func endGroup() {
	if os.Getenv(pluginrpc.LifelineEnv) != "" && syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
}

// watchHost calls gone when the host has ended, however it ended. Its
// goroutines live as long as the process.
func watchHost(log hclog.Logger, parent int, gone func()) {
	line, err := openLifeline(os.Getenv(pluginrpc.LifelineEnv))
	if err != nil {
		log.Warn("the end of the host will be noticed late", "error", err)
	}
	if line != nil {
		go func() {
			// Nothing is ever written to it: this returns at its end.
			_, _ = io.Copy(io.Discard, line)
			gone()
		}()
	}
	go func() {
		for range time.Tick(parentPoll) {
			if os.Getppid() != parent {
				gone()
				return
			}
		}
	}()
}

// openLifeline opens the inherited descriptor; nil if the host gave none.
func openLifeline(number string) (*os.File, error) {
	if number == "" {
		return nil, nil
	}
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("lifeline: %s=%q is no file descriptor", pluginrpc.LifelineEnv, number)
	}
	// An os.File made of it would close it in the end, which is right only for
	// what is ours.
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(fd), &stat); err != nil {
		return nil, fmt.Errorf("lifeline: descriptor %d is not open: %w", fd, err)
	}
	if stat.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return nil, fmt.Errorf("lifeline: descriptor %d is no pipe", fd)
	}
	syscall.CloseOnExec(int(fd))
	return os.NewFile(uintptr(fd), "lifeline"), nil
}

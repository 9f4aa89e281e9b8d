package conformance

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/hashicorp/go-plugin/runner"
)

// process runs a plugin's binary for go-plugin, as go-plugin itself would, and
// keeps all that it prints: go-plugin drops what follows the handshake.
type process struct {
	cmd    *exec.Cmd
	stdout io.ReadCloser
	stderr io.ReadCloser
	// printed is what came out on standard output, the handshake included.
	printed *capture
	// forced says that it had to be killed.
	forced atomic.Bool
	// ended is closed when it has ended.
	ended chan struct{}
}

var _ runner.Runner = (*process)(nil)

// newProcess prepares a run. Files are inherited from descriptor 3 on.
func newProcess(path, dir string, environment []string, files ...*os.File) (*process, error) {
	cmd := exec.Command(path) //nolint:noctx // The plugin to examine; how it ends is decided by who started it.
	cmd.Dir, cmd.Env, cmd.ExtraFiles = dir, environment, files
	// A group of its own: what it starts ends with it, and a signal to the kit
	// is none to it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{cmd: cmd, printed: &capture{}, ended: make(chan struct{})}
	var err error
	if p.stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if p.stderr, err = cmd.StderrPipe(); err != nil {
		return nil, err
	}
	return p, nil
}

// Start implements runner.Runner.
func (p *process) Start(context.Context) error { return p.cmd.Start() }

// Stdout implements runner.Runner.
func (p *process) Stdout() io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(p.stdout, p.printed), p.stdout}
}

// Stderr implements runner.Runner.
func (p *process) Stderr() io.ReadCloser { return p.stderr }

// Wait implements runner.Runner. It is called once.
func (p *process) Wait(context.Context) error {
	defer close(p.ended)
	return p.cmd.Wait()
}

// Kill implements runner.Runner.
func (p *process) Kill(context.Context) error {
	p.forced.Store(true)
	p.signal(syscall.SIGKILL)
	return nil
}

// signal reaches the whole group.
func (p *process) signal(s syscall.Signal) {
	if p.cmd.Process != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

// leftAlone reports whether nothing is left of the group.
func (p *process) leftAlone() bool {
	return p.cmd.Process == nil || syscall.Kill(-p.cmd.Process.Pid, 0) != nil
}

// Name implements runner.Runner.
func (p *process) Name() string { return p.cmd.Path }

// ID implements runner.Runner.
func (p *process) ID() string {
	if p.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Diagnose implements runner.Runner.
func (*process) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.Runner.
func (*process) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin implements runner.Runner.
func (*process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

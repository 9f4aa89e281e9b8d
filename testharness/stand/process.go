package stand

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Process is a program that was started. What it writes goes to a log file.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// stopGrace is how long a process has to end by itself. The host waits for
// the calls in flight, which take seconds in the runs of the harness.
const stopGrace = 15 * time.Second

// Start starts a program that is to stay, with its log in dir. It lives in a process group of its
// own: Ctrl-C reaches this program alone, which then ends the others in order.
func Start(dir, name, bin string, env []string, args ...string) (*Process, error) {
	p := &Process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	// Not bound to a context: the end of one would kill at once and out of order.
	p.cmd = exec.Command(bin, args...) //nolint:gosec,noctx // runs what was built beside this program; ended by stop
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = out, out, env
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		_ = out.Close()
		close(p.done)
	}()
	return p, nil
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Runs reports whether it runs that program.
func (p *Process) Runs(bin string) bool { return p.cmd.Path == bin }

// Done is closed once the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the process at once, as a crash does: nothing of it gets a chance to
// clean up.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() } // that it has ended already is as good

// Pause stops the process where it stands, as a machine does that swaps or
// is suspended, until Resume.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Stop asks the process to end, and kills it if it does not. A process that was
// never started is stopped already.
func (p *Process) Stop() {
	if p == nil {
		return
	}
	select {
	case <-p.done:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
		<-p.done
	}
}

// Until waits until ready says so. It gives up when the process has ended,
// after the limit, or with ctx.
func (p *Process) Until(ctx context.Context, limit time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended at once:\n%s", p.name, p.Tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %s: %w\n%s", p.name, limit, err, p.Tail())
		case <-tick.C:
		}
	}
}

// tailBytes is how much of a log is shown with a failure.
const tailBytes = 2000

// Tail is the end of the log.
func (p *Process) Tail() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b[max(0, len(b)-tailBytes):]))
}

// Run runs a program to its end and gives what it printed.
func Run(ctx context.Context, bin string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, bin, args...) //nolint:gosec // runs what was built beside this program
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		said := ""
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			said = ": " + strings.TrimSpace(string(exit.Stderr))
		}
		return "", fmt.Errorf("%s %s: %w%s", filepath.Base(bin), strings.Join(args, " "), err, said)
	}
	return strings.TrimSpace(string(out)), nil
}

// MustExist tells what to do if something has not been built.
func MustExist(paths ...string) error {
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return fmt.Errorf("%s is not there: run \"make build\" first, or name the folder with --bin", p)
		}
	}
	return nil
}

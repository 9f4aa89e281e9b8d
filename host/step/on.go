//go:build crashpoints && linux

package step

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// The environment says where to end, as STEP:N:ACTION, and which file is told
// of it. N counts the times the step is come to, from 1; ACTION is "kill" or
// "stop", which sends the process SIGKILL or SIGSTOP.
const (
	envAt     = "CHARGEHAND_CRASH_AT"
	envReport = "CHARGEHAND_CRASH_REPORT"
)

// point is where this process ends, if anywhere.
type point struct {
	step   Step
	left   atomic.Int64
	signal syscall.Signal
	report string
}

var chosen = read(os.Getenv(envAt), os.Getenv(envReport))

// read is nil if nothing is asked for. What can't be read ends the program: a
// run that tests nothing must not pass for a good one.
func read(at, report string) *point {
	if at == "" {
		return nil
	}
	p := &point{report: report}
	parts := strings.Split(at, ":")
	if len(parts) != 3 || report == "" {
		panic(fmt.Sprintf("%s=%q: write STEP:N:ACTION, and name a file in %s", envAt, at, envReport))
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || n < 1 {
		panic(fmt.Sprintf("%s=%q: N counts from 1", envAt, at))
	}
	p.step = Step(parts[0])
	p.left.Store(n)
	switch parts[2] {
	case "kill":
		p.signal = syscall.SIGKILL
	case "stop":
		p.signal = syscall.SIGSTOP
	default:
		panic(fmt.Sprintf("%s=%q: ACTION is kill or stop", envAt, at))
	}
	return p
}

// At ends or stops the process if this is the step that was asked for. After a
// kill nothing of the process goes on; after a stop all of it goes on from
// here once it is woken.
func At(s Step) {
	if chosen == nil || s != chosen.step || chosen.left.Add(-1) != 0 {
		return
	}
	if err := os.WriteFile(chosen.report, []byte(s), 0o600); err != nil {
		panic(fmt.Sprintf("report step %s: %v", s, err))
	}
	// To this thread: it is the one that must not run on, and the process's
	// signals may go to any.
	if err := syscall.Tgkill(os.Getpid(), syscall.Gettid(), chosen.signal); err != nil {
		panic(fmt.Sprintf("end at step %s: %v", s, err))
	}
}

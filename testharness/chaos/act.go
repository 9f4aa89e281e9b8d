package chaos

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// acting takes all steps at their times, and returns once the last one is over.
func (w *world) acting(ctx context.Context) {
	var all sync.WaitGroup
	for _, s := range w.plan.Steps {
		if !wait(ctx, s.At-w.diary.since()) {
			break
		}
		all.Go(func() {
			began := w.diary.since()
			w.diary.step(s, began, w.act(ctx, s))
		})
	}
	all.Wait()
}

// act takes one step and returns when it is over. False: there was nothing to
// act on.
func (w *world) act(ctx context.Context, s Step) bool {
	switch s.Kind {
	case KindKill, KindStop, KindRestart:
		if p, ok := strings.CutPrefix(s.Target, "plugin-"); ok {
			return w.actOnPlugin(ctx, s, w.host(p))
		}
		u := w.unit(s.Target)
		switch s.Kind {
		case KindKill:
			if s.Target == "gateway" {
				w.script.look(ctx) // what it did by now dies with it
			}
			return u.kill(ctx, s.For)
		case KindStop:
			return u.hold(ctx, s.For)
		default:
			return u.restart(ctx, s.For)
		}
	case KindCut, KindStall, KindSlow, KindDeaf:
		l := w.links[s.Target]
		l.set(s.Kind)
		wait(ctx, s.For)
		l.set("")
		return true
	case KindFault:
		w.script.tell(ctx, s.Fault, faultsOf(windowFaults, s.Fault, w.plan.Size.Scale))
		wait(ctx, s.For)
		w.script.end(ctx, s.Fault)
		return true
	case KindFill:
		return w.fill(ctx, s)
	case KindCopy:
		return w.copyDatabase()
	case KindSkew:
		return w.skew(ctx, s)
	}
	return false
}

func (w *world) unit(name string) *unit {
	switch name {
	case "gateway":
		return w.gateway
	case "database":
		return w.database
	}
	return w.host(strings.TrimPrefix(name, "host-")).unit
}

func (w *world) host(number string) *host {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(w.hosts) {
		return w.hosts[0]
	}
	return w.hosts[n-1]
}

// fill takes the database's disk away for a while.
func (w *world) fill(ctx context.Context, s Step) bool {
	if w.disk.unlimited != "" {
		return false
	}
	err := w.disk.fill()
	if err == nil {
		wait(ctx, s.For)
	}
	if ferr := w.disk.free(); ferr != nil {
		w.diary.fault("%v", ferr)
	}
	if err != nil {
		w.diary.trouble("fill", err)
	}
	return err == nil
}

// clockLimit is how far from the database's a host's clock may be.
const clockLimit = 5 * time.Second

// skew has a host run with a wrong clock for a while. One that is too wrong
// must say that it is not ready.
func (w *world) skew(ctx context.Context, s Step) bool {
	h := w.host(strings.TrimPrefix(s.Target, "host-"))
	h.skew.Store(int64(s.Skew))
	done := h.restart(ctx, time.Millisecond)
	for end := time.Now().Add(s.For); done && time.Now().Before(end); {
		if !wait(ctx, 100*time.Millisecond) {
			break
		}
		asked, cancel := context.WithTimeout(ctx, time.Second)
		if p := h.now(); s.Skew.Abs() > clockLimit && p != nil && p.Runs(w.bin("testharness")) && h.answers(asked) == nil && h.now() == p {
			w.diary.fault("%s said that it was ready, with a clock that is wrong by %s", s.Target, s.Skew)
			done = false
		}
		cancel()
	}
	h.skew.Store(0)
	h.restart(ctx, time.Millisecond)
	return done
}

// strike hits the plugin's process of a host, as soon as there is one. It gives
// the process; nil if there was none for a long time.
func strike(ctx context.Context, h *host, hit func(*os.Process) error) *os.Process {
	for end := time.Now().Add(readyLimit); time.Now().Before(end) && wait(ctx, askEvery); {
		p := h.now()
		if p == nil {
			continue
		}
		pids := children(p.PID())
		if len(pids) == 0 {
			continue
		}
		if victim, err := os.FindProcess(pids[len(pids)-1]); err == nil && hit(victim) == nil {
			return victim
		}
	}
	return nil
}

// actOnPlugin kills or stops the process that a host runs for its plugin.
func (w *world) actOnPlugin(ctx context.Context, s Step, h *host) bool {
	hit := (*os.Process).Kill
	if s.Kind == KindStop {
		hit = func(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
	}
	victim := strike(ctx, h, hit)
	if victim == nil {
		return false
	}
	killed := time.Now()
	if s.Kind == KindStop {
		wait(ctx, s.For)
		_ = victim.Signal(syscall.SIGCONT) // it may have been killed meanwhile
		return true
	}
	// Until another process has taken its place and the host is ready with it.
	for end := killed.Add(readyLimit); time.Now().Before(end) && wait(ctx, askEvery); {
		p := h.now()
		if p == nil {
			return true // the host itself went down meanwhile
		}
		pids := children(p.PID())
		asked, cancel := context.WithTimeout(ctx, time.Second)
		ready := len(pids) > 0 && pids[len(pids)-1] != victim.Pid && h.answers(asked) == nil
		cancel()
		if ready {
			w.diary.recovered("plugin", killed, time.Now())
			return true
		}
	}
	return true
}

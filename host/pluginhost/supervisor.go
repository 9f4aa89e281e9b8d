package pluginhost

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// supervisor keeps one plugin running.
type supervisor struct {
	plugin plugin
	cfg    Config
	log    hclog.Logger

	// current is the generation that is called; nil while there is none.
	current  atomic.Pointer[generation]
	inFlight atomic.Int64
	// suspect holds a wish for a probe at once.
	suspect chan struct{}

	cancel context.CancelFunc
	done   chan struct{}
	// hurried ends when the drain is to be cut short.
	hurried  context.Context
	hurry    context.CancelFunc
	retiring sync.WaitGroup

	mu     sync.Mutex
	status Status
}

func newSupervisor(p plugin, cfg Config) *supervisor {
	s := &supervisor{
		plugin: p, cfg: cfg, log: cfg.Logger.Named(p.name), suspect: make(chan struct{}, 1), done: make(chan struct{}),
		status: Status{Name: p.name, Version: p.version, State: StateStopped},
	}
	s.hurried, s.hurry = context.WithCancel(context.Background())
	return s
}

// start begins to keep the plugin running. first gets what the first start came
// to.
func (s *supervisor) start(first chan<- error) {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		defer close(s.done)
		s.run(ctx, first)
		s.retiring.Wait()
		s.set(func(st *Status) { st.State, st.PID = StateStopped, 0 })
	}()
}

// stop drains and ends the plugin, and waits for it. The end of ctx cuts the
// drain short.
func (s *supervisor) stop(ctx context.Context) {
	unlink := context.AfterFunc(ctx, s.hurry)
	defer unlink()
	s.cancel()
	<-s.done
	s.hurry()
}

// run replaces generation by generation until ctx ends.
func (s *supervisor) run(ctx context.Context, first chan<- error) {
	failures := 0
	for number := 1; ; number++ {
		s.set(func(st *Status) { st.State, st.Generation = StateStarting, number })
		g, err := launch(ctx, s.plugin, s.cfg, s.log, number)
		if err == nil {
			s.publish(g)
		}
		if number == 1 {
			first <- err
		}
		if err == nil {
			err = s.serve(ctx, g)
			if time.Since(g.ready) >= s.cfg.Timing.Healthy {
				failures = 0
			}
		}
		if ctx.Err() != nil {
			return
		}
		pause := backoff(failures, s.cfg.Timing)
		failures++
		// Whoever called Start may well give up when the first start fails.
		s.log.Error("the plugin is down; unless the host ends, it is started again after a pause",
			"generation", number, "reason", err, "pause", pause.String())
		s.set(func(st *Status) {
			st.State, st.PID, st.LastError, st.Restarts = StateBackoff, 0, err.Error(), st.Restarts+1
		})
		if !sleep(ctx, pause) {
			return
		}
	}
}

// publish lets a generation be called.
func (s *supervisor) publish(g *generation) {
	s.set(func(st *Status) {
		st.State, st.PID, st.StartedAt, st.Version = StateReady, g.pid, g.started, g.description.Version
	})
	s.current.Store(g)
	s.log.Info("the plugin is ready", "generation", g.number, "pid", g.pid, "version", g.description.Version)
}

// serve watches a published generation until it fails or ctx ends; then it
// takes it back and has it ended. The error says why.
func (s *supervisor) serve(ctx context.Context, g *generation) error {
	patience, err := s.watch(ctx, g)
	s.current.Store(nil)
	if ctx.Err() != nil {
		s.set(func(st *Status) { st.State = StateDraining })
	}
	s.retiring.Go(func() { s.retire(g, patience, err) }) //nolint:contextcheck // It begins where ctx ends.
	return err
}

// watch returns when a generation is no longer to be called: how long its calls
// in flight may still take, and why.
func (s *supervisor) watch(ctx context.Context, g *generation) (time.Duration, error) {
	ticker := time.NewTicker(s.cfg.Timing.ProbeEvery)
	defer ticker.Stop()
	misses := 0
	for {
		select {
		case <-ctx.Done():
			return s.cfg.Timing.Drain, nil
		case <-g.gateway.Done():
			return s.cfg.Timing.HungDrain, fmt.Errorf("process %d ended", g.pid)
		case <-ticker.C:
		case <-s.suspect:
		}
		err := g.probe(ctx)
		switch {
		case err == nil:
			misses = 0
			continue
		case ctx.Err() != nil:
			continue
		case status.Code(err) == codes.Unavailable:
			// Nobody listens any more. The end of the process itself shows later
			// if something it started holds its pipes.
			return s.cfg.Timing.HungDrain, fmt.Errorf("process %d has stopped to listen", g.pid)
		}
		if g.answered.Swap(false) {
			// It is busy, not hung: ending it would put all its calls in doubt.
			misses = 0
			continue
		}
		misses++
		s.log.Warn("the plugin did not answer a probe", "pid", g.pid, "misses", misses, "error", err)
		if misses >= probeMisses {
			return s.cfg.Timing.HungDrain, fmt.Errorf("process %d hangs: it left %d probes unanswered", g.pid, misses)
		}
	}
}

// retire drains a generation and ends it. reason is why, nil if it was asked
// to; how the process ended is known only now.
func (s *supervisor) retire(g *generation, patience time.Duration, reason error) {
	ctx, cancel := context.WithTimeout(s.hurried, patience)
	defer cancel()
	if left := g.drain(ctx); left > 0 {
		s.log.Warn("a plugin's process ends with calls in flight; what they did is not known", "pid", g.pid, "calls", left)
	}
	end := g.kill()
	s.log.Info("a plugin's process has ended", "generation", g.number, "pid", g.pid, "end", end)
	if reason == nil {
		return
	}
	if last := g.relay.lastWords(); last != "" {
		end += fmt.Sprintf("; its last words: %q", last)
	}
	s.set(func(st *Status) {
		if st.LastError == reason.Error() {
			st.LastError += ": " + end
		}
	})
}

// acquire finds the generation to call; nil if there is none.
func (s *supervisor) acquire() *generation {
	for {
		g := s.current.Load()
		if g == nil {
			return nil
		}
		if g.enter() {
			s.inFlight.Add(1)
			return g
		}
		// It was taken back in between, and another may be there by now.
		if s.current.Load() == g {
			return nil
		}
	}
}

func (s *supervisor) release(g *generation) {
	s.inFlight.Add(-1)
	g.leave()
}

// suspectIt asks for a probe at once.
func (s *supervisor) suspectIt() {
	select {
	case s.suspect <- struct{}{}:
	default:
	}
}

func (s *supervisor) set(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
}

func (s *supervisor) report() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.InFlight = int(s.inFlight.Load())
	return st
}

// backoff is the pause before the next start after so many failures: none after
// the first, then anything up to a limit that doubles. Plugins that fail for a
// common reason do not come back in step.
func backoff(failures int, t Timing) time.Duration {
	if failures == 0 {
		return 0
	}
	most := t.MaxBackoff
	if doublings := failures - 1; doublings < 30 {
		most = min(most, t.Backoff<<doublings)
	}
	return rand.N(most + 1) //nolint:gosec // Nothing depends on it being unforeseeable.
}

// sleep reports whether the whole pause was slept.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

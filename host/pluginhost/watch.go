package pluginhost

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ending is why a generation is no longer to be called.
type ending struct {
	reason string        // ExitX
	drain  time.Duration // how long its calls in flight may still take
	err    error         // what went wrong; nil if it was asked to end
}

// watch returns when a generation is no longer to be called.
func (s *supervisor) watch(ctx context.Context, g *generation) ending {
	ticker := time.NewTicker(s.cfg.Timing.ProbeEvery)
	defer ticker.Stop()
	misses := 0
	for {
		select {
		case <-ctx.Done():
			return ending{ExitStopped, s.cfg.Timing.Drain, nil}
		case <-g.replaced:
			return ending{reason: ExitReplaced} // who did it sees to the rest
		case <-g.gateway.Done():
			return ending{ExitCrashed, s.cfg.Timing.HungDrain, fmt.Errorf("process %d ended", g.pid)}
		case <-ticker.C:
		case <-s.suspect:
		}
		err := g.probe(ctx)
		switch {
		case err == nil:
			misses = 0
			s.renew(g)
			continue
		case ctx.Err() != nil:
			continue
		case status.Code(err) == codes.Unavailable:
			// Nobody listens any more. The end of the process itself shows later
			// if something it started holds its pipes.
			return ending{ExitCrashed, s.cfg.Timing.HungDrain, fmt.Errorf("process %d has stopped to listen", g.pid)}
		}
		if g.answered.Swap(false) {
			// It is busy, not hung: ending it would put all its calls in doubt.
			misses = 0
			continue
		}
		misses++
		s.log.Warn("the plugin did not answer a probe", "pid", g.pid, "misses", misses, "error", err)
		if misses >= probeMisses {
			return ending{ExitHung, s.cfg.Timing.HungDrain, fmt.Errorf("process %d hangs: it left %d probes unanswered", g.pid, misses)}
		}
	}
}

// retire drains a generation that is no longer called, and ends it. It is
// called once for each.
func (s *supervisor) retire(g *generation, end ending) {
	ctx, cancel := context.WithTimeout(s.hurried, end.drain)
	defer cancel()
	if left := g.drain(ctx); left > 0 {
		s.log.Warn("a plugin's process ends with calls in flight; what they did is not known", "pid", g.pid, "calls", left)
	}
	how := g.kill()
	_ = g.binary.Close()
	s.log.Info("a plugin's process has ended", "generation", g.number, "pid", g.pid, "reason", end.reason, "end", how)
	s.cfg.Observer.Exited(s.name, end.reason)
	if end.reason == ExitReplaced {
		s.tidy()
	}
	if end.err == nil {
		return
	}
	// How the process ended is known only now.
	if last := g.relay.lastWords(); last != "" {
		how += fmt.Sprintf("; its last words: %q", last)
	}
	s.set(func(st *Status) {
		if st.LastError == end.err.Error() {
			st.LastError += ": " + how
		}
	})
}

// tidy removes the copies of binaries that are of no use any more.
func (s *supervisor) tidy() {
	if err := s.store.clean(s.hurried); err != nil {
		s.log.Warn("old copies of plugins can't be removed", "error", err)
	}
}

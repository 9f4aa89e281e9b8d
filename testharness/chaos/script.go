package chaos

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// script keeps what the gateway was told to do and has not done yet: it forgets
// that when it is killed, and is told again.
type script struct {
	w *world

	mu   sync.Mutex
	open []*line
}

// line is one fault, for the report by the name of what it is part of.
type line struct {
	name  string
	fault gateway.Fault
	id    string // at the gateway as it runs now; empty if it was not told
	// counts: it stands for its name, where that is made of several.
	counts bool
	fired  int // as last seen, since it was told
}

func newScript(w *world) *script { return &script{w: w} }

// tellLimit is how long a gateway that is down just now is waited for.
const tellLimit = 15 * time.Second

// tell has the gateway do something from now on.
func (s *script) tell(ctx context.Context, name string, faults []gateway.Fault) {
	for i, f := range faults {
		l := &line{name: name, fault: f, counts: i == 0}
		s.mu.Lock()
		s.open = append(s.open, l)
		s.mu.Unlock()
		for end := time.Now().Add(tellLimit); !s.told(ctx, l) && time.Now().Before(end); {
			if !wait(ctx, 200*time.Millisecond) {
				return
			}
		}
	}
}

// told tells the gateway a line unless it knows it, and reports whether it does.
func (s *script) told(ctx context.Context, l *line) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.id == "" {
		s.send(ctx, l)
	}
	return l.id != ""
}

// send tells the gateway one line; one that is down just now is told later.
func (s *script) send(ctx context.Context, l *line) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var out struct {
		IDs []string `json:"ids"`
	}
	l.id, l.fired = "", 0
	if err := s.w.simulator.Load().Post(ctx, "/faults", []gateway.Fault{l.fault}, &out); err == nil && len(out.IDs) == 1 {
		l.id = out.IDs[0]
	}
}

// again tells a gateway that was started again all that it has not done yet.
func (s *script) again(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.open {
		s.send(ctx, l)
	}
}

// look counts what was done since the last look, and takes back what can
// do no more.
func (s *script) look(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 {
		return
	}
	var states []gateway.FaultState
	if err := s.w.simulator.Load().Get(ctx, "/faults", &states); err != nil {
		return
	}
	fired := map[string]int{}
	for _, f := range states {
		fired[f.ID] = f.Fired
	}
	left := s.open[:0]
	for _, l := range s.open {
		if n := fired[l.id]; n > l.fired {
			if l.counts {
				s.w.diary.acted(l.name, n-l.fired)
			}
			l.fired = n
		}
		if l.fault.Times > 0 && l.fired >= l.fault.Times {
			s.forget(ctx, l)
			continue
		}
		left = append(left, l)
	}
	clear(s.open[len(left):])
	s.open = left
}

func (s *script) forget(ctx context.Context, l *line) {
	if l.id != "" {
		_ = s.w.simulator.Load().Do(ctx, http.MethodDelete, "/faults/"+l.id) // a gateway that was killed has forgotten by itself
	}
}

// end takes a name back.
func (s *script) end(ctx context.Context, name string) {
	s.look(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.open[:0]
	for _, l := range s.open {
		if l.name == name {
			s.forget(ctx, l)
		} else {
			left = append(left, l)
		}
	}
	clear(s.open[len(left):])
	s.open = left
}

// follow looks again and again until ctx ends.
func (s *script) follow(ctx context.Context) {
	for wait(ctx, 500*time.Millisecond) {
		s.look(ctx)
	}
}

// clear takes everything back.
func (s *script) clear(ctx context.Context) {
	s.look(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = nil
	_ = s.w.simulator.Load().Do(ctx, http.MethodDelete, "/faults") // a gateway that is down has forgotten them, too
}

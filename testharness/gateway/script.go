package gateway

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxFaults bounds a script: every request looks at each of its lines.
const maxFaults = 1000

// maxScript bounds the text of one, in bytes: some 250 for each fault.
const maxScript = 256 << 10

// script is the list of faults, with its own lock so that it can be looked at
// before a request is processed.
type script struct {
	// size is read without the lock, so that a gateway without faults pays
	// nothing for them.
	size  atomic.Int32
	mu    sync.Mutex
	lines []*line
	next  int
	rng   *rand.Rand
}

type line struct {
	FaultState
	rng *rand.Rand
}

func newScript(seed uint64) *script {
	return &script{rng: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // chances of a simulator must be repeatable
}

// add checks the faults and adds all of them or none. It returns their ids.
func (s *script) add(faults ...Fault) ([]string, error) {
	for i := range faults {
		if err := faults[i].check(); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines)+len(faults) > maxFaults {
		return nil, fmt.Errorf("a script has at most %d faults: clear some", maxFaults)
	}
	ids := make([]string, 0, len(faults))
	for _, f := range faults {
		s.next++
		f.ID = "f" + strconv.Itoa(s.next)
		ids = append(ids, f.ID)
		l := &line{FaultState: FaultState{Fault: f}, rng: s.rng}
		if f.Seed != 0 {
			l.rng = rand.New(rand.NewPCG(f.Seed, 2)) //nolint:gosec // as above
		}
		s.lines = append(s.lines, l)
	}
	s.size.Store(int32(len(s.lines))) //nolint:gosec // at most maxFaults
	return ids, nil
}

// list returns the faults with what they did.
func (s *script) list() []FaultState {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]FaultState, 0, len(s.lines))
	for _, l := range s.lines {
		out = append(out, l.FaultState)
	}
	return out
}

// remove deletes the fault with that id and says whether there was one; an
// empty id deletes all.
func (s *script) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.lines)
	s.lines = slices.DeleteFunc(s.lines, func(l *line) bool { return id == "" || l.ID == id })
	s.size.Store(int32(len(s.lines))) //nolint:gosec // at most maxFaults
	return id == "" || len(s.lines) < before
}

// reset deletes all and starts the chances from the beginning.
func (s *script) reset(seed uint64) {
	s.remove("")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rng = rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // as above
}

func (s *script) empty() bool { return s.size.Load() == 0 }

// act counts the element against every fault and returns what those that fire
// add up to.
func (s *script) act(about *subject) effects {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e effects
	for _, l := range s.lines {
		if !l.matches(about) || !l.fires() {
			continue
		}
		e.add(&l.Fault, l.wait(l.rng))
	}
	return e
}

// arrives says what becomes of a connection that comes in: whether it is to be
// reset at once, and for how long its handshake is to stall.
func (s *script) arrives() (reset bool, stall time.Duration) {
	if s.empty() {
		return false, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if effectRules[l.Effect].on != onConnection || !l.fires() {
			continue
		}
		if l.Effect == EffectDown {
			reset = true
		} else {
			stall += orLong(l.wait(l.rng))
		}
	}
	return reset, stall
}

// refusing says whether the port is to be closed.
func (s *script) refusing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.lines, func(l *line) bool { return l.Effect == EffectRefuse })
}

// fires counts a match and decides whether the fault acts on it.
func (l *line) fires() bool {
	l.Matched++
	if l.Matched < l.Nth || l.Times > 0 && l.Fired >= l.Times || l.Chance > 0 && l.rng.Float64() >= l.Chance {
		return false
	}
	l.Fired++
	return true
}

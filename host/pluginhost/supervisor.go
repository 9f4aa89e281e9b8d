package pluginhost

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/shared/payment"
)

// supervisor keeps one plugin running.
//
// One goroutine, run, watches the generation of the moment and starts another
// when it fails. Who replaces a generation that is well does so beside it, in
// replace. Both start processes under the same right, so that there is one
// start at a time, and a generation is ended by whoever took it out of current:
// by nobody twice.
type supervisor struct {
	name  string
	cfg   Config
	log   hclog.Logger
	store *store
	// manifest is where the plugin is installed; read again when there is reason.
	manifest string

	// current is the generation that is called; nil while there is none. It is
	// changed under mu, together with the status.
	current  atomic.Pointer[generation]
	inFlight atomic.Int64
	// suspect holds a wish for a probe at once, wake one for the end of a pause.
	suspect, wake chan struct{}
	// starting is the right to start a process; who puts something in has it.
	starting chan struct{}
	// replacing is held by a wish for a replacement; a second one is refused.
	replacing sync.Mutex

	// renewed is when run last found that files were replaced; zero for never.
	renewed time.Time

	// ctx ends when the supervisor is to stop; hurried when the drain is to be
	// cut short.
	ctx     context.Context
	cancel  context.CancelFunc
	hurried context.Context
	hurry   context.CancelFunc
	done    chan struct{}
	// work counts what stop has to wait for besides run. It grows only under mu
	// while running, or from within itself.
	work sync.WaitGroup

	mu       sync.Mutex
	running  bool
	sockets  *sockets
	number   int // of the newest generation
	status   Status
	failures failures
	resume   time.Duration // the pause before the next start
	// choice is the version to start when there is need; nil to choose anew.
	choice *choice
	// seen is what lay in the folder of plugins when it was looked at last.
	seen installed
	// described is what the newest published generation says it is.
	described payment.Description
}

func newSupervisor(p plugin, cfg Config, st *store) *supervisor {
	s := &supervisor{
		name: p.name, cfg: cfg, log: cfg.Logger.Named(p.name), store: st, manifest: p.file,
		suspect: make(chan struct{}, 1), wake: make(chan struct{}, 1), starting: make(chan struct{}, 1), done: make(chan struct{}),
		failures: failures{timing: cfg.Timing},
		status:   Status{Name: p.name, Version: p.version, SHA256: p.digest(), State: StateStopped, Confined: cfg.launcher.Confines()},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.hurried, s.hurry = context.WithCancel(context.Background())
	return s
}

// start begins to keep the plugin running. first gets what the first start came
// to.
func (s *supervisor) start(sockets *sockets, first chan<- error) {
	s.mu.Lock()
	s.running, s.sockets = true, sockets
	s.mu.Unlock()
	go func() {
		defer close(s.done)
		s.run(first)
	}()
}

// stop drains and ends the plugin, and waits for it. The end of ctx cuts the
// drain short.
func (s *supervisor) stop(ctx context.Context) {
	unlink := context.AfterFunc(ctx, s.hurry)
	defer unlink()
	s.mu.Lock()
	s.running = false // nothing is published from here on
	s.mu.Unlock()
	s.cancel()
	<-s.done
	s.work.Wait()
	s.hurry()
	s.set(func(st *Status) { st.State, st.PID = StateStopped, 0 })
}

// run replaces generation by generation until ctx ends. The first start is made
// without a pause.
func (s *supervisor) run(first chan<- error) {
	for {
		if g := s.current.Load(); g != nil {
			s.keep(g) // at the end of ctx it takes the generation back at once
			continue
		}
		s.pause()
		if s.ctx.Err() != nil && s.current.Load() == nil {
			break
		}
		err := s.heal()
		if first != nil {
			first <- err
			first = nil
		}
	}
	if first != nil {
		first <- fmt.Errorf("the start was interrupted: %w", s.ctx.Err())
	}
}

// heal starts a generation if there is none. The error says why it did not come
// up.
func (s *supervisor) heal() error {
	if !s.acquireStart(s.ctx) {
		return fmt.Errorf("the start was interrupted: %w", s.ctx.Err())
	}
	defer s.releaseStart()
	if s.current.Load() != nil {
		return nil // somebody else was faster
	}
	c, err := s.choose()
	var g *generation
	if err == nil {
		s.set(func(st *Status) {
			st.State, st.Generation, st.Advice = StateStarting, s.number+1, ""
			st.Version, st.SHA256 = c.plugin.version, c.plugin.digest()
		})
		g, err = s.launch(s.ctx, c.plugin)
	}
	if err != nil {
		s.failed(nil, err)
		return err
	}
	if err := s.record(s.ctx, c); err != nil {
		// The plugin must run even so.
		s.log.Error("which version is in force can't be written down; after a restart it may be another", "error", err)
	}
	if _, published := s.publish(g, c); !published {
		s.retire(g, ending{reason: ExitStopped})
		return fmt.Errorf("the start was interrupted: %w", context.Canceled)
	}
	return nil
}

func (s *supervisor) acquireStart(ctx context.Context) bool {
	select {
	case s.starting <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *supervisor) releaseStart() { <-s.starting }

// launch starts a process of p and sees that it can be called. It is called
// under the right to start.
func (s *supervisor) launch(ctx context.Context, p plugin) (*generation, error) {
	held, err := s.store.take(ctx, p)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.number++
	l := launcher{plugin: p, binary: held, cfg: s.cfg, log: s.log, number: s.number, sockets: s.sockets}
	s.mu.Unlock()
	g, err := l.launch(ctx)
	s.cfg.Observer.Started(s.name, err == nil)
	if err != nil {
		_ = held.Close()
		s.cfg.Observer.Exited(s.name, ExitFailedStart)
		return nil, err
	}
	return g, nil
}

// publish lets a generation be called, and gives the one that was called
// before. It refuses when the supervisor stops.
func (s *supervisor) publish(g *generation, c *choice) (old *generation, published bool) {
	defer func() {
		if published {
			s.log.Info("the plugin is ready", "generation", g.number, "pid", g.pid, "version", g.description.Version)
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return nil, false
	}
	old = s.current.Swap(g)
	if old != nil {
		close(old.replaced)
	}
	s.choice, s.described = c, g.description
	st := &s.status
	st.State, st.PID, st.StartedAt, st.Generation = StateReady, g.pid, g.started, g.number
	st.Version, st.SHA256, st.Previous, st.Advice = g.description.Version, c.plugin.digest(), c.previousRelease(), ""
	poke(s.wake)
	return old, true
}

// keep watches a published generation until it fails, is replaced, or ctx ends.
// Unless somebody else has replaced it, it takes the generation back and has it
// ended.
func (s *supervisor) keep(g *generation) {
	end := s.watch(s.ctx, g)
	mine := false
	switch end.reason {
	case ExitReplaced:
	case ExitStopped:
		s.mu.Lock()
		if mine = s.current.CompareAndSwap(g, nil); mine {
			s.status.State = StateDraining
		}
		s.mu.Unlock()
	default:
		mine = s.failed(g, end.err)
	}
	if mine {
		s.work.Go(func() { s.retire(g, end) })
	}
}

// failed counts the failure of a generation, or of a start if it is nil, and
// decides what comes next. It takes the generation back, and gives false, doing
// nothing, if it has been replaced.
func (s *supervisor) failed(g *generation, err error) bool {
	s.mu.Lock()
	if g != nil && !s.current.CompareAndSwap(g, nil) {
		s.mu.Unlock()
		return false
	}
	if g == nil && s.ctx.Err() != nil {
		s.mu.Unlock()
		return true // what was interrupted has not failed
	}
	if g != nil && time.Since(g.ready) >= s.cfg.Timing.Healthy {
		s.failures.healthy()
	}
	pause, quarantine := s.failures.add(time.Now())
	count := len(s.failures.recent)
	s.resume = pause
	st := &s.status
	st.State, st.PID, st.LastError, st.Restarts = StateBackoff, 0, err.Error(), st.Restarts+1
	if quarantine {
		st.State = StateQuarantined
		st.Advice = fmt.Sprintf("it failed %d times within %s and is not started again by itself: see why, "+
			"then run `chargehand plugin restart %s`, install another build, or run `chargehand plugin rollback %s`",
			count, s.cfg.Timing.Within, s.name, s.name)
	}
	s.mu.Unlock()
	if quarantine {
		s.log.Error("the plugin is in quarantine: it failed too often, and is not started again until a person asks for it or another build is installed",
			"failures", count, "within", s.cfg.Timing.Within.String(), "reason", err)
		return true
	}
	// Whoever called Start may well give up when the first start fails.
	s.log.Error("the plugin is down; unless the host ends, it is started again after a pause",
		"reason", err, "pause", pause.String())
	s.cfg.Observer.Restarted(s.name)
	return true
}

// pause waits until the next start is due: in quarantine, until something has
// changed. It ends at once if somebody else has started a generation.
func (s *supervisor) pause() {
	s.mu.Lock()
	quarantined, pause := s.status.State == StateQuarantined, s.resume
	s.mu.Unlock()
	if !quarantined {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		for s.current.Load() == nil {
			select {
			case <-timer.C:
				return
			case <-s.wake:
			case <-s.ctx.Done():
				return
			}
		}
		return
	}
	tick := time.NewTicker(s.cfg.Timing.Look)
	defer tick.Stop()
	for s.current.Load() == nil {
		select {
		case <-tick.C:
			if s.reinstalled() {
				s.log.Info("another build was installed; the plugin is started again")
				s.set(func(*Status) { s.failures.forget() })
				return
			}
		case <-s.wake:
		case <-s.ctx.Done():
			return
		}
	}
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

// notRunning refuses a call that finds no process.
func (s *supervisor) notRunning(op string) error {
	st := s.report()
	next := "it is started again by itself, try later"
	if st.State == StateQuarantined {
		next = "it failed too often and waits for the operator"
	}
	return &payment.Error{
		Kind: payment.ErrorUnavailable, Op: op, NotSent: true,
		Text: fmt.Sprintf("the payment plugin %s is not running (%s); %s", s.name, st.State, next),
	}
}

// suspectIt asks for a probe at once.
func (s *supervisor) suspectIt() { poke(s.suspect) }

// poke leaves a wish, unless there is one already.
func poke(wish chan<- struct{}) {
	select {
	case wish <- struct{}{}:
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

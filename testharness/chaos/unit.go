package chaos

import (
	"context"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/stand"
)

// unit is one process that is kept running, as an init system does: whenever it
// ends it is started again.
type unit struct {
	name string
	// launch starts a process; ready asks it whether it can work.
	launch func() (*stand.Process, error)
	ready  func(context.Context) error
	diary  *diary

	cancel context.CancelFunc
	done   chan struct{}

	// starting is held while one is started, and while none must be.
	starting sync.Mutex

	mu      sync.Mutex
	process *stand.Process
	pause   time.Duration // before the next start
	killed  bool          // on purpose; what it was, was counted
}

const (
	// respawn is the pause after a process that ended by itself.
	respawn = 300 * time.Millisecond
	// readyLimit is how long a process may take until it can work. Nothing but
	// the figures hangs on it.
	readyLimit = 2 * time.Minute
	// askEvery is the time between two questions whether something is ready.
	askEvery = 20 * time.Millisecond
)

// run begins to keep the unit running. first is a process that runs already.
func (u *unit) run(first *stand.Process) {
	ctx, cancel := context.WithCancel(context.Background())
	u.cancel, u.done, u.process = cancel, make(chan struct{}), first
	go func() {
		defer close(u.done)
		u.keep(ctx)
	}()
}

// stop ends the unit for good.
func (u *unit) stop() {
	if u == nil || u.cancel == nil {
		return
	}
	u.cancel()
	<-u.done
}

func (u *unit) keep(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	for {
		p := u.now()
		if p != nil {
			select {
			case <-p.Done():
			case <-ctx.Done():
				_ = p.Resume() // a paused one hears no request to end
				p.Stop()
				return
			}
		}
		if !wait(ctx, u.ended()) {
			return
		}
		next, began := u.next()
		if next != nil {
			watching.Go(func() { u.watch(ctx, next, began) })
		}
	}
}

// next starts a process; nil if it could not be.
func (u *unit) next() (*stand.Process, time.Time) {
	u.starting.Lock()
	defer u.starting.Unlock()
	began := time.Now()
	next, err := u.launch()
	if err != nil {
		u.diary.trouble(u.name, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.process, u.pause, u.killed = next, respawn, false
	return next, began
}

// without ends the process, if there is one, and calls do before the next one
// is started.
func (u *unit) without(by func(*stand.Process), do func() error) error {
	u.starting.Lock()
	defer u.starting.Unlock()
	if p := u.now(); p != nil {
		u.mu.Lock()
		u.killed, u.pause = true, time.Millisecond
		u.mu.Unlock()
		_ = p.Resume() // a paused one hears no request to end
		by(p)
		<-p.Done()
	}
	return do()
}

// ended notes the end of the process, and gives the pause until the next.
func (u *unit) ended() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.process != nil && !u.killed {
		u.diary.endedItself(u.name, u.process.Tail())
	}
	u.process = nil
	if u.pause == 0 {
		return respawn
	}
	return u.pause
}

// watch measures how long a new process takes until it can work.
func (u *unit) watch(ctx context.Context, p *stand.Process, began time.Time) {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for {
		asked, done := context.WithTimeout(ctx, time.Second)
		err := u.ready(asked)
		done()
		if err == nil {
			u.diary.recovered(u.name, began, time.Now())
			return
		}
		select {
		case <-p.Done():
			return
		case <-ctx.Done():
			return
		case <-time.After(askEvery):
		}
	}
}

func (u *unit) now() *stand.Process {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.process
}

// await gives the process, or nil if there is none for a long time.
func (u *unit) await(ctx context.Context) *stand.Process {
	for end := time.Now().Add(readyLimit); time.Now().Before(end); {
		if p := u.now(); p != nil {
			return p
		}
		if !wait(ctx, askEvery) {
			return nil
		}
	}
	return nil
}

// end has the process ended by what is given, and started again after the pause.
func (u *unit) end(ctx context.Context, by func(*stand.Process), pause time.Duration) bool {
	for {
		p := u.await(ctx)
		if p == nil {
			return false
		}
		u.mu.Lock()
		mine := u.process == p && !u.killed
		if mine {
			u.killed, u.pause = true, max(pause, time.Millisecond)
		}
		u.mu.Unlock()
		if mine {
			by(p)
			return true
		}
		if !wait(ctx, askEvery) {
			return false
		}
	}
}

// kill ends it without a word.
func (u *unit) kill(ctx context.Context, pause time.Duration) bool {
	return u.end(ctx, (*stand.Process).Kill, pause)
}

// restart asks it to end. One that is paused just now is let go on, or it could
// not hear it.
func (u *unit) restart(ctx context.Context, pause time.Duration) bool {
	return u.end(ctx, func(p *stand.Process) {
		_ = p.Resume()
		p.Stop()
	}, pause)
}

// hold stops it for a while.
func (u *unit) hold(ctx context.Context, d time.Duration) bool {
	p := u.await(ctx)
	if p == nil || p.Pause() != nil {
		return false
	}
	wait(ctx, d)
	_ = p.Resume() // it may have been killed meanwhile
	return true
}

// wait reports whether the time has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

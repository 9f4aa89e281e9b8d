package restore

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
)

// WatchConfig is what a Watch needs. All of it is required.
type WatchConfig struct {
	Store Store
	File  *File
	Owner string // this run of this host
	// Poll is the time between two readings of the counters.
	Poll time.Duration
	// Grace is how long a database may show less than it did until the watch asks
	// for its latest state, which decides: nodes of a cluster lag behind each
	// other, mostly for moments. Nothing is begun meanwhile. Zero is at once.
	Grace  time.Duration
	Now    func() time.Time
	Logger hclog.Logger
}

const (
	// beat is the time between two signs of life of a host.
	beat = 5 * time.Second
	// settle is for how long a count must have been there to be believed. A
	// server may show a commit for a moment that it then loses in a crash.
	settle = 10 * time.Second
	// callLimit bounds one reading or writing.
	callLimit = 10 * time.Second
	// latestLimit bounds the wait for a node that lags behind. Signs of life still
	// come in time with it.
	latestLimit = 5 * time.Second
)

// Watch notices that the database was put back.
type Watch struct {
	cfg   WatchConfig
	lanes chan int

	mu       sync.Mutex
	seen     Seen
	dirty    bool // seen is ahead of the file
	shown    Seen // read at shownAt, and believed once it has settled
	shownAt  time.Time
	suspect  time.Time // since when the database shows less
	what     string    // of what
	missing  string    // what was found to be gone, other than counters
	sure     bool      // it was put back
	written  bool      // and the database says so
	restored time.Time

	why  atomic.Pointer[string] // charging is stopped
	ends context.CancelFunc
	loop sync.WaitGroup
	beat time.Time
}

// NewWatch compares the database with what this host remembers, registers the
// host, and goes on watching until Stop.
func NewWatch(ctx context.Context, cfg WatchConfig) (*Watch, error) {
	w := &Watch{cfg: cfg, lanes: make(chan int, Lanes), seen: cfg.File.Seen.clone()}
	for lane := range Lanes {
		w.lanes <- lane
	}
	state, err := cfg.Store.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("look whether the database was put back: %w", err)
	}
	if w.seen.Database == "" || state.Seen.Epoch > w.seen.Epoch {
		// A stop was lifted, or all of it is new to us: counting begins here.
		w.seen, w.dirty = Seen{Database: state.Seen.Database, Epoch: state.Seen.Epoch}, true
	}
	w.restored = state.Restored
	w.compare(w.seen.clone(), state, false)
	now := cfg.Now().UTC()
	w.beat = now
	if err := cfg.Store.Register(ctx, Host{ID: cfg.File.Host, Owner: cfg.Owner, StartedAt: now, SeenAt: now}); err != nil {
		return nil, fmt.Errorf("register this host: %w", err)
	}
	if err := w.save(); err != nil {
		return nil, err
	}
	loops, ends := context.WithCancel(context.WithoutCancel(ctx))
	w.ends = ends
	w.decide(loops)
	w.loop.Go(func() { w.run(loops) })
	return w, nil
}

// Stop ends the watching, and keeps what was seen.
func (w *Watch) Stop(ctx context.Context) {
	w.ends()
	w.loop.Wait()
	if err := w.save(); err != nil {
		w.cfg.Logger.Error("what was seen of the database can't be kept", "error", err)
	}
	if err := w.cfg.Store.Alive(ctx, w.cfg.File.Host, w.cfg.Now().UTC(), true); err != nil {
		w.cfg.Logger.Warn("the end of this host can't be noted", "error", err)
	}
}

// Stopped is why nothing may be attempted or released; empty if it may.
func (w *Watch) Stopped() string {
	if why := w.why.Load(); why != nil {
		return *why
	}
	return ""
}

// RestoredAt is when the database was last found to have been put back; zero
// if never.
func (w *Watch) RestoredAt() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.restored
}

// Missing takes in that a charge, or an attempt of it, is gone that this host
// has written, also in the latest that the database knows. Neither is ever
// deleted, so the database was put back.
func (w *Watch) Missing(ctx context.Context, id charge.ID) {
	w.mu.Lock()
	w.missing = "what this host has written of the charge " + string(id) + " is not there any more"
	if !w.sure {
		w.suspicion(w.missing, w.cfg.Now())
	}
	w.mu.Unlock()
	w.decide(ctx)
}

func (w *Watch) run(ctx context.Context) {
	tick := time.NewTicker(w.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		w.poll(ctx)
	}
}

func (w *Watch) poll(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	seen := w.soFar()
	state, err := w.cfg.Store.State(limited)
	if err != nil {
		if ctx.Err() == nil {
			w.cfg.Logger.Warn("the database's counters can't be read", "error", err)
		}
		return
	}
	w.compare(seen, state, false)
	if err := w.save(); err != nil {
		w.cfg.Logger.Error("what was seen of the database can't be kept; a restore may go unnoticed after a crash", "error", err)
	}
	if now := w.cfg.Now(); now.Sub(w.beat) >= beat {
		w.beat = now
		if err := w.cfg.Store.Alive(limited, w.cfg.File.Host, now.UTC(), false); err != nil && ctx.Err() == nil {
			w.cfg.Logger.Warn("this host's sign of life can't be written", "error", err)
		}
	}
	w.decide(ctx)
}

// soFar is what was seen until now. What is committed while the database is
// read may not be in what it shows.
func (w *Watch) soFar() Seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen.clone()
}

// compare takes in what the database shows, read after that was seen. latest
// says that no node of it knows more.
func (w *Watch) compare(seen Seen, state State, latest bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.cfg.Now()
	if state.Restored.After(w.restored) {
		w.restored = state.Restored
	}
	less := seen.behind(&state.Seen)
	if less == "" {
		less = w.missing
	}
	switch {
	case state.Open != nil:
		w.stopFor(state.Open.Text)
		w.sure, w.written = true, true
	case state.Seen.Epoch > seen.Epoch:
		w.why.Store(&restartText)
		w.suspect, w.missing = time.Time{}, ""
	case w.sure:
	case less != "" && latest:
		w.suspicion(less, now)
		w.stopFor(less)
		w.sure = true
	case less != "":
		w.suspicion(less, now)
		w.shown = Seen{}
	default:
		if !w.suspect.IsZero() {
			w.cfg.Logger.Info("the database shows all again that it did; charging goes on", "after", now.Sub(w.suspect).String())
			w.suspect = time.Time{}
			w.why.Store(nil)
		}
		w.believe(state.Seen, now)
	}
}

// suspicion stops charging here until it is gone, or a certainty.
func (w *Watch) suspicion(what string, now time.Time) {
	if w.what != what || w.suspect.IsZero() {
		w.what = what
		w.wait("A node of a cluster that lags behind catches up by itself; if it does not, this host looks whether the database is a backup.")
	}
	if w.suspect.IsZero() {
		w.suspect = now
		w.cfg.Logger.Error("the database shows less than it did; nothing is charged while that is so", "what", what)
	}
}

// wait says why nothing is charged for the moment.
func (w *Watch) wait(more string) {
	why := "Nothing is charged for the moment, because the database shows less than it did: " + w.what + ". " + more
	w.why.Store(&why)
}

// believe takes in what has been shown for long enough.
func (w *Watch) believe(shown Seen, now time.Time) {
	if w.shown.Database == "" || w.shown.behind(&shown) != "" {
		w.shown, w.shownAt = shown, now
		return
	}
	if now.Sub(w.shownAt) >= settle {
		w.dirty = w.seen.raiseAll(&w.shown) || w.dirty
		w.shown, w.shownAt = shown, now
	}
}

// decide makes a suspicion a certainty, for all hosts, or ends it.
func (w *Watch) decide(ctx context.Context) {
	w.confirm(ctx)
	w.mu.Lock()
	sure, what, found := w.sure && !w.written, w.what, w.suspect.UTC()
	w.mu.Unlock()
	if !sure {
		return
	}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r, err := w.cfg.Store.Open(limited, Restore{
		ID: uuid.Must(uuid.NewV7()).String(), FoundAt: found, FoundBy: w.cfg.Owner, Text: what,
	})
	if err != nil {
		w.cfg.Logger.Error("that the database was put back can't be written down yet", "error", err)
		return
	}
	step.At(step.RestoreOpened)
	w.mu.Lock()
	w.written, w.restored = true, r.FoundAt
	w.stopFor(r.Text)
	w.mu.Unlock()
	w.cfg.Logger.Error("the database was put back: charging is stopped", "restore", r.ID, "found_at", r.FoundAt, "what", r.Text)
}

// confirm asks for the latest that the database knows, once a suspicion has
// lasted. Only that tells a database which was put back from a node that lags
// behind; where it can't be had, nothing is known.
func (w *Watch) confirm(ctx context.Context) {
	w.mu.Lock()
	lasted := w.missing != "" || !w.suspect.IsZero() && w.cfg.Now().Sub(w.suspect) >= w.cfg.Grace
	due := lasted && !w.sure
	w.mu.Unlock()
	if !due {
		return
	}
	limited, cancel := context.WithTimeout(ctx, latestLimit)
	defer cancel()
	seen := w.soFar()
	state, err := w.cfg.Store.Latest(limited)
	if err == nil {
		w.compare(seen, state, true)
		return
	}
	w.cfg.Logger.Warn("whether the database was put back or lags behind can't be told yet", "error", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.sure && w.why.Load() != nil {
		w.wait("Whether it is a backup, or a node of a cluster that lags behind, can't be told, since its latest state can't be read: look whether the node takes in what the others write.")
	}
}

// stopFor says why charging is stopped.
func (w *Watch) stopFor(what string) {
	w.what = what
	why := "Charging is stopped, because the database seems to have been put back: " + what +
		". Stop all hosts, and run chargehand restored --since with the time of the backup."
	w.why.Store(&why)
}

var restartText = "Charging was let go on after a restore of the database: start this host again, so that it forgets what it knew before."

// save writes the file if there is more to remember than it holds.
func (w *Watch) save() error {
	w.mu.Lock()
	dirty, seen := w.dirty, w.seen.clone()
	w.dirty = false
	w.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := w.cfg.File.Write(seen); err != nil {
		w.mu.Lock()
		w.dirty = true
		w.mu.Unlock()
		return err
	}
	return nil
}

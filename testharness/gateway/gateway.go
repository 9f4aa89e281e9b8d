package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// Gateway is a simulated payment gateway. All its methods may be called at the
// same time from anywhere.
type Gateway struct {
	now    func() time.Time
	node   string
	seed   uint64
	config Config // as given, to reset to
	script *script
	stats  counters
	front  front
	kept   *journal // nil without
	sender *notify.Sender
	public atomic.Bool // Switches.PublicNotifications, read without g.mu

	// life is held for reading by every call in the handler, so that Close can
	// wait for them; done ends their pauses.
	life   sync.RWMutex
	closed bool
	done   chan struct{}

	// anyCard is the switch, read without the lock.
	anyCard atomic.Bool

	mu       sync.Mutex
	book     *book
	users    map[string]*user
	sites    map[string]*Site // entries are replaced, never changed
	switches Switches
	tokens   map[string]*token // of CACHETOKENISE
	rng      *rand.Rand
	sequence int64
	offset   time.Duration // of the settlement clock ahead of now
	latest   time.Time     // the settlement clock never goes back
	tape     tape
}

// New makes a gateway. It serves nobody until Start, unless its Handler is
// served otherwise.
func New(cfg Config) (*Gateway, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	switch {
	case cfg.Speed < 0 || cfg.Speed > maxSpeed:
		return nil, fmt.Errorf("new gateway: speed %v is not within 0 and %v", cfg.Speed, float64(maxSpeed))
	case cfg.Speed != 0 && cfg.Speed != 1:
		cfg.Now = faster(cfg.Now, cfg.Speed)
	}
	if cfg.Node == 0 {
		cfg.Node = 55
	}
	if cfg.Keep < 0 {
		return nil, fmt.Errorf("new gateway: keep %d is less than zero", cfg.Keep)
	}
	if len(cfg.Users) == 0 && len(cfg.Sites) == 0 {
		cfg.Sites = []Site{{Reference: DefaultSite}}
		cfg.Users = []User{{
			Name: DefaultUser, Password: DefaultPassword, Sites: []string{DefaultSite},
			Addresses: []string{"127.0.0.0/8", "::1/128"},
		}}
	}
	g := &Gateway{
		now: cfg.Now, node: strconv.Itoa(cfg.Node), seed: cfg.Seed, config: cfg,
		script: newScript(cfg.Seed), done: make(chan struct{}),
	}
	g.rng = rand.New(rand.NewPCG(cfg.Seed, 0)) //nolint:gosec // answers of a simulator must be repeatable
	g.sequence = 1000 + g.rng.Int64N(900_000)
	var err error
	if g.sender, err = g.newSender(); err == nil {
		err = g.load()
	}
	if err == nil && cfg.Journal != "" {
		err = g.resume()
	}
	if err != nil {
		return nil, fmt.Errorf("new gateway: %w", err)
	}
	return g, nil
}

// resume goes on where the journal ends, and keeps it from here on.
func (g *Gateway) resume() error {
	kept, lines, err := openJournal(g.config.Journal)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.replay(lines); err != nil {
		return errors.Join(err, kept.close())
	}
	// The settlement clock never goes back, whatever the clock below it does.
	if ahead := g.latest.Sub(g.now().UTC().Add(g.offset)); ahead > 0 {
		g.offset += ahead
	}
	g.kept = kept
	g.keepBook()
	g.keepClock()
	return nil
}

// keepBook has every change of a transaction written down, and then told to
// whom it concerns. g.mu is held.
func (g *Gateway) keepBook() {
	g.book.stepped = g.keepClock
	g.book.changed = func(t *transaction) {
		if g.kept != nil {
			g.kept.write(keep(t))
		}
		g.announce(t)
	}
}

func (g *Gateway) keepClock() {
	g.kept.write(journalLine{Clock: &keptClock{Offset: g.offset, NextBatch: g.book.nextBatch, At: g.latest}})
}

// Reset forgets every transaction, fault and counter and goes back to the
// users, sites and switches of the Config. References go on: none is used twice.
// The context bounds the opening of a closed port.
func (g *Gateway) Reset(ctx context.Context) error {
	if err := g.front.setDown(ctx, g, g.config.Switches.Down); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	return g.load()
}

// load makes everything as the Config says.
func (g *Gateway) load() error {
	g.script.reset(g.seed)
	if _, err := g.AddFaults(g.config.Faults...); err != nil {
		return err
	}
	g.front.followScript(g)
	g.stats.reset()
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.forget(); err != nil {
		return err
	}
	g.kept.write(journalLine{Reset: true})
	g.keepBook()
	return nil
}

// forget makes everything that a journal keeps as the Config says. g.mu is held.
func (g *Gateway) forget() error {
	users, sites := map[string]*user{}, map[string]*Site{}
	for _, u := range g.config.Users {
		ready, err := newUser(u)
		if err != nil {
			return err
		}
		users[u.Name] = ready
	}
	for _, s := range g.config.Sites {
		ready, err := checkSite(s)
		if err != nil {
			return err
		}
		sites[s.Reference] = &ready
	}
	g.users, g.sites, g.switches = users, sites, g.config.Switches
	g.public.Store(g.switches.PublicNotifications)
	g.tokens = map[string]*token{}
	g.anyCard.Store(g.switches.AnyCard)
	g.offset, g.latest = 0, g.now().UTC()
	g.book = newBook(g.latest, g.config.Keep)
	g.book.daily = g.subscriptions
	g.tape = tape{most: g.config.Calls}
	g.sender.Reset()
	if _, err := g.sender.AddRules(g.config.NotificationRules...); err != nil {
		return err //nolint:wrapcheck // it says what it is about
	}
	return nil
}

// SetSwitches replaces all switches. Down closes or opens the port of a
// started gateway; opening fails if something else took the port meanwhile.
// The context bounds the opening.
func (g *Gateway) SetSwitches(ctx context.Context, s Switches) error {
	if err := g.front.setDown(ctx, g, s.Down); err != nil {
		return fmt.Errorf("set switches: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.switches = s
	g.public.Store(s.PublicNotifications)
	g.anyCard.Store(s.AnyCard)
	return nil
}

// Switches returns the switches as they are.
func (g *Gateway) Switches() Switches {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.switches
}

// AddFaults checks faults and adds all of them or none. It returns their ids.
func (g *Gateway) AddFaults(faults ...Fault) ([]string, error) {
	ids, err := g.script.add(faults...)
	if err != nil {
		return nil, err
	}
	g.followPort(faults, ids)
	return ids, nil
}

// Faults lists the faults and what they did so far.
func (g *Gateway) Faults() []FaultState { return g.script.list() }

// DeleteFault deletes the fault with that id and says whether there was one.
func (g *Gateway) DeleteFault(id string) bool {
	if id == "" || !g.script.remove(id) {
		return false
	}
	g.front.followScript(g)
	return true
}

// ClearFaults deletes all faults.
func (g *Gateway) ClearFaults() {
	g.script.remove("")
	g.front.followScript(g)
}

// maxTick bounds a tick: it runs one batch for each day.
const maxTick = 400 * day

// Tick moves the settlement clock ahead and does what becomes due on the way.
// It returns the new time.
func (g *Gateway) Tick(d time.Duration) (time.Time, error) {
	if d < 0 || d > maxTick {
		return time.Time{}, fmt.Errorf("tick %s: not within 0 and %s", d, maxTick)
	}
	defer g.sender.Wake()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.offset += d
	now := g.clock()
	g.keepClock()
	return now, nil
}

// Now is the time of the settlement clock.
func (g *Gateway) Now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.clock()
}

// Ledger returns every transaction in the order they started, as they are now.
func (g *Gateway) Ledger() []Entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock()
	out := make([]Entry, 0, len(g.book.all))
	for _, t := range g.book.all {
		out = append(out, t.entry())
	}
	return out
}

// Stats returns what was counted since the start or the last Reset.
func (g *Gateway) Stats() Stats { return g.stats.read() }

// clock reads the settlement clock, lets the batch catch up and forgets what is
// too much. Whoever calls it holds g.mu, and no transaction yet.
func (g *Gateway) clock() time.Time {
	if now := g.now().UTC().Add(g.offset); now.After(g.latest) {
		g.latest = now
	}
	g.book.advance(g.latest)
	g.book.shrink(g.latest)
	g.compact()
	return g.latest
}

// reference allots the next transaction reference. g.mu is held.
func (g *Gateway) reference(route string) string {
	g.sequence++
	return g.node + "-" + route + "-" + strconv.FormatInt(g.sequence, 10)
}

// pause waits in real time and says whether the gateway still lives.
func (g *Gateway) pause(d time.Duration, gone <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
		return false
	case <-g.done:
		return false
	}
}

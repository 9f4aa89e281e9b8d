package turn

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound calls in flight.
type Limits struct {
	// Plugin is how many calls one plugin may have in flight. It is also how
	// many outcomes a crash of the plugin leaves in doubt. At least 1.
	Plugin int
	// Site is how many of them one site may have. Less than Plugin, so that one
	// site's slow answers leave room for others. At least 1.
	Site int
	// SiteRate is how many calls one site may begin in a second; 0 is any number.
	SiteRate float64
}

// Room names what a call takes room of.
type Room struct{ Plugin, Site string }

// Turns is safe for use by many.
type Turns struct {
	limits Limits
	now    func() time.Time

	mu      sync.Mutex
	plugins map[string]int
	sites   map[Room]int
	rates   map[Room]*rate.Limiter
	queue   []string          // companies with work, by turn
	state   map[string]status // of every company with work
	blocked map[Room][]string // companies whose next work found no room there
	wake    chan struct{}
}

type status struct {
	working bool // its turn is being taken now
	again   bool // more work came meanwhile
}

// New makes Turns.
func New(limits Limits, now func() time.Time) *Turns {
	return &Turns{
		limits: limits, now: now,
		plugins: map[string]int{}, sites: map[Room]int{}, rates: map[Room]*rate.Limiter{},
		state: map[string]status{}, blocked: map[Room][]string{}, wake: make(chan struct{}, 1),
	}
}

// Try takes room for a company's call at once, if there is any and the company
// has no older work waiting. Whoever gets room gives it back.
func (t *Turns) Try(r Room, company string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, waits := t.state[company]; waits {
		return false
	}
	return t.take(r)
}

// Take takes room for work whose turn it is.
func (t *Turns) Take(r Room) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.take(r)
}

func (t *Turns) take(r Room) bool {
	if t.busy(r) {
		return false
	}
	if t.limits.SiteRate > 0 {
		l := t.rates[r]
		if l == nil {
			l = rate.NewLimiter(rate.Limit(t.limits.SiteRate), max(1, int(t.limits.SiteRate)))
			t.rates[r] = l
		}
		if !l.AllowN(t.now(), 1) {
			return false
		}
	}
	t.plugins[r.Plugin]++
	t.sites[r]++
	return true
}

func (t *Turns) busy(r Room) bool {
	return t.plugins[r.Plugin] >= t.limits.Plugin || t.sites[r] >= t.limits.Site
}

// Give gives room back.
func (t *Turns) Give(r Room) {
	t.mu.Lock()
	t.plugins[r.Plugin]--
	if t.sites[r]--; t.sites[r] == 0 {
		delete(t.sites, r)
	}
	t.mu.Unlock()
	t.unblock(r)
}

// unblock gives everybody whose work found no room another turn: those who
// wait for the site, and those who wait for any site of its plugin.
func (t *Turns) unblock(r Room) {
	t.mu.Lock()
	for room, companies := range t.blocked {
		if room.Plugin == r.Plugin {
			t.queue = append(t.queue, companies...)
			delete(t.blocked, room)
		}
	}
	waiting := len(t.queue) > 0
	t.mu.Unlock()
	if waiting {
		t.signal()
	}
}

// Add tells that a company has work waiting.
func (t *Turns) Add(company string) {
	t.mu.Lock()
	s, known := t.state[company]
	switch {
	case !known:
		t.state[company] = status{}
		t.queue = append(t.queue, company)
	case s.working:
		t.state[company] = status{working: true, again: true}
	}
	t.mu.Unlock()
	t.signal()
}

// Next waits for the next company whose turn it is. Every company it gives
// goes to Done.
func (t *Turns) Next(ctx context.Context) (company string, err error) {
	for {
		t.mu.Lock()
		if len(t.queue) > 0 {
			company = t.queue[0]
			t.queue = t.queue[1:]
			t.state[company] = status{working: true}
			t.mu.Unlock()
			return company, nil
		}
		t.mu.Unlock()
		select {
		case <-t.wake:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// Left is what a turn leaves behind.
type Left struct {
	More    bool // there is more work
	Blocked bool // the next of it found no room in Room
	Room    Room
}

// Done ends a company's turn.
func (t *Turns) Done(company string, left Left) {
	t.mu.Lock()
	s := t.state[company]
	switch {
	case left.Blocked && (t.busy(left.Room) || t.tooFast(left.Room)):
		t.state[company] = status{}
		t.blocked[left.Room] = append(t.blocked[left.Room], company)
		if !t.busy(left.Room) {
			// Nothing in flight may be left to give room back: time does.
			time.AfterFunc(time.Duration(float64(time.Second)/t.limits.SiteRate), func() { t.unblock(left.Room) })
		}
	case left.More || left.Blocked || s.again:
		t.state[company] = status{}
		t.queue = append(t.queue, company)
	default:
		delete(t.state, company)
	}
	t.mu.Unlock()
	t.signal()
}

// tooFast tells whether the site has used up its calls of this moment.
func (t *Turns) tooFast(r Room) bool {
	l := t.rates[r]
	return l != nil && l.TokensAt(t.now()) < 1
}

// InFlight counts the calls of a plugin.
func (t *Turns) InFlight(plugin string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.plugins[plugin]
}

func (t *Turns) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

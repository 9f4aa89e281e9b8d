package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// board is this host's copy of what is paused and which sites are proven. It
// is read before every attempt, and read anew with every poll.
type board struct {
	mu     sync.RWMutex
	pauses map[boardKey]charge.Pause
	sites  map[string]charge.Site
	// changes counts what this host has changed here itself, and own keeps those
	// that a reading begun earlier can't know of.
	changes int
	own     map[boardKey]ownChange
	// unreachable counts, for each endpoint, the calls in a row that did not
	// get through to it.
	unreachable map[string]int
}

type boardKey struct {
	scope charge.Scope
	key   string
}

// ownChange is a pause that this host began or, if it is nil, ended.
type ownChange struct {
	number int
	pause  *charge.Pause
}

func newBoard() *board {
	return &board{
		pauses: map[boardKey]charge.Pause{}, sites: map[string]charge.Site{}, own: map[boardKey]ownChange{}, unreachable: map[string]int{},
	}
}

// reading begins to read anew what the database holds.
func (b *board) reading() (number int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.changes
}

// replace takes in what was read since reading gave that number.
func (b *board) replace(number int, pauses []charge.Pause, sites []charge.Site) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.pauses)
	for _, p := range pauses {
		b.pauses[boardKey{p.Scope, p.Key}] = p
	}
	for key, c := range b.own {
		switch {
		case c.number <= number:
			delete(b.own, key)
		case c.pause == nil:
			delete(b.pauses, key)
		default:
			b.pauses[key] = *c.pause
		}
	}
	clear(b.sites)
	for _, s := range sites {
		b.sites[s.Key] = s
	}
}

// nearest is the order in which a charge's pauses are told of: who has to mend
// something must not read of it at some looks only.
var nearest = [...]charge.Scope{charge.ScopeLink, charge.ScopeSite, charge.ScopeEndpoint}

func (b *board) paused(keys map[charge.Scope]string) (charge.Pause, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if len(b.pauses) == 0 {
		return charge.Pause{}, false
	}
	for _, scope := range nearest {
		if p, ok := b.pauses[boardKey{scope, keys[scope]}]; ok {
			return p, true
		}
	}
	return charge.Pause{}, false
}

func (b *board) pause(p charge.Pause) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := boardKey{p.Scope, p.Key}
	if _, there := b.pauses[key]; !there {
		b.pauses[key] = p
		b.changes++
		b.own[key] = ownChange{b.changes, &p}
	}
}

func (b *board) resume(p charge.Pause) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := boardKey{p.Scope, p.Key}
	delete(b.pauses, key)
	b.changes++
	b.own[key] = ownChange{number: b.changes}
	if p.Scope == charge.ScopeEndpoint {
		delete(b.unreachable, p.Key)
	}
}

func (b *board) list() []charge.Pause {
	b.mu.RLock()
	defer b.mu.RUnlock()
	ps := make([]charge.Pause, 0, len(b.pauses))
	for _, p := range b.pauses {
		ps = append(ps, p)
	}
	return ps
}

func (b *board) site(s charge.Site) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sites[s.Key] = s
}

func (b *board) siteOf(key string) charge.Site {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if s, ok := b.sites[key]; ok {
		return s
	}
	return charge.Site{Key: key}
}

func (b *board) proven(key string) bool { return b.siteOf(key).Proven() }

// reached notes whether a call got through, and counts those in a row that
// did not.
func (b *board) reached(endpoint string, ok bool) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		delete(b.unreachable, endpoint)
		return 0
	}
	b.unreachable[endpoint]++
	return b.unreachable[endpoint]
}

// pauseAfter is how many calls in a row have to miss an endpoint before new
// attempts wait for it. Each miss costs a charge one of its references.
const pauseAfter = 3

// pauseFor says what the outcome of a call stops. It counts, so each call is
// brought here once, however often its answer is written.
func (e *Engine) pauseFor(c *charge.Charge, a charge.Attempt, res payment.ChargeResult) *charge.Pause {
	keys := charge.Keys(c.Plugin, c.FulfillerID, c.LinkID, a.Endpoint, a.Site)
	missed := res.Outcome == payment.OutcomeNotSent && res.Fault == payment.FaultGateway
	misses := 0
	if missed || res.Outcome != payment.OutcomeNotSent { // what this host held back says nothing of the gateway
		misses = e.board.reached(keys[charge.ScopeEndpoint], !missed)
	}
	scope, pauses := charge.ScopeOf(res.Fault)
	switch {
	case !pauses, res.Outcome != payment.OutcomeRejected && !missed, missed && misses < pauseAfter:
		return nil
	}
	return e.newPause(c, scope, keys[scope], res.Code, res.Reason)
}

func (e *Engine) newPause(c *charge.Charge, scope charge.Scope, key, code, text string) *charge.Pause {
	now := e.cfg.Now().UTC()
	return &charge.Pause{
		Scope: scope, Key: key, LinkID: c.LinkID, FulfillerID: c.FulfillerID, Plugin: c.Plugin,
		Code: code, Text: text, Since: now, NextProbeAt: now.Add(e.cfg.Clocks.ProbeBackoff(1)),
	}
}

// siteChange notes what a charge has shown about releases on its site.
func (e *Engine) siteChange(before, after *charge.Charge, now time.Time) *charge.Site {
	for i := range after.Records {
		r := &after.Records[i]
		a := after.ByReference(r.Reference)
		if a == nil || r.ReleasedAt.IsZero() {
			continue
		}
		old := before.Record(r.ID)
		s := e.board.siteOf(siteKey(after, a.Endpoint, a.Site))
		switch {
		case !r.ConfirmedAt.IsZero() && (old == nil || old.ConfirmedAt.IsZero()) && !s.Proven():
			s.FailingSince = time.Time{}
			if s.ProvenAt.IsZero() {
				s.ProvenAt = now
			}
			return &s
		case r.ConfirmedAt.IsZero() && r.Status == payment.StatusSuspended && s.FailingSince.IsZero() &&
			now.After(r.ReleasedAt.Add(e.cfg.Clocks.ReleaseOverdue)):
			s.FailingSince = now
			return &s
		}
	}
	return nil
}

func (e *Engine) refresh(ctx context.Context) error {
	number := e.board.reading()
	pauses, err := e.cfg.Store.Pauses(ctx)
	if err != nil {
		return err
	}
	sites, err := e.cfg.Store.Sites(ctx)
	if err != nil {
		return err
	}
	e.board.replace(number, pauses, sites)
	fulfillers, err := e.cfg.Store.PlannedFulfillers(ctx)
	if err != nil {
		return err
	}
	for _, f := range fulfillers {
		e.turns.Add(string(f))
	}
	return nil
}

// boardLoop keeps the board fresh, and tries what is paused.
func (e *Engine) boardLoop() {
	tick := time.NewTicker(e.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-e.loops.Done():
			return
		}
		if err := e.refresh(e.loops); err != nil {
			if e.loops.Err() == nil {
				e.cfg.Logger.Error("what is paused can't be read", "error", err)
			}
			continue
		}
		for _, p := range e.board.list() {
			if !p.NextProbeAt.After(e.cfg.Now()) {
				e.probe(e.loops, p)
			}
		}
	}
}

// Probe tries at once whatever is paused for a link, for somebody who has just
// mended it.
func (e *Engine) Probe(ctx context.Context, link settings.LinkID, fulfiller settings.CompanyID) {
	for _, p := range e.board.list() {
		if p.LinkID == link || p.FulfillerID == fulfiller && p.Scope == charge.ScopeSite {
			e.probe(ctx, p)
		}
	}
	e.wake()
}

// probe runs the preflight of what is paused. It moves no money, and ends the
// pause if it is good, or says nothing of what is paused.
func (e *Engine) probe(ctx context.Context, p charge.Pause) {
	now := e.cfg.Now().UTC()
	report, err := e.cfg.Settings.Preflight(ctx, settings.System("chargehand"), p.LinkID)
	step.At(step.ProbeDone)
	if over(p, report, err) {
		if err := e.cfg.Store.Resume(ctx, p, now); err != nil {
			e.cfg.Logger.Error("a pause can't be ended", "scope", p.Scope, "key", p.Key, "error", err)
			return
		}
		step.At(step.PauseEnded)
		e.board.resume(p)
		e.cfg.Logger.Info("charging goes on", "scope", p.Scope, "key", p.Key, "probed_by", p.LinkID, "paused_for", now.Sub(p.Since).String())
		e.wake()
		return
	}
	p.Probes++
	p.NextProbeAt = now.Add(e.cfg.Clocks.ProbeBackoff(p.Probes + 1))
	if text := whyNot(report.Findings, err); text != "" && p.Scope != charge.ScopeEndpoint {
		p.Text = text
	}
	if err := e.cfg.Store.SavePause(ctx, p); err != nil && ctx.Err() == nil {
		e.cfg.Logger.Error("a pause can't be written", "scope", p.Scope, "key", p.Key, "error", err)
	}
	step.At(step.ProbeCommitted)
}

// over reports whether a preflight ends a pause: all is well, or the link that
// it goes by can't be asked or leads elsewhere by now. That must not hold what
// is paused for others: the next charge to find a fault pauses by its own link.
func over(p charge.Pause, r settings.Report, err error) bool {
	if err != nil {
		_, incomplete := errors.AsType[*settings.Invalid](err)
		return p.Scope != charge.ScopeLink && (incomplete || payment.KindOf(err) == payment.ErrorNotFound)
	}
	keys := charge.Keys(p.Plugin, p.FulfillerID, p.LinkID, r.Place.Endpoint, r.Place.Site)
	return keys[p.Scope] != p.Key || mended(p.Scope, r)
}

// mended reports whether a preflight shows that what a pause waits for is well
// again. One link's expired card does not keep its whole site waiting.
func mended(scope charge.Scope, r settings.Report) bool {
	switch scope {
	case charge.ScopeEndpoint:
		return answered(r.Findings)
	case charge.ScopeSite:
		return answered(r.Findings) && !slices.ContainsFunc(r.Findings, func(f payment.Finding) bool {
			return f.Level == payment.LevelProblem && f.Fault == payment.FaultSite
		})
	}
	return r.Passed
}

// answered: whatever else it said, the gateway was there.
func answered(findings []payment.Finding) bool {
	for _, f := range findings {
		if f.Fault == payment.FaultGateway {
			return false
		}
	}
	return len(findings) > 0
}

func whyNot(findings []payment.Finding, err error) string {
	for _, f := range findings {
		if f.Level == payment.LevelProblem {
			return fmt.Sprintf("%s %s", f.Text, f.Todo)
		}
	}
	if err != nil {
		return "The preflight could not be made: " + publicText(err)
	}
	return ""
}

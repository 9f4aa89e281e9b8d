package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Settings is what the engine needs of the companies' settings.
type Settings interface {
	Effective(ctx context.Context, link settings.LinkID) (settings.Effective, error)
	// ForSite gives the newest settings that lead to the endpoint and site.
	ForSite(ctx context.Context, link settings.LinkID, endpoint, site string) (payment.Settings, error)
	// Preflight tries a link's settings without moving money.
	Preflight(ctx context.Context, actor settings.Actor, link settings.LinkID) (settings.Report, error)
}

// Gateways finds the plugin of that name.
type Gateways interface {
	Gateway(name string) (payment.Gateway, error)
}

// Gate stops charging while the database can't be trusted. *restore.Guard is
// one.
type Gate interface {
	// Stopped is why nothing may be attempted or released; empty if it may.
	Stopped() string
	// RestoredAt is when the database was last found to have been put back; zero
	// if never.
	RestoredAt() time.Time
	// Recall turns a charge whose newest attempt is planned into one in doubt if
	// that was sent, or may have been, before that. sent is what a new attempt
	// would be sent with.
	Recall(ctx context.Context, c *charge.Charge, sent charge.Attempt, at time.Time) (recalled bool, err error)
	// Missing takes in that a charge, or an attempt of it, is gone which was
	// written, whatever node of the database is asked.
	Missing(ctx context.Context, id charge.ID)
}

// Config is what an Engine needs. All of it is required, but Observer, Wall,
// Ready, Gate and Mode.
type Config struct {
	Store    charge.Store
	Settings Settings
	Gateways Gateways
	Clocks   charge.Clocks
	Limits   turn.Limits
	// Owner names this run of this host; no other run ever has the same.
	Owner string
	// Now is the time of the database, one for all its hosts. Every time that is
	// written down is one of these.
	Now func() time.Time
	// Wall is this host's own clock with its monotonic reading: the plugins on the
	// same machine go by it. Default time.Now.
	Wall func() time.Time
	// Ready says why no attempt may be started or sent at the moment; nil if they
	// may be. It is asked often and must answer at once. Default: they always may.
	Ready func() error
	// Poll is the longest time between two looks for what is due.
	Poll     time.Duration
	Logger   hclog.Logger
	Observer Observer
	// Gate may stop charging; nil never does.
	Gate Gate
	// Mode is that of the payments which count in this environment: with
	// payment.ModeTest no live card is charged, with payment.ModeLive test money
	// never says "produce". Empty holds for databases of both.
	Mode payment.Mode
}

// Observer is told what the metrics want to know. Its methods are quick.
type Observer interface {
	// Charged: a call to charge ended with that outcome after that time.
	Charged(plugin string, outcome payment.Outcome, took time.Duration)
	// Own is the time a charge took besides the gateway's, from the order's
	// intake to the recorded outcome.
	Own(took time.Duration)
	// Resolved: a charge in doubt came to this state.
	Resolved(state charge.State)
}

// Engine charges. Start it before orders come in.
type Engine struct {
	cfg   Config
	turns *turn.Turns
	board *board
	waits *waits
	sites *sites

	ctx    context.Context // ends when calls in flight are given up
	stop   context.CancelFunc
	loops  context.Context // ends when nothing new is begun
	halt   context.CancelFunc
	work   sync.WaitGroup // calls and site work
	loop   sync.WaitGroup
	nudge  chan struct{}
	begun  begun
	closed sync.Once
	// sweeping is what keeps the sweep from what is due.
	sweeping trouble
}

// New makes an Engine.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Clocks.Validate(); err != nil {
		return nil, err
	}
	if cfg.Limits.Plugin < 1 || cfg.Limits.Site < 1 {
		return nil, errors.New("charging engine: the limits in flight must be at least 1")
	}
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	if cfg.Ready == nil {
		cfg.Ready = func() error { return nil }
	}
	if cfg.Gate == nil {
		cfg.Gate = open{}
	}
	e := &Engine{
		cfg: cfg, turns: turn.New(cfg.Limits, cfg.Now), board: newBoard(), waits: newWaits(),
		nudge: make(chan struct{}, 1),
	}
	e.sites = newSites(e)
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.loops, e.halt = context.WithCancel(e.ctx)
	return e, nil
}

// Start reads what is paused and begins to look for work. It returns once
// that is under way.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.refresh(ctx); err != nil {
		return fmt.Errorf("start the charging engine: %w", err)
	}
	e.loop.Go(e.sweepLoop)
	e.loop.Go(e.claimLoop)
	e.loop.Go(e.boardLoop)
	return nil
}

// Stop begins nothing new, waits for what is under way until ctx ends, and
// gives the rest up: its leases end by themselves, and it is looked up then.
func (e *Engine) Stop(ctx context.Context) {
	e.closed.Do(func() {
		e.halt()
		e.loop.Wait()
		done := make(chan struct{})
		go func() {
			e.work.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-ctx.Done():
		}
		e.stop()
		<-done
	})
}

// ready tells whether this host may start and send attempts.
func (e *Engine) ready() bool { return e.cfg.Ready() == nil }

// InFlight counts the calls of a plugin that are under way.
func (e *Engine) InFlight(plugin string) int { return e.turns.InFlight(plugin) }

// Pauses lists what is paused, as this host knows it.
func (e *Engine) Pauses() []charge.Pause { return e.board.list() }

// facts gathers what Derive has to know beyond the charge.
func (e *Engine) facts(ctx context.Context, c *charge.Charge) charge.Facts {
	f := charge.Facts{
		Now: e.cfg.Now().UTC(), Clocks: e.cfg.Clocks, RestoredAt: e.cfg.Gate.RestoredAt(), Production: e.cfg.Mode == payment.ModeLive,
	}
	eff, err := e.cfg.Settings.Effective(ctx, c.LinkID)
	if err != nil {
		f.Paused, f.PauseText = true, "The settings of this link can't be used: "+publicText(err)
		_, f.SetupFault = errors.AsType[*settings.Invalid](err)
	} else {
		f.SettingsVersion = eff.Version()
		f.RetryAbsent = eff.Link.RetriesAbsent(c.Amount.Minor)
		e.stopped(eff, &f)
	}
	if why := e.cfg.Gate.Stopped(); why != "" {
		f.PauseText, f.Paused, f.Probed, f.Stopped, f.SetupFault = why, true, false, true, false
	}
	if n := c.Newest(); n != nil && n.Site != "" {
		f.SiteProven = e.board.proven(siteKey(c, n.Endpoint, n.Site))
	}
	return f
}

// stopped adds why a new attempt on the link must not start, if so.
func (e *Engine) stopped(eff settings.Effective, f *charge.Facts) {
	f.Paused, f.SetupFault = true, true
	switch {
	case eff.Link.State != settings.LinkOn:
		f.PauseText = "Charging is switched off for this link."
		return
	case eff.Profile.Stored == "":
		f.PauseText = "The link has no stored transaction reference."
		return
	case !eff.CardConfirmed:
		f.PauseText = "The stored transaction reference is new: run the preflight and confirm the card it shows."
		return
	case e.cfg.Mode == payment.ModeTest && eff.Profile.Mode == payment.ModeLive:
		f.PauseText = "The link's settings lead to a live site, and this is a test environment: enter a test site, or charge in the production environment."
		return
	}
	keys := charge.Keys(eff.Plugin, eff.Link.FulfillerID, eff.Link.ID, eff.Profile.Endpoint, eff.Profile.Site)
	p, paused := e.board.paused(keys)
	f.Paused, f.Probed, f.SetupFault, f.PauseText = paused, paused, paused && p.Scope != charge.ScopeEndpoint, p.Text
}

func siteKey(c *charge.Charge, endpoint, site string) string {
	return charge.Keys(c.Plugin, c.FulfillerID, c.LinkID, endpoint, site)[charge.ScopeSite]
}

// publicText is what may be shown of an error: the words meant for people, and
// nothing of what lies beneath.
func publicText(err error) string {
	if e, ok := errors.AsType[*payment.Error](err); ok && e.Text != "" {
		return e.Text
	}
	return string(payment.KindOf(err))
}

// open is the gate of a database that nobody watches.
type open struct{}

func (open) Stopped() string                    { return "" }
func (open) RestoredAt() time.Time              { return time.Time{} }
func (open) Missing(context.Context, charge.ID) {}
func (open) Recall(context.Context, *charge.Charge, charge.Attempt, time.Time) (bool, error) {
	return false, nil
}

type nobody struct{}

func (nobody) Charged(string, payment.Outcome, time.Duration) {}
func (nobody) Own(time.Duration)                              {}
func (nobody) Resolved(charge.State)                          {}

// Next says what will be done with a charge as things are.
func (e *Engine) Next(ctx context.Context, c *charge.Charge) charge.Act {
	return charge.Derive(c, e.facts(ctx, c)).Act
}

package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Target is one site to sweep, with a link that leads there.
type Target struct {
	Plugin    string
	Fulfiller settings.CompanyID
	Link      settings.LinkID
	Place     charge.Place
	// Settle is how the link's charges settle, where that is known.
	Settle payment.SettleMode
}

// Key names the site, as charge.ScopeSite does.
func (t Target) Key() string {
	return charge.Keys(t.Plugin, t.Fulfiller, t.Link, t.Place.Endpoint, t.Place.Site)[charge.ScopeSite]
}

// Settings is what is needed of the companies' settings.
type Settings interface {
	Links(ctx context.Context, a settings.Actor, f settings.LinkFilter, p settings.Paging) (settings.Page[settings.Link], error)
	Effective(ctx context.Context, link settings.LinkID) (settings.Effective, error)
	ForSite(ctx context.Context, link settings.LinkID, endpoint, site string) (payment.Settings, error)
}

// Gateways finds the plugin of that name.
type Gateways interface {
	Gateway(name string) (payment.Gateway, error)
}

// SweepConfig is what a Sweeper needs. All of it is required.
type SweepConfig struct {
	Store    Store
	Charges  charge.Store
	Settings Settings
	Gateways Gateways
	// Clocks say how long a call may be under way (CallSlack), and how late the
	// gateway may show what came of it (AbsenceRecorded).
	Clocks charge.Clocks
	// Production is as in charge.Facts.
	Production bool
	// By is who lets charging go on.
	By  string
	Now func() time.Time
	// Tell is told how far the sweep is, for people.
	Tell func(text string)
}

// Sweeper asks the gateways for what a database has forgotten.
type Sweeper struct{ cfg SweepConfig }

// NewSweeper makes a Sweeper.
func NewSweeper(cfg SweepConfig) *Sweeper { return &Sweeper{cfg} }

// Task is what to sweep.
type Task struct {
	// Since is the time of the backup.
	Since time.Time
	// Until is when the last host was stopped that worked on the newer database.
	Until time.Time
	// Without are sites to go on without, and Reason is why.
	Without []string
	Reason  string
}

// Report is what a sweep came to.
type Report struct {
	Restore string       `json:"restore"`
	FoundAt time.Time    `json:"found_at"`
	From    time.Time    `json:"from"`
	Until   time.Time    `json:"until"`
	Sites   []SiteReport `json:"sites"`
	// Skipped are links that lead nowhere as their settings are.
	Skipped []string `json:"skipped_links"`
	Lifted  bool     `json:"lifted"`
}

// SiteReport is what the sweep of one site came to.
type SiteReport struct {
	Plugin    string `json:"plugin"`
	Fulfiller string `json:"fulfiller_id"`
	Endpoint  string `json:"endpoint"`
	Site      string `json:"site"`
	Found     int64  `json:"found"`
	Adopted   int64  `json:"adopted"`
	Kept      int64  `json:"kept"`
	Others    int64  `json:"others"`
	Done      bool   `json:"done"`
	Without   string `json:"without,omitempty"` // the reason
	Fault     string `json:"fault,omitempty"`
}

// margin is how much earlier than the backup is asked for: its time may be
// that of its end, and clocks differ.
const margin = 15 * time.Minute

// AliveError refuses to sweep while a host runs.
type AliveError struct{ Hosts []Host }

// Error implements error.
func (e *AliveError) Error() string {
	var b strings.Builder
	b.WriteString("a host still runs on this database; stop all hosts first, those on its old copy too, which can't be seen from here")
	for _, h := range e.Hosts {
		fmt.Fprintf(&b, "; %s was alive at %s", h.Owner, h.SeenAt.Format(time.RFC3339))
	}
	fmt.Fprintf(&b, ". One that was killed counts as alive for %s", aliveFor)
	return b.String()
}

// aliveFor is for how long after its last sign of life a host may still run.
const aliveFor = 4 * beat

// Run sweeps all sites and lets charging go on if every one of them is done, or
// is to be gone on without. Begun again it goes on where it was.
func (s *Sweeper) Run(ctx context.Context, task Task) (Report, error) {
	if err := s.alone(ctx); err != nil {
		return Report{}, err
	}
	r, err := s.open(ctx)
	if err != nil {
		return Report{}, err
	}
	targets, skipped, err := s.targets(ctx)
	if err != nil {
		return Report{}, err
	}
	end := task.Until.Add(s.cfg.Clocks.SendWindow + s.cfg.Clocks.CallSlack)
	report := Report{Restore: r.ID, FoundAt: r.FoundAt, From: task.Since.Add(-margin), Until: end, Skipped: skipped}
	for _, w := range task.Without {
		if !slices.ContainsFunc(targets, func(t Target) bool { return t.named(w) }) {
			return report, fmt.Errorf("--without %s: no link or attempt leads to that site", w)
		}
	}
	jobs := make([]*job, len(targets))
	for i, t := range targets {
		jobs[i] = s.job(t, r, task, report.From, end)
	}
	err = s.sweep(ctx, jobs)
	left := 0
	for _, j := range jobs {
		report.Sites = append(report.Sites, j.report())
		if !j.progress.Settled() || j.fault != nil {
			left++
		}
	}
	if err != nil || left > 0 {
		return report, err
	}
	if err := s.alone(ctx); err != nil {
		return report, err
	}
	r.SweptFrom, r.SweptUntil, r.LiftedAt, r.LiftedBy = report.From, end, s.cfg.Now().UTC(), s.cfg.By
	if err := s.cfg.Store.Lift(ctx, r); err != nil {
		return report, err
	}
	step.At(step.StopLifted)
	report.Lifted = true
	return report, nil
}

func (t Target) named(site string) bool { return t.Place.Site == site || t.Key() == site }

// alone refuses to go on beside a host.
func (s *Sweeper) alone(ctx context.Context) error {
	hosts, err := s.cfg.Store.Hosts(ctx)
	if err != nil {
		return err
	}
	var alive []Host
	for _, h := range hosts {
		if h.StoppedAt.IsZero() && s.cfg.Now().Sub(h.SeenAt).Abs() < aliveFor {
			alive = append(alive, h)
		}
	}
	if len(alive) > 0 {
		return &AliveError{alive}
	}
	return nil
}

// open finds what charging is stopped for, or stops it.
func (s *Sweeper) open(ctx context.Context) (Restore, error) {
	r, err := s.cfg.Store.Open(ctx, Restore{
		ID: uuid.Must(uuid.NewV7()).String(), FoundAt: s.cfg.Now().UTC(), FoundBy: s.cfg.By, Text: "no host had noticed; it was said so by " + s.cfg.By,
	})
	if err != nil {
		return r, err
	}
	step.At(step.RestoreOpened)
	all, err := s.cfg.Store.Restores(ctx)
	if err != nil {
		return r, err
	}
	for _, known := range all {
		if known.ID == r.ID {
			return known, nil
		}
	}
	return r, nil
}

// targets lists the sites that links lead to, and those that attempts were
// sent to.
func (s *Sweeper) targets(ctx context.Context) (targets []Target, skipped []string, err error) {
	add := func(t Target) {
		if !slices.ContainsFunc(targets, func(o Target) bool { return o.Key() == t.Key() }) {
			targets = append(targets, t)
		}
	}
	page := settings.Page[settings.Link]{Next: " "}
	for after := ""; page.Next != ""; after = page.Next {
		page, err = s.cfg.Settings.Links(ctx, settings.System(s.cfg.By), settings.LinkFilter{}, settings.Paging{After: after})
		if err != nil {
			return nil, nil, fmt.Errorf("list the links: %w", err)
		}
		for _, l := range page.Items {
			eff, err := s.cfg.Settings.Effective(ctx, l.ID)
			if _, incomplete := errors.AsType[*settings.Invalid](err); incomplete {
				skipped = append(skipped, string(l.ID))
				continue
			}
			if err != nil {
				return nil, nil, fmt.Errorf("read the settings of link %s: %w", l.ID, err)
			}
			add(Target{
				Plugin: eff.Plugin, Fulfiller: l.FulfillerID, Link: l.ID, Settle: eff.Profile.Settle,
				Place: charge.Place{Endpoint: eff.Profile.Endpoint, Site: eff.Profile.Site},
			})
		}
	}
	old, err := s.cfg.Store.Places(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range old {
		add(t)
	}
	return targets, skipped, nil
}

// sweep does what can be done at once, and the rest once the gateways must
// show what came of the last calls.
func (s *Sweeper) sweep(ctx context.Context, jobs []*job) error {
	for {
		var next time.Time
		for _, j := range jobs {
			if j.fault != nil || j.progress.Settled() {
				continue
			}
			if err := j.run(ctx); err != nil {
				if ctx.Err() != nil {
					return fmt.Errorf("the sweep was interrupted; run the command again, it goes on from here: %w", ctx.Err())
				}
				j.fault = err
				s.cfg.Tell(fmt.Sprintf("%s: %s", j.target.Key(), j.reason()))
				continue
			}
			if !j.progress.Settled() {
				next = j.ready()
			}
		}
		if next.IsZero() {
			return nil
		}
		s.cfg.Tell(fmt.Sprintf("waiting until %s, so that the gateway shows what came of the last calls", next.UTC().Format(time.RFC3339)))
		timer := time.NewTimer(next.Sub(s.cfg.Now()))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("the sweep was interrupted; run the command again, it goes on from here: %w", ctx.Err())
		}
	}
}

package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/shared/payment"
)

// job is the sweep of one site.
type job struct {
	s        *Sweeper
	target   Target
	progress Progress
	end      time.Time
	found    time.Time // when the restore was noticed
	fault    error
	// seen was taken in already: windows overlap.
	seen map[payment.TransactionID]bool

	access  payment.Access
	gateway payment.Gateway
}

// slice is how much of a window is asked for at once: what an interruption
// makes it ask for again.
const slice = time.Hour

// job goes on where an earlier sweep was, unless that began later.
func (s *Sweeper) job(t Target, r Restore, task Task, from, end time.Time) *job {
	j := &job{s: s, target: t, seen: map[payment.TransactionID]bool{}, end: end, found: r.FoundAt, progress: Progress{RestoreID: r.ID, Key: t.Key(), From: from, Until: from}}
	for _, p := range r.Sites {
		if p.Key == j.progress.Key && !p.From.After(from) {
			j.progress = p
		}
	}
	if j.progress.Until.Before(end) {
		j.progress.DoneAt = time.Time{}
	}
	j.progress.WithoutAt, j.progress.WithoutBy, j.progress.WithoutReason = time.Time{}, "", ""
	if slices.ContainsFunc(task.Without, t.named) {
		j.progress.WithoutAt, j.progress.WithoutBy, j.progress.WithoutReason = s.cfg.Now().UTC(), s.cfg.By, task.Reason
	}
	return j
}

// lag is how late the gateway may show what happened.
func (j *job) lag() time.Duration { return j.s.cfg.Clocks.AbsenceRecorded }

// ready is when the rest can be asked for.
func (j *job) ready() time.Time { return j.end.Add(j.lag()) }

// run sweeps as far as the gateway can be relied on to show all.
func (j *job) run(ctx context.Context) error {
	if err := j.reach(ctx); err != nil {
		return err
	}
	for j.progress.Until.Before(j.end) {
		asked := j.s.cfg.Now().UTC()
		to := j.progress.Until.Add(slice)
		if to.After(j.end) {
			to = j.end
		}
		if asked.Before(to) {
			to = asked // the gateway takes no look at the future
		}
		if !j.progress.Until.Before(to) {
			return nil
		}
		kept, err := j.window(ctx, j.progress.Until, to)
		if err != nil {
			return err
		}
		// What may show late is asked for again.
		until := to
		if complete := asked.Add(-j.lag()); until.After(complete) {
			until = complete
		}
		last := !until.After(j.progress.Until)
		if !last {
			j.progress.Until = until
		}
		if !j.progress.Until.Before(j.end) {
			j.progress.DoneAt = j.s.cfg.Now().UTC()
		}
		if err := j.s.cfg.Store.SaveProgress(ctx, j.progress, kept); err != nil {
			return err
		}
		step.At(step.SweepSaved)
		j.s.cfg.Tell(fmt.Sprintf("%s: swept up to %s: %d found, %d adopted, %d kept, %d not ours", j.target.Key(),
			to.Format(time.RFC3339), j.progress.Found, j.progress.Adopted, j.progress.Kept, j.progress.Others))
		if last || until.Before(to) {
			return nil
		}
	}
	return nil
}

// reach finds the plugin and the newest credentials.
func (j *job) reach(ctx context.Context) error {
	if j.gateway != nil {
		return nil
	}
	gateway, err := j.s.cfg.Gateways.Gateway(j.target.Plugin)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	d, err := gateway.Describe(limited)
	if err != nil {
		return fmt.Errorf("ask plugin %s what it can: %w", j.target.Plugin, err)
	}
	if !slices.Contains(d.Capabilities, payment.CapabilityQueryWindow) {
		return &payment.Error{Kind: payment.ErrorUnsupported, Text: "plugin " + j.target.Plugin + " can't list a site's transactions by time; go on without the site, and its orders are looked up one by one"}
	}
	values, err := j.s.cfg.Settings.ForSite(ctx, j.target.Link, j.target.Place.Endpoint, j.target.Place.Site)
	if err != nil {
		return err
	}
	j.access = payment.Access{
		Company: string(j.target.Fulfiller), Settings: values, Endpoint: j.target.Place.Endpoint, Site: j.target.Place.Site,
	}
	j.gateway = gateway
	return nil
}

// window takes in all that was started in a stretch of time, page by page.
func (j *job) window(ctx context.Context, from, to time.Time) (kept []Kept, err error) {
	w := payment.Window{From: from.Add(-time.Second), To: to}
	for {
		at := j.s.cfg.Now().UTC()
		res, err := j.query(ctx, payment.QueryRequest{Access: j.access, Window: &w})
		if err != nil {
			return nil, err
		}
		step.At(step.SweepAsked)
		var fresh []payment.Transaction
		for _, t := range res.Transactions {
			if !j.seen[t.ID] {
				j.seen[t.ID] = true
				fresh = append(fresh, t)
			}
		}
		more, err := j.page(ctx, at, fresh)
		if err != nil {
			return nil, err
		}
		kept = append(kept, more...)
		if res.Next == "" {
			return kept, nil
		}
		w.Cursor = res.Next
	}
}

func (j *job) query(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
	limited, cancel := context.WithTimeout(ctx, j.s.cfg.Clocks.CallSlack)
	defer cancel()
	return j.gateway.Query(limited, r)
}

// page sorts what was found: into the books, to be kept, or not ours.
func (j *job) page(ctx context.Context, at time.Time, found []payment.Transaction) (kept []Kept, err error) {
	ours := map[string][]payment.Transaction{}
	var stems []string
	for _, t := range found {
		j.progress.Found++
		stem, _, ok := charge.SplitReference(t.Reference)
		if !ok || t.Kind != payment.KindAuthorisation || t.ID == "" {
			j.progress.Others++
			continue
		}
		if ours[stem] == nil {
			stems = append(stems, stem)
		}
		ours[stem] = append(ours[stem], t)
	}
	if len(stems) == 0 {
		return nil, nil
	}
	books, err := j.s.cfg.Store.InBooks(ctx, stems)
	if err != nil {
		return nil, err
	}
	for _, stem := range stems {
		if id, ok := books[stem]; ok {
			if err := j.adopt(ctx, id, ours[stem]); err != nil {
				return nil, fmt.Errorf("adopt what was found of charge %s: %w", id, err)
			}
			continue
		}
		for _, t := range ours[stem] {
			j.progress.Kept++
			kept = append(kept, Kept{
				RestoreID: j.progress.RestoreID, Plugin: j.target.Plugin, Place: j.target.Place, Transaction: t, Stem: stem, At: at,
			})
		}
	}
	return kept, nil
}

func (j *job) report() SiteReport {
	p := j.progress
	return SiteReport{
		Plugin: j.target.Plugin, Fulfiller: string(j.target.Fulfiller), Endpoint: j.target.Place.Endpoint, Site: j.target.Place.Site,
		Found: p.Found, Adopted: p.Adopted, Kept: p.Kept, Others: p.Others, Done: !p.DoneAt.IsZero(), Without: p.WithoutReason, Fault: j.reason(),
	}
}

// reason is what people may see of the fault.
func (j *job) reason() string {
	if e, ok := errors.AsType[*payment.Error](j.fault); ok && e.Text != "" {
		return e.Text
	}
	if j.fault != nil {
		return j.fault.Error()
	}
	return ""
}

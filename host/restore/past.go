package restore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// Past tells new charges apart that may have been sent before the database was
// put back. It is read once: the sweep runs while no host does.
type Past struct {
	store  Store
	stems  map[string]bool
	lifted []Restore
}

// NewPast reads what is kept.
func NewPast(ctx context.Context, store Store) (*Past, error) {
	p := &Past{store: store, stems: map[string]bool{}}
	stems, err := store.Stems(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was kept of lost charges: %w", err)
	}
	for _, s := range stems {
		p.stems[s] = true
	}
	all, err := store.Restores(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the restores: %w", err)
	}
	for _, r := range all {
		if !r.LiftedAt.IsZero() {
			p.lifted = append(p.lifted, r)
		}
	}
	return p, nil
}

// Recall turns a charge that is about to be attempted into one in doubt if that
// attempt was sent, or may have been, before the database was put back. sent is
// what a new attempt on the link would be sent with.
func (p *Past) Recall(ctx context.Context, c *charge.Charge, sent charge.Attempt, at time.Time) (recalled bool, err error) {
	newest := c.Newest()
	if newest == nil || newest.Stage != charge.StagePlanned {
		return false, nil
	}
	if newest.Number == 1 && p.stems[c.Stem] { // kept is only what the books had no charge for
		kept, err := p.store.Kept(ctx, c.Stem)
		if err != nil {
			return false, fmt.Errorf("read what was kept of charge %s: %w", c.ID, err)
		}
		// From the lowest number up, so that those in between are taken to have been
		// sent as the next one that was.
		slices.SortStableFunc(kept, byNumber)
		for i := range kept {
			k := &kept[i]
			c.MayHaveSent(numberOf(k.Transaction), charge.SentAs(k.Transaction, k.Place, sent.Settle), at)
			c.CheckedAt, recalled = k.At, true
		}
		if recalled {
			return true, nil
		}
	}
	if p.unsure(charge.Keys(c.Plugin, c.FulfillerID, c.LinkID, sent.Endpoint, sent.Site)[charge.ScopeSite], c) {
		sent.StartedAt, sent.SendBefore = at, at
		// One more than is planned, so that the next is a person's to allow.
		c.MayHaveSent(newest.Number+1, sent, at)
		return true, nil
	}
	return false, nil
}

func byNumber(a, b Kept) int { return numberOf(a.Transaction) - numberOf(b.Transaction) }

func numberOf(t payment.Transaction) int {
	_, number, _ := charge.SplitReference(t.Reference)
	return number
}

// unsure: the order is older than a restore whose sweep left this site out, and
// nothing was asked about the charge since. Who asks for one attempt asks for
// the next ones, too.
func (p *Past) unsure(site string, c *charge.Charge) bool {
	for _, r := range p.lifted {
		asked := slices.ContainsFunc(c.Attempts, func(a charge.Attempt) bool { return !a.AnsweredAt.Before(r.LiftedAt) })
		if c.PlacedAt.Before(r.LiftedAt) && !asked && !r.swept(site) {
			return true
		}
	}
	return false
}

func (r Restore) swept(site string) bool {
	for _, s := range r.Sites {
		if s.Key == site {
			return !s.DoneAt.IsZero()
		}
	}
	return false
}

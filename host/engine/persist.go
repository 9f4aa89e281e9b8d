package engine

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
)

// folding takes what came in about a charge into a copy of it, and says what is
// written with that. It may be done again, on what the charge has become. It
// refuses, with charge.ErrWentBack, what the books know less of than they did.
type folding func(after *charge.Charge) (*charge.Change, error)

// persist changes a charge: fold into a copy, derive, write; and again from
// what stands there if somebody else was first, or after a while if the
// database can't be written. It goes on with what is due next.
func (e *Engine) persist(c *charge.Charge, fold folding) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 20*time.Millisecond, 5*time.Second
	known := c // with what came in folded in, as this host has it
	var evidence []charge.Evidence
	for e.ctx.Err() == nil {
		change, err := e.try(c, fold)
		if change != nil {
			known, evidence = change.After, change.Evidence
		}
		switch {
		case err == nil:
			e.written(*change)
			return
		case errors.Is(err, charge.ErrWentBack):
			e.wentBack(known, c, evidence)
			return
		case errors.Is(err, charge.ErrStale):
			// At once: what stands there now is read below.
		default:
			e.later(c, err, wait.NextBackOff())
		}
		fresh, err := e.fresh(c.ID, fold)
		switch {
		case err != nil:
			e.later(c, err, wait.NextBackOff())
		case fresh == nil:
			e.wentBack(known, nil, evidence)
			return
		default:
			c = fresh
		}
	}
}

// later tells of a charge that can't be written now, and waits.
func (e *Engine) later(c *charge.Charge, err error, wait time.Duration) {
	if e.ctx.Err() != nil {
		return
	}
	e.cfg.Logger.Error("a charge can't be written; trying again", "charge", c.ID, "error", err)
	select {
	case <-time.After(wait):
	case <-e.ctx.Done():
	}
}

// try folds, derives and writes once. The change is nil if it does not fit.
func (e *Engine) try(c *charge.Charge, fold folding) (*charge.Change, error) {
	after := c.Clone()
	change, err := fold(after)
	if err != nil {
		return nil, err
	}
	change.Before, change.After = c, after
	e.derive(change)
	if err := e.cfg.Store.Commit(e.ctx, *change); err != nil {
		return change, err
	}
	step.At(step.ResultCommitted)
	return change, nil
}

// fresh reads a charge again; nil if it is gone. A node of a cluster that lags
// behind shows what does not fit, or nothing, too: then the latest is read, and
// what that does not know is not there.
func (e *Engine) fresh(id charge.ID, fold folding) (*charge.Charge, error) {
	read := func(load func(context.Context, ...charge.ID) ([]*charge.Charge, error)) (*charge.Charge, error) {
		ctx, cancel := context.WithTimeout(e.ctx, readLimit)
		defer cancel()
		cs, err := load(ctx, id)
		if err != nil || len(cs) == 0 {
			return nil, err
		}
		return cs[0], nil
	}
	c, err := read(e.cfg.Store.Load)
	if err == nil && c != nil {
		if _, err = fold(c.Clone()); err == nil {
			return c, nil
		}
	}
	if err != nil && !errors.Is(err, charge.ErrWentBack) {
		return nil, err
	}
	return read(e.cfg.Store.Latest)
}

// readLimit bounds the reading of a charge, and the wait for a node that lags
// behind.
const readLimit = 10 * time.Second

// wentBack is for what came in about a charge in books that know less of it than
// this host has written: they were put back under it. Charging stops. What came
// in stays as evidence beside the charge, or in the log where that is gone as a
// whole, and is folded into nothing: the sweep after the restore finds at the
// gateway what it is about. there is what the books have, if anything.
func (e *Engine) wentBack(known, there *charge.Charge, evidence []charge.Evidence) {
	e.cfg.Gate.Missing(e.ctx, known.ID)
	if there == nil {
		for _, ev := range evidence {
			e.cfg.Logger.Error("a charge is gone, and this came in about it", append(about(known, ev), "class", ev.Class, "at", ev.At, "text", ev.Text)...)
		}
		return
	}
	for i := range evidence {
		evidence[i].Text = "This came in after the books had been put back, and is looked up by the sweep. " + evidence[i].Text
	}
	e.persist(there, func(*charge.Charge) (*charge.Change, error) { return &charge.Change{Evidence: evidence}, nil })
}

// about is what finds it again that a piece of evidence is about.
func about(c *charge.Charge, ev charge.Evidence) []any {
	a := c.Attempt(ev.Number)
	if a == nil {
		a = c.Newest()
	}
	var ids []payment.TransactionID
	for _, r := range c.Records {
		ids = append(ids, r.ID)
	}
	return []any{
		"charge", c.ID, "order", c.OrderID, "link", c.LinkID, "amount", currency.Format(c.Amount), "reference", a.Reference,
		"endpoint", a.Endpoint, "site", a.Site, "sent_at", a.StartedAt, "transactions", ids,
	}
}

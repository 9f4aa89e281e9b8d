package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/shared/payment"
)

// Cancel implements order.Engine.
func (e *Engine) Cancel(ctx context.Context, ids []charge.ID, by, reason string) error {
	now := e.cfg.Now().UTC()
	for _, id := range ids {
		err := e.decide(ctx, id, charge.Evidence{At: now, By: by, Text: "The order was cancelled. " + reason},
			func(c *charge.Charge) error {
				c.Cancel(now)
				return nil
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// Confirm takes in that the platform has posted the order of these charges
// again: they are still wanted, whatever was lost with a restored database.
func (e *Engine) Confirm(ctx context.Context, cs []*charge.Charge, by string) error {
	restored := e.cfg.Gate.RestoredAt()
	if e.cfg.Gate.Stopped() != "" {
		restored = e.cfg.Now().UTC() // what is only suspected may soon be certain
	}
	for _, c := range cs {
		if c.State.Final() || !c.Unconfirmed(charge.Facts{RestoredAt: restored}) {
			continue
		}
		now := e.cfg.Now().UTC()
		err := e.decide(ctx, c.ID, charge.Evidence{At: now, By: by, Text: "The platform posted the order again after the database was put back."},
			func(c *charge.Charge) error {
				c.ConfirmedAt = now
				return nil
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// Retry allows one more attempt where the rules leave that to a person. It
// names how many attempts that person saw, so that a request which is sent
// again allows no other one.
func (e *Engine) Retry(ctx context.Context, id charge.ID, attempts int, by, reason string) error {
	return e.decide(ctx, id, charge.Evidence{At: e.cfg.Now().UTC(), By: by, Text: "One more attempt was allowed. " + reason},
		func(c *charge.Charge) error {
			if len(c.Attempts) != attempts {
				return &payment.Error{Kind: payment.ErrorConflict, Field: "attempts", Text: fmt.Sprintf("the charge has %d attempts by now; look at it again", len(c.Attempts))}
			}
			switch c.Case {
			case charge.CaseUnconfirmed:
				c.ConfirmedAt = e.cfg.Now().UTC()
				return nil
			case charge.CaseAbsent, charge.CaseOrderRefused, charge.CaseGatewayCancel, charge.CaseSetup:
				c.Plan(e.cfg.Now().UTC())
				return nil
			}
			return &payment.Error{Kind: payment.ErrorConflict, Text: "this charge does not wait for a person to allow another attempt"}
		})
}

// decide writes down a person's or the platform's word.
func (e *Engine) decide(ctx context.Context, id charge.ID, evidence charge.Evidence, fold func(*charge.Charge) error) error {
	evidence.Class = charge.ClassDecision
	for {
		cs, err := e.cfg.Store.Load(ctx, id)
		if err != nil {
			return err
		}
		if len(cs) == 0 {
			return &payment.Error{Kind: payment.ErrorNotFound, Text: "there is no such charge"}
		}
		change := charge.Change{Before: cs[0], After: cs[0].Clone(), Evidence: []charge.Evidence{evidence}}
		if err := fold(change.After); err != nil {
			return err
		}
		change.After.Checks = 0
		e.derive(&change)
		switch err := e.cfg.Store.Commit(ctx, change); {
		case err == nil:
			step.At(step.DecisionCommitted)
			e.written(change)
			return nil
		case !errors.Is(err, charge.ErrStale):
			return fmt.Errorf("write the decision: %w", err)
		}
	}
}

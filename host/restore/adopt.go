package restore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/shared/payment"
)

// adopt folds what was found into the charge that it belongs to. What it comes
// to is derived as ever.
func (j *job) adopt(ctx context.Context, id charge.ID, found []payment.Transaction) error {
	slices.SortStableFunc(found, func(a, b payment.Transaction) int { return numberOf(a) - numberOf(b) })
	for {
		cs, err := j.s.cfg.Charges.Load(ctx, id)
		if err != nil || len(cs) == 0 {
			return err
		}
		news := slices.DeleteFunc(slices.Clone(found), func(t payment.Transaction) bool { return known(cs[0], t) })
		if len(news) == 0 {
			return nil
		}
		change, err := j.taken(ctx, cs[0], news)
		if err != nil {
			return err
		}
		err = j.s.cfg.Charges.Commit(ctx, change)
		if err == nil {
			step.At(step.SweepAdopted)
			j.progress.Adopted += int64(len(news))
		}
		if !errors.Is(err, charge.ErrStale) {
			return err
		}
	}
}

// known: the books say of it what the gateway says.
func known(c *charge.Charge, t payment.Transaction) bool {
	a, r := c.ByReference(t.Reference), c.Record(t.ID)
	return a != nil && a.Stage != charge.StagePlanned && a.Stage != charge.StageWithdrawn && (r != nil && r.Status == t.Status ||
		r == nil && t.Status == payment.StatusCancelled && a.Stage == charge.StageAnswered && a.Outcome == payment.OutcomeDeclined)
}

// taken is the charge with what was found folded in. Each is looked up by its
// id, since only who knows how it was asked for can say what it came to.
func (j *job) taken(ctx context.Context, before *charge.Charge, found []payment.Transaction) (charge.Change, error) {
	change := charge.Change{Before: before, After: before.Clone()}
	after := change.After
	settle := j.target.Settle
	if settle == payment.SettleUnspecified {
		settle = payment.SettleRecorded
	}
	l := charge.Look{At: j.s.cfg.Now().UTC(), Place: j.target.Place}
	var lookups []payment.Lookup
	for _, t := range found {
		after.MayHaveSent(numberOf(t), charge.SentAs(t, j.target.Place, settle), l.At)
		asked := settle
		if a := after.ByReference(t.Reference); a != nil && a.Settle != "" {
			asked = a.Settle
		}
		lookups = append(lookups, payment.Lookup{ID: t.ID, Asked: asked})
	}
	for part := range slices.Chunk(lookups, payment.MaxLookups) {
		res, err := j.query(ctx, payment.QueryRequest{Access: j.access, Lookups: part})
		if err != nil {
			return change, err
		}
		l.Found = append(l.Found, res.Transactions...)
	}
	after.FoldLook(l, j.s.cfg.Clocks)
	after.Checks = 0
	now := j.s.cfg.Now().UTC()
	after.Apply(charge.Facts{
		Now: now, Clocks: j.s.cfg.Clocks, Paused: true, Stopped: true, PauseText: "Charging is stopped until the gateways were swept.",
		RestoredAt: j.found, Production: j.s.cfg.Production,
	})
	if n := after.Newest(); !after.NextCheckAt.IsZero() && n.Stage != charge.StageStarted {
		after.NextCheckAt = now.Truncate(time.Microsecond) // the host derives it again, with all that it knows
	}
	change.Evidence = []charge.Evidence{{
		Class: charge.ClassLook, At: l.At, By: j.s.cfg.By, Text: "The database was put back, and this was forgotten: " + after.Tell(l), Body: charge.Excerpt(l.Found),
	}}
	return change, nil
}

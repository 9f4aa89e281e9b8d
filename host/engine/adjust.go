package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/shared/payment"
)

// adjust sends what was written down.
func (e *Engine) adjust(gateway payment.Gateway, access payment.Access, acts []acting) (map[payment.TransactionID]payment.Adjusted, error) {
	var list []payment.Adjustment
	for _, a := range acts {
		for _, id := range a.ids {
			list = append(list, payment.Adjustment{ID: id, Action: a.action})
		}
	}
	accepted := map[payment.TransactionID]payment.Adjusted{}
	for len(list) > 0 {
		n := min(len(list), payment.MaxAdjustments)
		ctx, cancel := context.WithTimeout(e.ctx, e.callLimit())
		res, err := gateway.Adjust(ctx, payment.AdjustRequest{Access: access, Adjustments: list[:n]})
		cancel()
		if err != nil {
			return accepted, err
		}
		for _, a := range res.Adjusted {
			accepted[a.ID] = a
		}
		list = list[n:]
	}
	return accepted, nil
}

// readBack asks what became of the actions, and writes that down.
func (e *Engine) readBack(gateway payment.Gateway, access payment.Access, acts []acting, accepted map[payment.TransactionID]payment.Adjusted) {
	s := &sight{byRef: map[payment.Reference][]payment.Transaction{}, byID: map[payment.TransactionID]payment.Transaction{}}
	var lookups []payment.Lookup
	for _, a := range acts {
		for _, id := range a.ids {
			lookups = append(lookups, payment.Lookup{ID: id, Asked: a.change.After.Record(id).Asked})
		}
	}
	err := s.query(e, gateway, access, lookups)
	step.At(step.ReadBackDone)
	if err != nil {
		e.cfg.Logger.Warn("an update can't be read back yet", "site", access.Site, "error", err)
	}
	for _, a := range acts {
		// Side by side, so that they share their commits; and again and again, for
		// what was answered is not to be asked for a second time.
		e.work.Go(func() { e.persist(a.change.After, e.told(a, s, err == nil, accepted)) })
	}
}

// told is what an update and its read-back say of a charge, as a thing to fold
// into it, or into what it has become meanwhile.
func (e *Engine) told(a acting, s *sight, read bool, answers map[payment.TransactionID]payment.Adjusted) folding {
	l := charge.Look{At: s.at, Place: a.place, IDs: a.ids}
	for _, id := range a.ids {
		if t, ok := s.byID[id]; ok {
			l.Found = append(l.Found, t)
		}
	}
	return func(after *charge.Charge) (*charge.Change, error) {
		for _, id := range a.ids {
			if err := after.FoldAdjusted(id, a.action, answers[id].Accepted); err != nil {
				return nil, err
			}
		}
		if read {
			after.FoldLook(l, e.cfg.Clocks)
		}
		after.Checks++
		return &charge.Change{Evidence: []charge.Evidence{{
			Class: charge.ClassReadBack, At: s.at, By: e.cfg.Owner, Text: updateAnswers(a.ids, answers) + after.Tell(l), Body: charge.Excerpt(l.Found),
		}}}, nil
	}
}

// updateAnswers puts the gateway's word on updates into words.
func updateAnswers(ids []payment.TransactionID, answers map[payment.TransactionID]payment.Adjusted) string {
	var b strings.Builder
	for _, id := range ids {
		if a, ok := answers[id]; ok {
			fmt.Fprintf(&b, "The update of %s was answered %s %s. ", id, a.Code, a.Message)
		} else {
			fmt.Fprintf(&b, "The update of %s got no answer. ", id)
		}
	}
	return b.String()
}

package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// sight is what one look says of all the charges of a batch.
type sight struct {
	at       time.Time // when the first question went out: later is not proven
	place    charge.Place
	byRef    map[payment.Reference][]payment.Transaction
	byID     map[payment.TransactionID]payment.Transaction
	controls map[charge.ID]payment.TransactionID
	asked    map[charge.ID]charge.Look
}

// look asks for all references and records of a batch, with a control for
// each charge in doubt.
func (e *Engine) look(gateway payment.Gateway, access payment.Access, place charge.Place, batch []*charge.Charge) (*sight, error) {
	s := &sight{
		place: place,
		byRef: map[payment.Reference][]payment.Transaction{}, byID: map[payment.TransactionID]payment.Transaction{},
		controls: map[charge.ID]payment.TransactionID{}, asked: map[charge.ID]charge.Look{},
	}
	var lookups []payment.Lookup
	named := map[payment.Lookup]bool{}
	ask := func(l payment.Lookup) {
		if !named[l] {
			named[l] = true
			lookups = append(lookups, l)
		}
	}
	for _, c := range batch {
		asked := e.lookups(c, ask)
		if control := e.control(c, place); control != "" {
			s.controls[c.ID] = control
			ask(payment.Lookup{ID: control, Asked: payment.SettleAtOnce})
		}
		s.asked[c.ID] = asked
	}
	if err := s.query(e, gateway, access, lookups); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *sight) query(e *Engine, gateway payment.Gateway, access payment.Access, lookups []payment.Lookup) error {
	s.at = e.cfg.Now().UTC()
	for len(lookups) > 0 {
		n := min(len(lookups), payment.MaxLookups)
		ctx, cancel := context.WithTimeout(e.ctx, e.callLimit())
		res, err := gateway.Query(ctx, payment.QueryRequest{Access: access, Lookups: lookups[:n]})
		cancel()
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		for _, t := range res.Transactions {
			if _, seen := s.byID[t.ID]; !seen {
				s.byRef[t.Reference] = append(s.byRef[t.Reference], t)
			}
			s.byID[t.ID] = t
		}
		lookups = lookups[n:]
	}
	return nil
}

// lookups says what to ask for: the records by id if that is all there is to
// know, otherwise every reference there is or might be.
func (e *Engine) lookups(c *charge.Charge, ask func(payment.Lookup)) charge.Look {
	var asked charge.Look
	mode := payment.SettleRecorded
	if n := c.Newest(); n != nil {
		mode = n.Settle
	}
	if !followed(c) {
		asked.References = c.References()
	}
	for _, r := range asked.References {
		if a := c.ByReference(r); a != nil && a.Settle != "" {
			mode = a.Settle
		}
		ask(payment.Lookup{Reference: r, Asked: mode})
	}
	for i := range c.Records {
		r := &c.Records[i]
		if !slices.Contains(asked.References, r.Reference) {
			ask(payment.Lookup{ID: r.ID, Asked: r.Asked})
			asked.IDs = append(asked.IDs, r.ID)
		}
	}
	return asked
}

// countLookups is how many lookups a charge takes at the most.
func countLookups(c *charge.Charge) int {
	if followed(c) {
		return len(c.Records)
	}
	n := len(c.Attempts) + charge.LookAhead
	if c.State == charge.StateUnknown || c.State == charge.StateCancelling {
		n++ // the control
	}
	return n
}

// followed: its authorisation is on its way, and nothing else is open.
func followed(c *charge.Charge) bool {
	chosen := c.Record(c.Chosen)
	switch c.State {
	case charge.StateReleased, charge.StateHeld:
	case charge.StateReleasing:
		// A release that did not get through is sent again, and only a look at
		// all references shows that there is no other.
		if chosen != nil && !chosen.Accepted {
			return false
		}
	default:
		return false
	}
	if chosen == nil {
		return false
	}
	for i := range c.Attempts {
		if c.Attempts[i].InDoubt() || c.Attempts[i].Watched() {
			return false
		}
	}
	return true
}

// control finds what must be there if the gateway tells all it has: for an
// attempt that waits to be released the stored reference it was made from;
// for one that settles by itself something younger than it.
func (e *Engine) control(c *charge.Charge, place charge.Place) payment.TransactionID {
	var stored payment.TransactionID
	var after time.Time
	for i := range c.Attempts {
		a := &c.Attempts[i]
		switch {
		case !a.InDoubt() || a.Place() != place:
		case a.Settle == payment.SettleRecorded:
			stored = a.Stored
		case a.SendBefore.After(after):
			after = a.SendBefore
		}
	}
	if after.IsZero() {
		return stored
	}
	id, err := e.cfg.Store.KnownTransaction(e.ctx, place.Endpoint, place.Site, after, c.ID)
	if err != nil {
		e.cfg.Logger.Error("no control for a look can be found", "charge", c.ID, "error", err)
	}
	return payment.TransactionID(id)
}

// of is what the look says of one charge.
func (s *sight) of(c *charge.Charge) charge.Look {
	l := s.asked[c.ID]
	l.At, l.Place = s.at, s.place
	taken := map[payment.TransactionID]bool{}
	for _, r := range l.References {
		for _, t := range s.byRef[r] {
			l.Found = append(l.Found, t)
			taken[t.ID] = true
		}
	}
	for _, id := range l.IDs {
		if t, ok := s.byID[id]; ok && !taken[id] {
			l.Found = append(l.Found, t)
		}
	}
	if id := s.controls[c.ID]; id != "" {
		_, l.Control = s.byID[id]
	}
	return l
}

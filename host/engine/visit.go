package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/step"
	"github.com/chargehand/chargehand/shared/payment"
)

// callLimit bounds one query or update, and the way to the plugin and back.
func (e *Engine) callLimit() time.Duration { return e.cfg.Clocks.CallSlack }

// visit asks the gateway about charges of one site, and acts on what it says:
// look, write down what is about to be sent, send it, read it back, write
// that down.
func (e *Engine) visit(key batchKey, batch []*charge.Charge) {
	access, gateway, err := e.access(key, batch)
	var found *sight
	if err == nil {
		found, err = e.look(gateway, access, key.place, batch)
	}
	switch {
	case err == nil:
		step.At(step.LookDone)
	case len(batch) > 1 && payment.KindOf(err) != payment.ErrorUnavailable && e.loops.Err() == nil:
		// One link's credentials, or one record that can't be read, must not fail
		// its neighbours.
		e.visit(key, batch[:len(batch)/2])
		e.visit(key, batch[len(batch)/2:])
		return
	default:
		e.failed(batch, err)
		return
	}
	acting := e.lookedAt(key.place, batch, found)
	if len(acting) == 0 {
		return
	}
	adjusted, err := e.adjust(gateway, access, acting)
	step.At(step.AdjustAnswered)
	if err != nil {
		e.cfg.Logger.Warn("an update got no answer; it is read back", "site", key.place.Site, "error", err)
	}
	e.readBack(gateway, access, acting, adjusted)
}

// access finds the newest credentials that lead to the site.
func (e *Engine) access(key batchKey, batch []*charge.Charge) (payment.Access, payment.Gateway, error) {
	gateway, err := e.cfg.Gateways.Gateway(key.plugin)
	if err != nil {
		return payment.Access{}, nil, err
	}
	values, err := e.cfg.Settings.ForSite(e.ctx, batch[0].LinkID, key.place.Endpoint, key.place.Site)
	return payment.Access{Company: key.fulfiller, Settings: values, Endpoint: key.place.Endpoint, Site: key.place.Site}, gateway, err
}

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

// acting is a charge with actions that are written down and not yet sent.
type acting struct {
	change charge.Change
	place  charge.Place
	ids    []payment.TransactionID
	action payment.Action
}

// lookedAt folds the look into every charge, writes down what is to be done,
// and gives those for which something is to be sent now.
func (e *Engine) lookedAt(place charge.Place, batch []*charge.Charge, found *sight) []acting {
	var changes []charge.Change
	var acts []acting
	for _, c := range batch {
		change := charge.Change{Before: c, After: c.Clone()}
		after := change.After
		l := found.of(c)
		after.FoldLook(l, e.cfg.Clocks)
		after.Checks++
		v := charge.Derive(after, e.facts(e.ctx, after))
		act, now := acting{place: place}, e.cfg.Now().UTC()
		switch {
		case v.Act == charge.ActCancel && e.loops.Err() == nil:
			act.ids, act.action = here(after, v.Cancel, place), payment.ActionCancel
		case v.Act == charge.ActRelease && saw(l, v.Chosen) && e.loops.Err() == nil && e.cfg.Gate.Stopped() == "":
			act.ids, act.action = here(after, []payment.TransactionID{v.Chosen}, place), payment.ActionRelease
		}
		for _, id := range act.ids {
			after.MarkAdjust(id, act.action, now)
		}
		change.Evidence = e.lookEvidence(c, after, l, act, now)
		e.derive(&change)
		if len(act.ids) > 0 {
			e.keep(after, now)
		} else if v := after.NextCheckAt; after.LeaseOwner == e.cfg.Owner && !v.IsZero() {
			// In hand, but this look was not enough: the next check takes it.
			after.LeaseOwner, after.LeaseUntil = "", time.Time{}
			after.NextCheckAt = now.Add(e.cfg.Clocks.Backoff(after.Checks))
		}
		act.change = change
		changes, acts = append(changes, change), append(acts, act)
	}
	var going []acting
	for i, err := range e.commitAll(e.ctx, changes) {
		switch {
		case err != nil:
			// Mostly somebody else has decided meanwhile; its next check goes on from
			// what stands there.
			e.unwritten(changes[i], err)
		case len(acts[i].ids) > 0:
			step.At(step.MarkCommitted)
			e.noted(changes[i])
			going = append(going, acts[i])
		default:
			step.At(step.LookCommitted)
			e.written(changes[i])
		}
	}
	return going
}

// here leaves the records that stand where the batch is worked on.
func here(c *charge.Charge, ids []payment.TransactionID, place charge.Place) []payment.TransactionID {
	var list []payment.TransactionID
	for _, id := range ids {
		if c.PlaceOf(id) == place {
			list = append(list, id)
		}
	}
	return list
}

// saw reports whether a look found that transaction itself: what a lagging
// copy does not show yet can't be the only live one.
func saw(l charge.Look, id payment.TransactionID) bool {
	if len(l.References) == 0 {
		return false // only a look at all references shows that there is no other
	}
	for _, t := range l.Found {
		if t.ID == id {
			return true
		}
	}
	return false
}

// lookEvidence keeps what a look has changed, and every look at doubt.
func (e *Engine) lookEvidence(before, after *charge.Charge, l charge.Look, act acting, now time.Time) []charge.Evidence {
	var list []charge.Evidence
	doubt := before.State == charge.StateUnknown || before.State == charge.StateCancelling
	if doubt || !sameRecords(before, after) {
		list = append(list, charge.Evidence{
			Class: charge.ClassLook, At: l.At, By: e.cfg.Owner, Text: after.Tell(l), Body: charge.Excerpt(l.Found),
		})
	}
	for _, id := range act.ids {
		list = append(list, charge.Evidence{
			Class: charge.ClassAdjust, At: now, By: e.cfg.Owner, Text: fmt.Sprintf("About to %s transaction %s.", act.action, id),
		})
	}
	return list
}

func sameRecords(a, b *charge.Charge) bool {
	if len(a.Records) != len(b.Records) {
		return false
	}
	for i := range a.Records {
		if a.Records[i].Status != b.Records[i].Status || a.Records[i].Outcome != b.Records[i].Outcome {
			return false
		}
	}
	return true
}

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

// unwritten tells of a change that could not be written for another reason
// than that the charge has changed.
func (e *Engine) unwritten(change charge.Change, err error) {
	if !errors.Is(err, charge.ErrStale) && e.ctx.Err() == nil {
		e.cfg.Logger.Error("a charge can't be written", "charge", change.After.ID, "error", err)
	}
	e.wake()
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

// failed notes that the gateway could not be asked. Refused credentials are a
// person's case at once, and pause the site.
func (e *Engine) failed(batch []*charge.Charge, err error) {
	now := e.cfg.Now().UTC()
	refused := false
	switch payment.KindOf(err) {
	case payment.ErrorUnauthorized, payment.ErrorForbidden, payment.ErrorNotFound:
		refused = true
	}
	var changes []charge.Change
	for _, c := range batch {
		change := charge.Change{Before: c, After: c.Clone()}
		after := change.After
		after.Checks++
		after.CheckedAt = now
		if refused && after.AccessFailedAt.IsZero() {
			after.AccessFailedAt = now
			change.Evidence = append(change.Evidence, charge.Evidence{
				Class: charge.ClassFailed, At: now, By: e.cfg.Owner, Text: "The gateway could not be asked: " + publicText(err),
			})
			if n := after.Newest(); n != nil && n.Site != "" {
				key := siteKey(after, n.Endpoint, n.Site)
				change.Pause = e.newPause(after, charge.ScopeSite, key, "", publicText(err))
			}
		}
		e.derive(&change)
		if after.LeaseOwner == e.cfg.Owner {
			after.LeaseOwner, after.LeaseUntil = "", time.Time{}
			after.NextCheckAt = now.Add(e.cfg.Clocks.Backoff(after.Checks))
		}
		changes = append(changes, change)
	}
	e.cfg.Logger.Warn("the gateway could not be asked", "charges", len(batch), "error", err)
	for i, err := range e.commitAll(e.ctx, changes) {
		if err == nil {
			step.At(step.LookFailureCommitted)
			e.written(changes[i])
		}
	}
}

// noted is written without going on: the caller does.
func (e *Engine) noted(change charge.Change) {
	if change.Site != nil {
		e.board.site(*change.Site)
	}
	e.waits.tell(change.After)
}

package charge

import (
	"fmt"
	"slices"
	"time"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
)

// FoldAnswer takes in what a call to charge came to. An answer that comes
// late, after others have given the call up, is taken in all the same; one to a
// call that the books don't know is refused with ErrWentBack.
func (c *Charge) FoldAnswer(a Answer) error {
	at := c.Attempt(a.Number)
	if at == nil || at.Stage == StagePlanned || at.Stage == StageWithdrawn {
		return fmt.Errorf("an answer for attempt %d, which was not started: %w", a.Number, ErrWentBack)
	}
	res := a.Result
	outcome := res.Outcome
	if !outcome.Known() {
		outcome = payment.OutcomeUnknown
	}
	authorised := outcome == payment.OutcomeApproved || outcome == payment.OutcomeHeld || outcome == payment.OutcomePending
	if t := res.Transaction; t != nil && t.ID != "" {
		if err := at.contradicts(*t, c.Amount); err != nil && outcome != payment.OutcomeNotSent {
			outcome, res.Reason = payment.OutcomeUnknown, "The answer does not fit what was sent: "+err.Error()+"."
		} else if authorised {
			c.foldRecord(*t, at, a.At)
		}
	} else if authorised {
		outcome, res.Reason = payment.OutcomeUnknown, "The answer says authorised but names no transaction."
	}
	if at.Stage == StageAnswered && at.Outcome.Known() {
		return nil // what is known already stays
	}
	if at.Stage == StageAnswered && outcome == payment.OutcomeUnknown {
		return nil // nothing new
	}
	at.Stage, at.Outcome, at.AnsweredAt = StageAnswered, outcome, a.At
	at.Decline, at.Fault, at.Code, at.Reason = res.Decline, res.Fault, res.Code, res.Reason
	c.Text = res.Reason
	c.CheckedAt = a.At
	if at == c.Newest() {
		c.LeaseOwner, c.LeaseUntil = "", time.Time{}
	}
	return nil
}

// contradicts compares what the gateway says with what was sent, field by
// field, where the gateway says anything.
func (a *Attempt) contradicts(t payment.Transaction, amount payment.Amount) error {
	switch {
	case t.Reference != "" && t.Reference != a.Reference:
		return fmt.Errorf("it carries the reference %s, not %s", t.Reference, a.Reference)
	case t.Amount.Minor != 0 && t.Amount.Minor != amount.Minor, t.Amount.Currency != "" && t.Amount.Currency != amount.Currency:
		return fmt.Errorf("its amount is %s, not %s", currency.Format(t.Amount), currency.Format(amount))
	case t.Parent != "" && t.Parent != a.Stored:
		return fmt.Errorf("it was made from %s, not %s", t.Parent, a.Stored)
	case t.Mode != "" && t.Mode != a.Mode:
		return fmt.Errorf("it ran in %s mode, not %s", t.Mode, a.Mode)
	case t.User != "" && a.User != "" && t.User != a.User:
		return fmt.Errorf("another user made it")
	case t.Site != "" && t.Site != a.Site:
		return fmt.Errorf("it stands on the site %s, not %s", t.Site, a.Site)
	}
	return nil
}

// FoldExpired turns a started attempt whose lease has ended into doubt: who
// finds it knows nothing of what became of it.
func (c *Charge) FoldExpired(number int, at time.Time) {
	a := c.Attempt(number)
	if a == nil || a.Stage != StageStarted {
		return
	}
	a.Stage, a.Outcome, a.AnsweredAt = StageAnswered, payment.OutcomeUnknown, at
	a.Reason = "Whoever made the call did not come back with an answer."
	c.Text = a.Reason
	c.LeaseOwner, c.LeaseUntil = "", time.Time{}
	c.CheckedAt = at
}

// FoldLook takes in what a query found, and what it did not find.
func (c *Charge) FoldLook(l Look, clocks Clocks) {
	c.CheckedAt, c.AccessFailedAt = l.At, time.Time{}
	seen := map[payment.Reference]bool{}
	for _, t := range l.Found {
		if t.Kind != payment.KindAuthorisation || t.ID == "" {
			continue
		}
		if r := c.Record(t.ID); r != nil && r.Reference != "" {
			t.Reference = r.Reference // known by its id, whatever became of its reference there
		}
		a := c.ByReference(t.Reference)
		seen[t.Reference] = true
		r := c.foldRecord(t, a, l.At)
		if a != nil {
			a.foldRecord(r)
		}
	}
	for i := range c.Attempts {
		a := &c.Attempts[i]
		// What another site or endpoint does not show says nothing.
		asked := slices.Contains(l.References, a.Reference) && a.Place() == l.Place
		if asked && a.InDoubt() && !seen[a.Reference] {
			a.foldEmptyLook(l, clocks)
		}
		if asked && a.Watched() && !l.At.Before(a.SendBefore.Add(clocks.WatchAfter)) {
			a.WatchedAt = l.At
		}
	}
}

// foldRecord learns an attempt's outcome from what the gateway holds.
func (a *Attempt) foldRecord(r *Record) {
	a.ControlFailedAt = time.Time{}
	if a.Stage != StageAnswered || a.Outcome.Known() && a.Outcome != payment.OutcomeNotSent {
		return
	}
	if !r.Outcome.Known() || !r.Matches {
		// Still not known; but it is there, so it is not absent either.
		a.Looks, a.FirstLook, a.LastLook, a.AbsentAt = 0, time.Time{}, time.Time{}, time.Time{}
		a.Outcome, a.Code, a.Reason = payment.OutcomeUnknown, r.Code, r.Message
		return
	}
	a.Outcome, a.Decline, a.Fault, a.Code, a.Reason = r.Outcome, r.Decline, r.Fault, r.Code, r.Message
	a.AbsentAt = time.Time{}
}

func (a *Attempt) foldEmptyLook(l Look, clocks Clocks) {
	if !l.Control {
		if a.ControlFailedAt.IsZero() {
			a.ControlFailedAt = l.At
		}
		return
	}
	a.ControlFailedAt = time.Time{}
	if l.At.Before(a.countsFrom(clocks)) {
		return
	}
	if a.Looks == 0 {
		a.FirstLook = l.At
	}
	a.Looks++
	a.LastLook = l.At
	if a.Looks >= clocks.MinLooks && a.LastLook.Sub(a.FirstLook) >= clocks.absence(a.Settle) {
		a.AbsentAt = l.At
	}
}

// foldRecord takes in one transaction of the gateway's. The attempt is nil
// for one under a reference that these books have not come to yet.
func (c *Charge) foldRecord(t payment.Transaction, a *Attempt, at time.Time) *Record {
	r := c.Record(t.ID)
	switch {
	case r == nil:
		c.Records = append(c.Records, Record{ChargeID: c.ID, Transaction: t, SeenAt: at, Asked: payment.SettleRecorded})
		r = &c.Records[len(c.Records)-1]
		if a != nil {
			r.Asked = a.Settle
		} else if n := c.Newest(); n != nil {
			r.Asked = n.Settle
		}
		slices.SortFunc(c.Records, func(x, y Record) int { return compareID(x.ID, y.ID) })
		r = c.Record(t.ID)
	case r.goesBack(t), r.Outcome.Known() && !t.Outcome.Known():
		return r // a copy that lags behind, or a sight that can't be read
	default:
		r.Transaction = t.FilledFrom(r.Transaction)
	}
	if r.Site == "" && a != nil {
		r.Site = a.Site // an answer may leave out what it was asked for
	}
	r.Matches = c.matches(r, a)
	if r.Status.Released() && r.ConfirmedAt.IsZero() {
		r.ConfirmedAt = at
	}
	r.readBack()
	return r
}

func compareID(a, b payment.TransactionID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// matches compares with the attempt it belongs to; without one, with what the
// charge would have sent.
func (c *Charge) matches(r *Record, a *Attempt) bool {
	if a == nil {
		n := c.Newest()
		if n == nil {
			return false
		}
		probe := *n
		probe.Reference, probe.Stored = r.Reference, r.Parent
		a = &probe
	}
	return a.contradicts(r.Transaction, c.Amount) == nil
}

// goesBack reports a state that the gateway can't have come back to: what was
// read before was read from a copy that is further on.
func (r *Record) goesBack(t payment.Transaction) bool {
	if !r.Outcome.Known() {
		return false // a status beside an outcome in doubt says nothing
	}
	switch r.Status {
	case payment.StatusCancelled:
		return t.Status != payment.StatusCancelled && t.Status != payment.StatusSettled
	case payment.StatusSettled:
		return t.Status != payment.StatusSettled && t.Status != payment.StatusCancelled
	case payment.StatusSettling:
		return t.Status == payment.StatusSuspended
	}
	return false
}

// readBack closes an open action once what the gateway holds answers it.
func (r *Record) readBack() {
	done := false
	switch r.Adjust {
	case payment.ActionRelease:
		done = r.Status != payment.StatusSuspended
	case payment.ActionCancel:
		done = r.Status == payment.StatusCancelled || r.Status == payment.StatusSettling || r.Status == payment.StatusSettled
	}
	if done {
		r.Adjust, r.AdjustAt, r.AdjustTry, r.Accepted = payment.ActionUnspecified, time.Time{}, 0, false
	}
}

// MarkAdjust notes that an action is about to be sent. It has to be written
// down before it is.
func (c *Charge) MarkAdjust(id payment.TransactionID, action payment.Action, at time.Time) {
	r := c.Record(id)
	if r == nil {
		return
	}
	if r.Adjust != action {
		r.Adjust, r.AdjustTry, r.Accepted = action, 0, false
	}
	r.AdjustAt = at
	r.AdjustTry++
	switch {
	case action == payment.ActionRelease && r.ReleasedAt.IsZero():
		r.ReleasedAt = at
	case action == payment.ActionCancel && r.CancelAt.IsZero():
		r.CancelAt = at
	}
}

// FoldAdjusted takes in the gateway's word on an action. It decides nothing,
// but what was answered well is not sent again. An action on a transaction that
// the books don't know is refused with ErrWentBack.
func (c *Charge) FoldAdjusted(id payment.TransactionID, action payment.Action, accepted bool) error {
	r := c.Record(id)
	switch {
	case r == nil:
		return fmt.Errorf("an answer about the %s of transaction %s, which is not known: %w", action, id, ErrWentBack)
	case r.Adjust == action:
		r.Accepted = r.Accepted || accepted
	}
	return nil
}

// Plan adds the next attempt. What it is sent with is filled in when it starts.
func (c *Charge) Plan(at time.Time) *Attempt {
	n := len(c.Attempts) + 1
	c.Attempts = append(c.Attempts, Attempt{
		ChargeID: c.ID, Number: n, Reference: ReferenceOf(c.Stem, n), Stage: StagePlanned, PlannedAt: at,
	})
	return c.Newest()
}

// Cancel takes in that the order was cancelled.
func (c *Charge) Cancel(at time.Time) {
	if c.CancelledAt.IsZero() {
		c.CancelledAt = at
	}
}

func (c *Charge) withdraw() {
	if n := c.Newest(); n != nil && n.Stage == StagePlanned {
		n.Stage = StageWithdrawn
	}
}

// Apply derives the charge's state anew and notes it. It counts the steps
// that changed nothing, which is what makes the next one wait longer.
func (c *Charge) Apply(f Facts) Verdict {
	v := Derive(c, f)
	if v.Chosen != "" || v.State == StateRejected || !c.CancelledAt.IsZero() {
		// An attempt that was planned meanwhile is not wanted any more.
		c.withdraw()
	}
	// Before it is derived again: what was withdrawn is the end of it, and not a
	// payment that the gateway has lost.
	c.NoTold = c.NoTold || v.Produce == ProduceNo
	if v.State != c.State || v.Chosen != c.Chosen {
		c.Checks = 0
		v = deriveAgain(c, f, v)
	}
	if text := stateTexts[v.State]; text != "" && v.State != c.State {
		c.Text = text
	}
	c.State, c.Produce, c.Reason = v.State, v.Produce, v.Reason
	if v.Case == CaseNone {
		c.SinceCase = time.Time{}
	} else if c.Case != v.Case {
		c.SinceCase = f.Now
	}
	switch {
	case !f.SetupFault || v.State != StateWaiting:
		c.MendSince = time.Time{}
	case c.MendSince.IsZero():
		c.MendSince = f.Now
	}
	c.Case = v.Case
	c.Chosen = v.Chosen
	c.YesTold = c.YesTold || v.Produce == ProduceYes
	c.NextCheckAt = due(v.At)
	c.UpdatedAt = f.Now
	c.Version++
	return v
}

// due is a moment as a database keeps it, in microseconds, and never earlier:
// what came up before its time would come up again and again until then.
func due(t time.Time) time.Time {
	if cut := t.Truncate(time.Microsecond); cut.Before(t) {
		return cut.Add(time.Microsecond)
	}
	return t
}

// deriveAgain repeats the derivation where the count of fruitless checks has
// begun anew, since that count decides when the next one is due.
func deriveAgain(c *Charge, f Facts, v Verdict) Verdict {
	chosen := c.Chosen
	c.Chosen = v.Chosen
	v = Derive(c, f)
	c.Chosen = chosen
	return v
}

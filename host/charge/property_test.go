package charge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// world is a charge, and a gateway that answers, loses answers, lags, and is
// meddled with by people. Everything the engine does is done here step by
// step, with any step failing.
type world struct {
	t      *rapid.T
	now    time.Time
	c      *charge.Charge
	mode   payment.SettleMode
	maxLag time.Duration
	at     []*held // what the gateway holds
	clocks charge.Clocks
	noTold bool
	state  charge.State
	// late are answers that a stopped host still holds in its hands.
	late []charge.Answer
	// restoredAt is when the books were last put back to what they once were.
	restoredAt time.Time
}

// held is one transaction of the gateway's.
type held struct {
	payment.Transaction
	visible  time.Time // queries show it from then on
	stale    payment.Status
	fresh    time.Time // queries show the true status from then on
	debited  bool      // it was due at some time
	meddled  bool      // a person changed it at the gateway
	resolves payment.Outcome
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, now: t0, c: newCharge(), clocks: charge.DefaultClocks()}
	w.mode = rapid.SampledFrom([]payment.SettleMode{payment.SettleRecorded, payment.SettleAtOnce}).Draw(t, "mode")
	// With recorded, any lag may be; with at_once a lag beyond the clock of
	// absence is what the mode does not protect from.
	w.maxLag = 10 * 24 * time.Hour
	if w.mode == payment.SettleAtOnce {
		w.maxLag = w.clocks.AbsenceAtOnce / 2
	}
	w.apply()
	return w
}

func (w *world) facts() charge.Facts {
	return charge.Facts{
		Now: w.now, Clocks: w.clocks, SiteProven: w.flip("proven"), RetryAbsent: true,
		Paused: w.oneIn(10, "paused"), RestoredAt: w.restoredAt,
	}
}

func (w *world) flip(what string) bool { return rapid.Bool().Draw(w.t, what) }

// oneIn is true once in n times. The generator's own numbers lean to the ends
// of their range, which would cancel nearly every order at once.
func (w *world) oneIn(n uint64, what string) bool {
	return rapid.Uint64().Draw(w.t, what)*0x9E3779B97F4A7C15>>32%n == 1
}

func (w *world) apply() charge.Verdict {
	v := w.c.Apply(w.facts())
	if w.noTold && v.Produce != charge.ProduceNo {
		w.t.Fatalf("no was told, and now %s (%s)", v.Produce, v.State)
	}
	w.noTold = w.c.NoTold
	if w.state != v.State && !may(w.state, v.State) {
		w.t.Fatalf("%s became %s", w.state, v.State)
	}
	w.state = v.State
	if v.Act == charge.ActNone && v.Case == charge.CaseNone && !v.State.Final() {
		w.t.Fatalf("stuck in %s", v.State)
	}
	if (v.Act == charge.ActNone) != v.At.IsZero() {
		w.t.Fatalf("act %q at %s", v.Act, v.At)
	}
	return v
}

// step does what is due next.
func (w *world) step() {
	w.arrive()
	v := charge.Derive(w.c, w.facts())
	switch {
	case v.At.After(w.now):
		w.now = v.At
	case w.oneIn(12, "another host's clock is behind"):
		w.now = w.now.Add(-5 * time.Second)
	}
	if w.oneIn(40, "nobody looks for a while") {
		w.now = w.now.Add(rapid.SampledFrom([]time.Duration{time.Hour, day, 9 * day}).Draw(w.t, "while"))
	}
	w.settle()
	switch v.Act {
	case charge.ActStart:
		w.charge()
	case charge.ActExpire:
		w.c.FoldExpired(w.c.Newest().Number, w.now)
	case charge.ActPlan:
		w.c.Plan(w.now)
	case charge.ActWait:
		w.c.CheckedAt = w.now
		w.c.Checks++
	case charge.ActLook, charge.ActFollow, charge.ActRelease, charge.ActCancel:
		w.visit()
	}
	w.apply()
	w.check()
}

// charge starts the planned attempt, with every end there is.
func (w *world) charge() {
	start(w.c, w.mode, w.now)
	w.apply()
	a := *w.c.Newest()
	end := rapid.SampledFrom([]string{"ok", "lost after", "lost before", "not sent", "declined", "bank error", "crash after", "crash before", "late", "stopped"}).Draw(w.t, "end")
	var tx *held
	switch end {
	case "ok", "lost after", "crash after", "late", "stopped":
		tx = w.authorise(a)
	case "bank error":
		tx = w.authorise(a)
		tx.resolves = rapid.SampledFrom([]payment.Outcome{payment.OutcomeApproved, payment.OutcomeDeclined, payment.OutcomeUnknown}).Draw(w.t, "resolves")
		tx.Outcome = payment.OutcomeUnknown
	}
	res := payment.ChargeResult{Outcome: payment.OutcomeUnknown}
	switch end {
	case "ok", "late", "stopped":
		seen := tx.Transaction
		res = payment.ChargeResult{Outcome: seen.Outcome, Transaction: &seen}
	case "not sent":
		res.Outcome = payment.OutcomeNotSent
	case "declined":
		res.Outcome = payment.OutcomeDeclined
	case "crash after", "crash before":
		w.now = w.c.LeaseUntil
		w.c.FoldExpired(a.Number, w.now)
		return
	}
	w.now = w.now.Add(time.Second)
	if end == "late" {
		w.now = w.c.LeaseUntil
		w.c.FoldExpired(a.Number, w.now)
		w.apply()
	}
	if end == "stopped" {
		w.late = append(w.late, charge.Answer{Number: a.Number, Result: res})
		w.now = w.c.LeaseUntil
		w.c.FoldExpired(a.Number, w.now)
		return
	}
	w.fold(charge.Answer{Number: a.Number, At: w.now, Result: res})
}

func (w *world) fold(a charge.Answer) {
	if err := w.c.FoldAnswer(a); err != nil {
		w.t.Fatal(err)
	}
}

// arrive lets a stopped host wake up and write down what it has held in its
// hands: evidence is taken in whenever it comes.
func (w *world) arrive() {
	if len(w.late) == 0 || !w.oneIn(5, "a stopped host wakes up") {
		return
	}
	a := w.late[0]
	w.late = w.late[1:]
	a.At = w.now
	w.fold(a)
	w.apply()
}

// stale is a host that decided from what it read before others went on: the
// version has moved, so what it wants to do is not written down and not done.
func (w *world) stale() {
	if !w.oneIn(9, "a host is overtaken") {
		return
	}
	before := w.c.Clone()
	w.step()
	if before.Version == w.c.Version {
		w.t.Fatalf("a step in %s left the version as it was: the overtaken host would act", before.State)
	}
}

func (w *world) authorise(a charge.Attempt) *held {
	tx := &held{Transaction: payment.Transaction{
		ID: payment.TransactionID(fmt.Sprintf("55-9-%d", len(w.at)+10)), Parent: a.Stored, Reference: a.Reference, Kind: payment.KindAuthorisation,
		Amount: w.c.Amount, Status: payment.StatusSuspended, Outcome: payment.OutcomeApproved, Mode: a.Mode, Site: a.Site, User: a.User,
	}}
	if a.Settle == payment.SettleAtOnce {
		tx.Status, tx.debited = payment.StatusDue, true
	}
	// Around the time that absence takes is where it matters most.
	lag := rapid.SampledFrom([]time.Duration{0, 0, time.Minute, 11 * time.Minute, 12 * time.Minute, 13 * time.Minute, time.Hour, 9 * 24 * time.Hour}).Draw(w.t, "lag")
	tx.visible = w.now.Add(min(lag, w.maxLag))
	w.at = append(w.at, tx)
	return tx
}

// query is what the gateway shows now.
func (w *world) query() (l charge.Look, ok bool) {
	w.now = w.now.Add(time.Second)
	if w.oneIn(5, "query fails") {
		w.c.CheckedAt = w.now
		w.c.Checks++
		return l, false
	}
	l = charge.Look{At: w.now, Place: charge.Place{Site: "test_site"}, References: w.c.References(), Control: w.flip("control") || w.mode == payment.SettleAtOnce}
	for _, tx := range w.at {
		if w.now.Before(tx.visible) {
			continue
		}
		seen := tx.Transaction
		if w.now.Before(tx.fresh) {
			seen.Status = tx.stale
		}
		l.Found = append(l.Found, seen)
	}
	return l, true
}

// visit does what the engine does with a site's batch.
func (w *world) visit() {
	l, ok := w.query()
	if !ok {
		return
	}
	w.c.FoldLook(l, w.clocks)
	w.c.Checks++
	v := charge.Derive(w.c, w.facts())
	var ids []payment.TransactionID
	action := payment.ActionRelease
	switch {
	case v.Act == charge.ActCancel:
		ids, action = v.Cancel, payment.ActionCancel
	case v.Act == charge.ActRelease && sees(l, v.Chosen):
		ids = []payment.TransactionID{v.Chosen}
	}
	if len(ids) == 0 {
		return
	}
	for i := range w.c.Records {
		if r := &w.c.Records[i]; action == payment.ActionRelease && r.ID != v.Chosen && r.Live() {
			w.t.Fatalf("%s is released while %s is live", v.Chosen, r.ID)
		}
	}
	for _, id := range ids {
		w.c.MarkAdjust(id, action, w.now)
	}
	w.apply()
	if w.oneIn(6, "crash before the update") {
		return
	}
	for _, id := range ids {
		accepted := w.update(id, action)
		if w.flip("update answered") {
			if err := w.c.FoldAdjusted(id, action, accepted); err != nil {
				w.t.Fatalf("%v", err)
			}
		}
	}
	if l, ok := w.query(); ok {
		l.IDs, l.References = ids, nil
		w.c.FoldLook(l, w.clocks)
		w.c.Checks++
	}
}

func sees(l charge.Look, id payment.TransactionID) bool {
	for _, t := range l.Found {
		if t.ID == id {
			return true
		}
	}
	return false
}

func (w *world) update(id payment.TransactionID, action payment.Action) bool {
	if w.oneIn(5, "update lost") {
		return false
	}
	for _, tx := range w.at {
		if tx.ID != id || tx.Status != payment.StatusSuspended && tx.Status != payment.StatusDue {
			continue
		}
		tx.stale = tx.Status
		tx.fresh = w.now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Minute)).Draw(w.t, "stale for")))
		if action == payment.ActionCancel {
			tx.Status = payment.StatusCancelled
			return true
		}
		tx.Status, tx.debited = payment.StatusDue, true
		if w.c.Record(id) == nil {
			w.t.Fatalf("released %s, which is not in the books", id)
		}
		return true
	}
	return false
}

// settle lets the gateway's time do its work, and people meddle.
func (w *world) settle() {
	for _, tx := range w.at {
		if tx.Outcome == payment.OutcomeUnknown && tx.resolves != "" && w.flip("bank decides") {
			tx.Outcome, tx.resolves = tx.resolves, ""
			if tx.Outcome == payment.OutcomeDeclined {
				tx.Status = payment.StatusCancelled
			}
		}
		if tx.Outcome != payment.OutcomeApproved {
			continue
		}
		switch tx.Status {
		case payment.StatusDue:
			if w.oneIn(4, "batch") {
				tx.Status = payment.StatusSettling
			}
		case payment.StatusSettling:
			if w.flip("settles") {
				tx.Status = payment.StatusSettled
			}
		case payment.StatusSuspended:
			if w.now.Sub(t0) > 7*24*time.Hour && w.flip("lapses") {
				tx.Status = payment.StatusCancelled
			}
		}
	}
}

// meddle is what a person does in the gateway's portal, or the platform here.
func (w *world) meddle() {
	if w.oneIn(21, "order cancelled") {
		w.c.Cancel(w.now)
		w.apply()
	}
	switch w.c.Case {
	case charge.CaseAbsent, charge.CaseOrderRefused, charge.CaseGatewayCancel, charge.CaseSetup:
		if w.oneIn(6, "a person allows one more") {
			w.c.Plan(w.now)
			w.apply()
		}
	}
	for _, tx := range w.at {
		if !w.oneIn(31, "person") {
			continue
		}
		if tx.Status == payment.StatusDue || tx.Status == payment.StatusSuspended {
			tx.Status = rapid.SampledFrom([]payment.Status{payment.StatusSuspended, payment.StatusCancelled}).Draw(w.t, "does")
			tx.meddled = true
		}
	}
}

// check holds the rules of the money against what the gateway holds.
func (w *world) check() {
	debited := 0
	for _, tx := range w.at {
		if tx.debited && tx.Status != payment.StatusCancelled && tx.Outcome == payment.OutcomeApproved {
			debited++
		}
	}
	if debited > 1 {
		w.t.Fatalf("%d authorisations of one charge will be debited (%s)", debited, w.mode)
	}
}

const day = 24 * time.Hour

// moves lists what a charge may become, besides what it is. Forwards is
// planned, charging, authorised, releasing, released, settled. Backwards it
// goes only where the gateway, its people or a lost answer take it there.
var moves = map[charge.State][]charge.State{
	"":                     {charge.StatePlanned, charge.StateWaiting},
	charge.StatePlanned:    {charge.StateCharging, charge.StateReleasing, charge.StateCancelling, charge.StateWaiting, charge.StateCancelled, charge.StateRejected, charge.StateUnknown, charge.StateAuthorised, charge.StateReleased, charge.StateHeld, charge.StateSettled},
	charge.StateWaiting:    {charge.StatePlanned, charge.StateCharging, charge.StateReleasing, charge.StateDeclined, charge.StateCancelled, charge.StateRejected, charge.StateUnknown, charge.StateAuthorised, charge.StateReleased, charge.StateHeld, charge.StateSettled, charge.StateCancelling},
	charge.StateCharging:   {charge.StateUnknown, charge.StateAuthorised, charge.StateReleased, charge.StateHeld, charge.StatePending, charge.StateDeclined, charge.StateRejected, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateSettled},
	charge.StateUnknown:    {charge.StatePlanned, charge.StateAuthorised, charge.StateReleasing, charge.StateReleased, charge.StateSettled, charge.StateHeld, charge.StatePending, charge.StateDeclined, charge.StateRejected, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled},
	charge.StatePending:    {charge.StateSettled, charge.StateDeclined, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled},
	charge.StateAuthorised: {charge.StateReleasing, charge.StateReleased, charge.StateSettled, charge.StateHeld, charge.StateUnknown, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateDeclined, charge.StateRejected},
	charge.StateReleasing:  {charge.StateAuthorised, charge.StateReleased, charge.StateSettled, charge.StateHeld, charge.StateUnknown, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateDeclined, charge.StateRejected},
	charge.StateReleased:   {charge.StateSettled, charge.StateHeld, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateUnknown},
	charge.StateHeld:       {charge.StateReleased, charge.StateSettled, charge.StateWaiting, charge.StateCancelling, charge.StateCancelled, charge.StateUnknown},
	charge.StateCancelling: {charge.StateCancelled, charge.StateReleased, charge.StateSettled, charge.StateDeclined, charge.StateRejected},
	charge.StateDeclined:   {charge.StateCancelled, charge.StateCancelling, charge.StateReleased, charge.StateSettled},
	charge.StateRejected:   {charge.StateCancelled, charge.StateCancelling, charge.StateReleased, charge.StateSettled},
	charge.StateCancelled:  {charge.StateCancelling, charge.StateReleased, charge.StateSettled},
	charge.StateSettled:    {},
}

func may(from, to charge.State) bool { return slices.Contains(moves[from], to) }

func TestNeverTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range 60 {
			w.meddle()
			w.stale()
			w.step()
		}
	})
}

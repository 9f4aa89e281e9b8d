package charge_test

import (
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
	// underway are updates that have not reached the gateway yet.
	underway []underway
	// yes was told, and no person has allowed another attempt since.
	yes bool
	// The link's settings leave an attempt after an absence to a person.
	noRetry bool
	// A fault of the set-up lasts until faultUntil; faultSince is when the first
	// of those began that followed one another.
	faultSince, faultUntil time.Time
	history                history
	// restoredAt is when the books were last put back to what they once were.
	restoredAt time.Time
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, now: t0, c: newCharge(), clocks: charge.DefaultClocks(), history: newHistory()}
	w.mode = rapid.SampledFrom([]payment.SettleMode{payment.SettleRecorded, payment.SettleAtOnce}).Draw(t, "mode")
	// With recorded, any lag may be; with at_once a lag beyond the clock of
	// absence is what the mode does not protect from.
	w.noRetry = w.oneIn(4, "no retry by itself")
	w.maxLag = 10 * 24 * time.Hour
	if w.mode == payment.SettleAtOnce {
		w.maxLag = w.clocks.AbsenceAtOnce / 2
	}
	w.apply()
	return w
}

func (w *world) facts() charge.Facts {
	fault := w.now.Before(w.faultUntil)
	if fault && w.now.Sub(w.faultSince) > w.clocks.SetupPatience {
		w.history.refused = true
	}
	return charge.Facts{
		Now: w.now, Clocks: w.clocks, SiteProven: w.flip("proven"), RetryAbsent: !w.noRetry,
		Paused: fault || w.oneIn(10, "paused"), SetupFault: fault, RestoredAt: w.restoredAt,
	}
}

func (w *world) flip(what string) bool { return rapid.Bool().Draw(w.t, what) }

// oneIn is true once in n times. The generator's own numbers lean to the ends
// of their range, which would cancel nearly every order at once.
func (w *world) oneIn(n uint64, what string) bool {
	return rapid.Uint64().Draw(w.t, what)*0x9E3779B97F4A7C15>>32%n == 1
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
	case w.oneIn(40, "the clock is put back"):
		w.now = w.now.Add(-rapid.SampledFrom([]time.Duration{time.Minute, 11 * time.Minute, time.Hour}).Draw(w.t, "by"))
	}
	if w.oneIn(40, "nobody looks for a while") {
		w.now = w.now.Add(rapid.SampledFrom([]time.Duration{time.Hour, day, 9 * day}).Draw(w.t, "while"))
	}
	w.settle()
	switch v.Act {
	case charge.ActStart:
		w.charge()
	case charge.ActExpire:
		w.expired(w.c.Newest().Number)
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
	w.history.since[w.c.Newest().Reference] = len(w.history.looks)
	w.apply()
	a := *w.c.Newest()
	end := rapid.SampledFrom([]string{"ok", "lost after", "lost before", "not sent", "declined", "rejected", "held", "bank error", "crash after", "crash before", "late", "stopped"}).Draw(w.t, "end")
	var tx *held
	switch end {
	case "ok", "lost after", "crash after", "late", "stopped":
		tx = w.authorise(a)
		if a.Settle == payment.SettleRecorded && w.oneIn(8, "the packet is doubled") {
			w.authorise(a)
		}
	case "held":
		tx = w.authorise(a)
		if w.mode == payment.SettleAtOnce { // else it is what was asked for
			tx.Outcome, tx.Status, tx.debited = payment.OutcomeHeld, payment.StatusSuspended, false
		}
	case "bank error":
		tx = w.authorise(a)
		tx.resolves = rapid.SampledFrom([]payment.Outcome{payment.OutcomeApproved, payment.OutcomeDeclined, payment.OutcomeUnknown}).Draw(w.t, "resolves")
		tx.Outcome = payment.OutcomeUnknown
	}
	res := payment.ChargeResult{Outcome: payment.OutcomeUnknown}
	switch end {
	case "ok", "held", "late", "stopped":
		seen := tx.Transaction
		res = payment.ChargeResult{Outcome: seen.Outcome, Transaction: &seen}
	case "not sent":
		res.Outcome = payment.OutcomeNotSent
	case "declined":
		res.Outcome = payment.OutcomeDeclined
	case "rejected":
		res.Outcome = payment.OutcomeRejected
		res.Fault = rapid.SampledFrom([]payment.Fault{payment.FaultNone, payment.FaultOrder, payment.FaultStoredReference}).Draw(w.t, "fault")
	case "crash after", "crash before":
		w.now = w.c.LeaseUntil
		w.expired(a.Number)
		return
	}
	w.now = w.now.Add(time.Second)
	if end == "late" {
		w.now = w.c.LeaseUntil
		w.expired(a.Number)
		w.apply()
	}
	if end == "stopped" {
		w.late = append(w.late, charge.Answer{Number: a.Number, Result: res})
		w.now = w.c.LeaseUntil
		w.expired(a.Number)
		return
	}
	w.fold(charge.Answer{Number: a.Number, At: w.now, Result: res})
}

func (w *world) fold(a charge.Answer) {
	w.history.answer(w.c.Attempt(a.Number).Reference, a.Result.Outcome, a.Result.Transaction)
	if err := w.c.FoldAnswer(a); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) expired(number int) {
	w.history.answer(w.c.Attempt(number).Reference, payment.OutcomeUnknown, nil)
	w.c.FoldExpired(number, w.now)
}

func (w *world) look(l charge.Look) {
	w.history.look(l)
	w.c.FoldLook(l, w.clocks)
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

// visit does what the engine does with a site's batch.
func (w *world) visit() {
	l, ok := w.query()
	if !ok {
		return
	}
	w.look(l)
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
	for i := range w.c.Records { // those that don't match as well
		if r := &w.c.Records[i]; action == payment.ActionRelease && r.ID != v.Chosen && r.Live() {
			w.t.Fatalf("%s is released while %s is live", v.Chosen, r.ID)
		}
	}
	for _, id := range ids {
		w.uncontradicted(id, action)
		w.c.MarkAdjust(id, action, w.now)
		w.history.releases[id] = w.history.releases[id] || action == payment.ActionRelease
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
		w.look(l)
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

package charge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

var t0 = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)

func newCharge() *charge.Charge {
	c := &charge.Charge{
		ID: "c", Stem: "stem", Amount: payment.Amount{Minor: 1250, Currency: "GBP"}, CreatedAt: t0, CheckedAt: t0, Version: 1,
	}
	c.Plan(t0)
	return c
}

func start(c *charge.Charge, mode payment.SettleMode, at time.Time) {
	a := c.Newest()
	a.Stage, a.Settle, a.Mode, a.Site, a.User, a.Stored = charge.StageStarted, mode, payment.ModeTest, "test_site", "ws", "55-9-1"
	a.StartedAt, a.SendBefore = at, at.Add(15*time.Second)
	c.LeaseOwner, c.LeaseUntil = "host", at.Add(2*time.Minute)
}

func transaction(c *charge.Charge, number int, id payment.TransactionID, s payment.Status) payment.Transaction {
	return payment.Transaction{
		ID: id, Parent: "55-9-1", Reference: charge.ReferenceOf(c.Stem, number), Kind: payment.KindAuthorisation, Amount: c.Amount,
		Status: s, Outcome: payment.OutcomeApproved, Mode: payment.ModeTest, Site: "test_site", User: "ws",
	}
}

func answer(number int, o payment.Outcome, t *payment.Transaction) charge.Answer {
	return charge.Answer{Number: number, At: t0.Add(time.Second), Result: payment.ChargeResult{Outcome: o, Transaction: t, Reason: "because"}}
}

func facts(at time.Time) charge.Facts {
	return charge.Facts{Now: at, Clocks: charge.DefaultClocks(), SiteProven: true, RetryAbsent: true}
}

// look is a query by all references at that time, with the control found.
func look(c *charge.Charge, at time.Time, found ...payment.Transaction) charge.Look {
	return charge.Look{At: at, Place: charge.Place{Site: "test_site"}, Found: found, References: c.References(), Control: true}
}

func TestDerive(t *testing.T) {
	t.Parallel()
	answered := func(o payment.Outcome, mode payment.SettleMode, s payment.Status) func(*charge.Charge) {
		return func(c *charge.Charge) {
			start(c, mode, t0)
			var tx *payment.Transaction
			if s != "" {
				t := transaction(c, 1, "55-9-2", s)
				t.Outcome = o
				tx = &t
			}
			if err := c.FoldAnswer(answer(1, o, tx)); err != nil {
				panic(err)
			}
		}
	}
	rejected := func(f payment.Fault) func(*charge.Charge) {
		return func(c *charge.Charge) {
			answered(payment.OutcomeRejected, payment.SettleRecorded, "")(c)
			c.Newest().Fault = f
		}
	}
	then := func(first func(*charge.Charge), second ...func(*charge.Charge)) func(*charge.Charge) {
		return func(c *charge.Charge) {
			first(c)
			for _, f := range second {
				f(c)
			}
		}
	}
	status := func(s payment.Status) func(*charge.Charge) {
		return func(c *charge.Charge) {
			c.FoldLook(look(c, t0.Add(time.Minute), transaction(c, 1, "55-9-2", s)), charge.DefaultClocks())
		}
	}
	cancel := func(c *charge.Charge) { c.Cancel(t0.Add(time.Minute)) }
	recorded := answered(payment.OutcomeApproved, payment.SettleRecorded, payment.StatusSuspended)
	unknown := answered(payment.OutcomeUnknown, payment.SettleRecorded, "")
	release := func(c *charge.Charge) { c.MarkAdjust("55-9-2", payment.ActionRelease, t0.Add(time.Minute)) }
	paused := func(f *charge.Facts) { f.Paused = true }

	restored := func(f *charge.Facts) { f.RestoredAt = t0.Add(time.Hour) }
	confirmed := func(c *charge.Charge) { c.ConfirmedAt = t0.Add(2 * time.Hour) }
	production := func(f *charge.Facts) { f.Production = true }

	cases := []struct {
		name    string
		build   func(*charge.Charge)
		facts   func(*charge.Facts)
		state   charge.State
		produce charge.Produce
		act     charge.Act
		person  charge.Case
	}{
		{name: "planned", build: func(*charge.Charge) {}, state: charge.StatePlanned, produce: "wait", act: charge.ActStart},
		{name: "planned, paused", build: func(*charge.Charge) {}, facts: paused, state: charge.StateWaiting, produce: "wait", act: charge.ActWait},
		{name: "planned, stopped after a restore", build: func(*charge.Charge) {}, facts: func(f *charge.Facts) { f.Paused, f.Stopped = true, true }, state: charge.StateWaiting, produce: "wait", act: charge.ActWait},
		{name: "planned before a restore", build: func(*charge.Charge) {}, facts: restored, state: charge.StateWaiting, produce: "wait", person: charge.CaseUnconfirmed},
		{name: "planned before a restore, confirmed", build: confirmed, facts: restored, state: charge.StatePlanned, produce: "wait", act: charge.ActStart},
		{name: "not sent before a restore", build: answered(payment.OutcomeNotSent, payment.SettleRecorded, ""), facts: restored, state: charge.StateWaiting, produce: "wait", act: charge.ActLook, person: charge.CaseUnconfirmed},
		{name: "unknown before a restore", build: unknown, facts: restored, state: charge.StateUnknown, produce: "wait", act: charge.ActLook},
		{name: "authorised before a restore", build: recorded, facts: restored, state: charge.StateAuthorised, produce: "yes", act: charge.ActRelease},
		{name: "declined before a restore", build: answered(payment.OutcomeDeclined, payment.SettleRecorded, ""), facts: restored, state: charge.StateDeclined, produce: "no"},
		{name: "authorised with test money in production", build: recorded, facts: production, state: charge.StateAuthorised, produce: "wait", act: charge.ActRelease, person: charge.CaseTestMode},
		{name: "settled with test money in production", build: then(recorded, status(payment.StatusSettled)), facts: production, state: charge.StateSettled, produce: "wait", person: charge.CaseTestMode},
		{name: "planned, paused too long", build: func(*charge.Charge) {}, facts: func(f *charge.Facts) { f.Paused, f.SetupFault, f.Now = true, true, t0.Add(100*time.Hour) }, state: charge.StateRejected, produce: "no"},
		{name: "started", build: func(c *charge.Charge) { start(c, payment.SettleRecorded, t0) }, state: charge.StateCharging, produce: "wait", act: charge.ActExpire},
		{name: "started, cancelled", build: then(func(c *charge.Charge) { start(c, payment.SettleRecorded, t0) }, cancel), state: charge.StateCharging, produce: "no", act: charge.ActExpire},
		{name: "authorised", build: recorded, state: charge.StateAuthorised, produce: "yes", act: charge.ActRelease},
		{name: "authorised, site not proven", build: recorded, facts: func(f *charge.Facts) { f.SiteProven = false }, state: charge.StateAuthorised, produce: "wait", act: charge.ActRelease},
		{name: "releasing", build: then(recorded, release), state: charge.StateReleasing, produce: "yes", act: charge.ActRelease},
		{name: "releasing, accepted", build: then(recorded, release, func(c *charge.Charge) { _ = c.FoldAdjusted("55-9-2", payment.ActionRelease, true) }), state: charge.StateReleasing, produce: "yes", act: charge.ActFollow},
		{name: "release overdue", build: then(recorded, release), facts: func(f *charge.Facts) { f.Now = t0.Add(2 * time.Hour) }, state: charge.StateReleasing, produce: "yes", act: charge.ActRelease, person: charge.CaseReleaseOverdue},
		{name: "released", build: then(recorded, release, status(payment.StatusDue)), state: charge.StateReleased, produce: "yes", act: charge.ActFollow},
		{name: "released, then held by someone", build: then(recorded, release, status(payment.StatusDue), status(payment.StatusSuspended)), state: charge.StateHeld, produce: "wait", act: charge.ActFollow, person: charge.CaseHeldBySomeone},
		{name: "released, then cancelled by someone", build: then(recorded, release, status(payment.StatusDue), status(payment.StatusCancelled)), state: charge.StateWaiting, produce: "wait", person: charge.CaseGatewayCancel},
		{name: "settled", build: then(recorded, status(payment.StatusSettled)), state: charge.StateSettled, produce: "yes"},
		{name: "a bank decides", build: answered(payment.OutcomePending, payment.SettleAtOnce, payment.StatusSettling), state: charge.StatePending, produce: "wait", act: charge.ActFollow},
		{name: "a bank decided, and it is gone", build: then(answered(payment.OutcomePending, payment.SettleAtOnce, payment.StatusSettling), status(payment.StatusCancelled)), state: charge.StateWaiting, produce: "wait", person: charge.CaseGatewayCancel},
		{name: "at once, due", build: answered(payment.OutcomeApproved, payment.SettleAtOnce, payment.StatusDue), state: charge.StateReleased, produce: "yes", act: charge.ActFollow},
		{name: "at once, held", build: answered(payment.OutcomeHeld, payment.SettleAtOnce, payment.StatusSuspended), state: charge.StateHeld, produce: "wait", act: charge.ActFollow, person: charge.CaseHeld},
		{name: "approved without a transaction", build: answered(payment.OutcomeApproved, payment.SettleRecorded, ""), state: charge.StateUnknown, produce: "wait", act: charge.ActLook},
		{name: "unknown", build: unknown, state: charge.StateUnknown, produce: "wait", act: charge.ActLook},
		{name: "unknown for a day", build: unknown, facts: func(f *charge.Facts) { f.Now = t0.Add(30 * time.Hour) }, state: charge.StateUnknown, produce: "wait", act: charge.ActLook, person: charge.CaseDoubtTooLong},
		{name: "unknown, cancelled", build: then(unknown, cancel), state: charge.StateCancelling, produce: "no", act: charge.ActLook},
		{name: "unknown, then found", build: then(unknown, status(payment.StatusSuspended)), state: charge.StateAuthorised, produce: "yes", act: charge.ActRelease},
		{name: "declined", build: answered(payment.OutcomeDeclined, payment.SettleRecorded, ""), state: charge.StateDeclined, produce: "no"},
		{name: "rejected", build: rejected(payment.FaultNone), state: charge.StateRejected, produce: "no"},
		{name: "rejected for the order", build: rejected(payment.FaultOrder), state: charge.StateWaiting, produce: "wait", person: charge.CaseOrderRefused},
		{name: "rejected for the link, paused", build: rejected(payment.FaultStoredReference), facts: paused, state: charge.StateWaiting, produce: "wait", act: charge.ActWait, person: charge.CaseSetup},
		{name: "rejected for the link, mended", build: rejected(payment.FaultStoredReference), state: charge.StateWaiting, produce: "wait", act: charge.ActPlan},
		{name: "rejected for the link, never mended", build: rejected(payment.FaultStoredReference), facts: func(f *charge.Facts) { f.Paused, f.SetupFault, f.Now = true, true, t0.Add(100*time.Hour) }, state: charge.StateRejected, produce: "no"},
		{name: "rejected for the link again and again", build: then(rejected(payment.FaultStoredReference), func(c *charge.Charge) {
			for range 2 {
				c.Plan(t0)
				start(c, payment.SettleRecorded, t0)
				a := answer(c.Newest().Number, payment.OutcomeRejected, nil)
				a.Result.Fault = payment.FaultStoredReference
				if err := c.FoldAnswer(a); err != nil {
					panic(err)
				}
			}
		}), state: charge.StateWaiting, produce: "wait", act: charge.ActWait, person: charge.CaseSetup},
		{name: "not sent", build: answered(payment.OutcomeNotSent, payment.SettleRecorded, ""), state: charge.StateWaiting, produce: "wait", act: charge.ActPlan},
		{name: "cancelled before it was sent", build: cancel, state: charge.StateCancelled, produce: "no"},
		{name: "cancelled while authorised", build: then(recorded, cancel), state: charge.StateCancelling, produce: "no", act: charge.ActCancel},
		{name: "cancelled while released", build: then(recorded, status(payment.StatusDue), cancel), state: charge.StateCancelling, produce: "no", act: charge.ActCancel},
		{name: "cancelled and let go", build: then(recorded, cancel, status(payment.StatusCancelled)), state: charge.StateCancelled, produce: "no"},
		{name: "paused for days by a gateway that can't be reached", build: func(*charge.Charge) {}, facts: func(f *charge.Facts) { f.Paused, f.Now = true, t0.Add(100*time.Hour) }, state: charge.StateWaiting, produce: "wait", act: charge.ActWait},
		{name: "cancelled while a release is open", build: then(recorded, release, cancel), state: charge.StateCancelling, produce: "no", act: charge.ActFollow},
		{name: "cancelled too late", build: then(recorded, status(payment.StatusSettled), cancel), state: charge.StateSettled, produce: "no", person: charge.CaseRefundNeeded},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newCharge()
			tc.build(c)
			f := facts(t0.Add(time.Minute))
			c.MendSince = t0
			if tc.facts != nil {
				tc.facts(&f)
			}
			v := charge.Derive(c, f)
			require.Equal(t, tc.state, v.State)
			require.Equal(t, tc.produce, v.Produce)
			require.Equal(t, tc.act, v.Act)
			require.Equal(t, tc.person, v.Case)
			require.Equal(t, v.Act == charge.ActNone, v.At.IsZero(), "an act has a time, and nothing has none")
			if v.Act == charge.ActNone && !v.State.Final() {
				require.NotEmpty(t, v.Case, "what is not final and has no next check stands with a person")
			}
		})
	}
}

func TestMismatchIsNeverTouched(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*payment.Transaction){
		"amount":   func(t *payment.Transaction) { t.Amount.Minor++ },
		"currency": func(t *payment.Transaction) { t.Amount.Currency = "EUR" },
		"parent":   func(t *payment.Transaction) { t.Parent = "55-9-9" },
		"user":     func(t *payment.Transaction) { t.User = "someone" },
		"mode":     func(t *payment.Transaction) { t.Mode = payment.ModeLive },
		"site":     func(t *payment.Transaction) { t.Site = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCharge()
			start(c, payment.SettleRecorded, t0)
			tx := transaction(c, 1, "55-9-2", payment.StatusSuspended)
			change(&tx)
			require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeApproved, &tx)))
			require.Equal(t, payment.OutcomeUnknown, c.Newest().Outcome)
			c.FoldLook(look(c, t0.Add(time.Minute), tx), charge.DefaultClocks())
			v := charge.Derive(c, facts(t0.Add(time.Minute)))
			require.Equal(t, charge.StateUnknown, v.State)
			require.Equal(t, charge.CaseMismatch, v.Case)
			require.Empty(t, v.Chosen)
			require.Empty(t, v.Cancel)
		})
	}
}

func TestAbsenceAges(t *testing.T) {
	t.Parallel()
	clocks := charge.DefaultClocks()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeUnknown, nil)))
	c.Apply(facts(t0.Add(time.Second)))
	counts := t0.Add(15*time.Second + clocks.AnswerLimit)

	var looks []time.Time
	for range 20 {
		at := c.NextCheckAt
		if c.State != charge.StateUnknown {
			break
		}
		looks = append(looks, at)
		c.FoldLook(look(c, at), clocks)
		c.Apply(facts(at))
	}
	require.Equal(t, charge.StateWaiting, c.State)
	require.Equal(t, clocks.MinLooks, c.Newest().Looks)
	require.True(t, looks[0].Before(counts), "the first looks come early")
	require.Equal(t, clocks.AbsenceRecorded, c.Newest().AbsentAt.Sub(counts), "and absence takes the time it takes")
	require.Equal(t, charge.ActPlan, charge.Derive(c, facts(c.Newest().AbsentAt)).Act)

	f := facts(c.Newest().AbsentAt)
	f.RetryAbsent = false
	require.Equal(t, charge.CaseAbsent, charge.Derive(c, f).Case, "unless the link leaves that to a person")
}

func TestAbsenceNeedsItsControl(t *testing.T) {
	t.Parallel()
	clocks := charge.DefaultClocks()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeUnknown, nil)))
	for i := range 100 {
		l := look(c, t0.Add(time.Duration(i+2)*time.Minute))
		l.Control = false
		c.FoldLook(l, clocks)
	}
	require.Zero(t, c.Newest().Looks)
	require.Equal(t, charge.StateUnknown, charge.Derive(c, facts(t0.Add(2*time.Hour))).State)
	require.Equal(t, charge.CaseDoubtTooLong, charge.Derive(c, facts(t0.Add(25*time.Hour))).Case)
}

// secondAttempt is a charge whose first attempt was found absent and whose
// second one has the outcome given.
func secondAttempt(t *testing.T, mode payment.SettleMode, o payment.Outcome, s payment.Status) *charge.Charge {
	t.Helper()
	c := newCharge()
	start(c, mode, t0)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeUnknown, nil)))
	c.Newest().AbsentAt = t0.Add(15 * time.Minute)
	c.Plan(t0.Add(15 * time.Minute))
	if o == "" {
		return c
	}
	start(c, mode, t0.Add(15*time.Minute))
	var tx *payment.Transaction
	if s != "" {
		v := transaction(c, 2, "55-9-3", s)
		v.Outcome = o
		tx = &v
	}
	a := answer(2, o, tx)
	a.At = t0.Add(16 * time.Minute)
	require.NoError(t, c.FoldAnswer(a))
	c.Apply(facts(a.At))
	return c
}

func TestOldOneTurnsUp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		mode           payment.SettleMode
		newer          payment.Outcome
		newerStatus    payment.Status
		old            payment.Status
		state          charge.State
		chosen         payment.TransactionID
		cancel         []payment.TransactionID
		person         charge.Case
		newerWithdrawn bool
	}{
		{name: "newer not started: the old one pays", mode: payment.SettleRecorded, old: payment.StatusSuspended, state: charge.StateAuthorised, chosen: "55-9-2", newerWithdrawn: true},
		{name: "newer not sent: the old one pays", mode: payment.SettleRecorded, newer: payment.OutcomeNotSent, old: payment.StatusSuspended, state: charge.StateAuthorised, chosen: "55-9-2"},
		{name: "newer approved: the old one goes", mode: payment.SettleRecorded, newer: payment.OutcomeApproved, newerStatus: payment.StatusSuspended, old: payment.StatusSuspended, state: charge.StateAuthorised, chosen: "55-9-3", cancel: []payment.TransactionID{"55-9-2"}},
		{name: "newer held: the newer one goes", mode: payment.SettleAtOnce, newer: payment.OutcomeHeld, newerStatus: payment.StatusSuspended, old: payment.StatusDue, state: charge.StateReleased, chosen: "55-9-2", cancel: []payment.TransactionID{"55-9-3"}},
		{name: "newer in doubt, both recorded: the old one pays", mode: payment.SettleRecorded, newer: payment.OutcomeUnknown, old: payment.StatusSuspended, state: charge.StateAuthorised, chosen: "55-9-2"},
		{name: "newer in doubt, at once: a person", mode: payment.SettleAtOnce, newer: payment.OutcomeUnknown, old: payment.StatusDue, state: charge.StateUnknown, person: charge.CaseTwoOpen},
		{name: "newer approved, the old one settles: exception", mode: payment.SettleRecorded, newer: payment.OutcomeApproved, newerStatus: payment.StatusSuspended, old: payment.StatusSettling, state: charge.StateReleased, chosen: "55-9-2", cancel: []payment.TransactionID{"55-9-3"}},
		{name: "both settle: exception", mode: payment.SettleAtOnce, newer: payment.OutcomeApproved, newerStatus: payment.StatusSettling, old: payment.StatusSettling, state: charge.StateReleased, chosen: "55-9-3", person: charge.CaseSecondPayment},
		{name: "newer declined, no was told, recorded: the old one goes", mode: payment.SettleRecorded, newer: payment.OutcomeDeclined, old: payment.StatusSuspended, state: charge.StateCancelling, cancel: []payment.TransactionID{"55-9-2"}},
		{name: "newer declined, no was told, at once: a person", mode: payment.SettleAtOnce, newer: payment.OutcomeDeclined, old: payment.StatusDue, state: charge.StateCancelling, person: charge.CasePaidAfterNo},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := secondAttempt(t, tc.mode, tc.newer, tc.newerStatus)
			at := t0.Add(time.Hour)
			found := []payment.Transaction{transaction(c, 1, "55-9-2", tc.old)}
			if tc.newerStatus != "" {
				newer := transaction(c, 2, "55-9-3", tc.newerStatus)
				newer.Outcome = tc.newer
				found = append(found, newer)
			}
			c.FoldLook(look(c, at, found...), charge.DefaultClocks())
			f := facts(at)
			v := c.Apply(f)
			require.Equal(t, tc.state, v.State)
			require.Equal(t, tc.chosen, v.Chosen)
			require.Equal(t, tc.cancel, v.Cancel)
			require.Equal(t, tc.person, v.Case)
			require.Equal(t, tc.newerWithdrawn, c.Newest().Stage == charge.StageWithdrawn)
			if len(tc.cancel) > 0 {
				require.Equal(t, charge.ActCancel, v.Act, "before anything is released, the other one goes")
			}
		})
	}
}

func TestTwoUnderOneReference(t *testing.T) {
	t.Parallel()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	tx := transaction(c, 1, "55-9-2", payment.StatusSuspended)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeApproved, &tx)))
	c.Apply(facts(t0.Add(time.Second)))
	other := tx
	other.ID = "55-9-1" // smaller, and yet not the one that was recorded
	c.FoldLook(look(c, t0.Add(time.Minute), tx, other), charge.DefaultClocks())
	v := charge.Derive(c, facts(t0.Add(time.Minute)))
	require.Equal(t, payment.TransactionID("55-9-2"), v.Chosen)
	require.Equal(t, []payment.TransactionID{"55-9-1"}, v.Cancel)
	require.Equal(t, charge.ActCancel, v.Act)
}

func TestWatchEndsWithOneGoodLook(t *testing.T) {
	t.Parallel()
	clocks := charge.DefaultClocks()
	c := secondAttempt(t, payment.SettleRecorded, payment.OutcomeApproved, payment.StatusSuspended)
	settled := transaction(c, 2, "55-9-3", payment.StatusSettled)
	c.FoldLook(look(c, t0.Add(48*time.Hour), settled), clocks)
	v := c.Apply(facts(t0.Add(48 * time.Hour)))
	require.Equal(t, charge.StateSettled, v.State)
	require.Equal(t, charge.ActLook, v.Act)
	require.Equal(t, c.Attempts[0].SendBefore.Add(clocks.WatchAfter), v.At)
	c.FoldLook(look(c, v.At, settled), clocks)
	require.Equal(t, charge.ActNone, c.Apply(facts(v.At)).Act)
}

func TestLateAnswerIsTakenIn(t *testing.T) {
	t.Parallel()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	c.FoldExpired(1, t0.Add(3*time.Minute))
	require.Equal(t, charge.StateUnknown, c.Apply(facts(t0.Add(3*time.Minute))).State)
	tx := transaction(c, 1, "55-9-2", payment.StatusSuspended)
	late := answer(1, payment.OutcomeApproved, &tx)
	late.At = t0.Add(4 * time.Minute)
	require.NoError(t, c.FoldAnswer(late))
	require.Equal(t, charge.StateAuthorised, c.Apply(facts(late.At)).State)
}

func TestLaggingCopyDoesNotTakeBack(t *testing.T) {
	t.Parallel()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	tx := transaction(c, 1, "55-9-2", payment.StatusSuspended)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeApproved, &tx)))
	for _, s := range []payment.Status{payment.StatusSettled, payment.StatusSettling, payment.StatusDue, payment.StatusSuspended} {
		seen := tx
		seen.Status = s
		c.FoldLook(look(c, t0.Add(time.Hour), seen), charge.DefaultClocks())
		require.Equal(t, payment.StatusSettled, c.Records[0].Status)
	}
}

func TestBankErrorThenPaid(t *testing.T) {
	t.Parallel()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeUnknown, nil)))
	tx := transaction(c, 1, "55-9-2", payment.StatusCancelled)
	tx.Outcome, tx.Code = payment.OutcomeUnknown, "60010"
	c.FoldLook(look(c, t0.Add(time.Minute), tx), charge.DefaultClocks())
	require.Equal(t, charge.StateUnknown, charge.Derive(c, facts(t0.Add(time.Minute))).State)
	c.FoldLook(look(c, t0.Add(2*time.Minute), transaction(c, 1, "55-9-2", payment.StatusSuspended)), charge.DefaultClocks())
	require.Equal(t, charge.StateAuthorised, charge.Derive(c, facts(t0.Add(2*time.Minute))).State)
}

func TestUnreadableSightTakesNothingBack(t *testing.T) {
	t.Parallel()
	for _, mode := range []payment.SettleMode{payment.SettleRecorded, payment.SettleAtOnce} {
		c := newCharge()
		start(c, mode, t0)
		tx := transaction(c, 1, "55-9-2", payment.StatusDue)
		require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeApproved, &tx)))
		c.Apply(facts(t0.Add(time.Second)))
		unreadable := tx
		unreadable.Status, unreadable.Outcome = payment.StatusUnspecified, payment.OutcomeUnknown
		before := c.Clone()
		c.FoldLook(look(c, t0.Add(time.Minute), unreadable), charge.DefaultClocks())
		v := c.Apply(facts(t0.Add(time.Minute)))
		require.Equal(t, charge.StateReleased, v.State)
		require.Empty(t, charge.Movements(before, c, t0))
	}
}

func TestMismatchAfterApprovalIsNoInvitationToChargeAgain(t *testing.T) {
	t.Parallel()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	tx := transaction(c, 1, "55-9-2", payment.StatusSuspended)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeApproved, &tx)))
	tx.Amount.Minor++
	c.FoldLook(look(c, t0.Add(time.Minute), tx), charge.DefaultClocks())
	v := charge.Derive(c, facts(t0.Add(time.Minute)))
	require.Equal(t, charge.StateUnknown, v.State)
	require.Equal(t, charge.CaseMismatch, v.Case)
	require.NotEqual(t, charge.ActNone, v.Act)
}

func TestAnotherSiteSaysNothing(t *testing.T) {
	t.Parallel()
	clocks := charge.DefaultClocks()
	c := newCharge()
	start(c, payment.SettleAtOnce, t0)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeUnknown, nil)))
	for i := range 100 {
		l := look(c, t0.Add(time.Duration(i+1)*10*time.Minute))
		l.Place.Site = "elsewhere"
		c.FoldLook(l, clocks)
	}
	require.Zero(t, c.Newest().Looks)
	c.Newest().AbsentAt = t0.Add(time.Hour)
	c.Plan(t0.Add(time.Hour))
	start(c, payment.SettleAtOnce, t0.Add(time.Hour))
	c.Newest().Site = "elsewhere"
	tx := transaction(c, 2, "55-9-3", payment.StatusSettled)
	tx.Site = "elsewhere"
	a := answer(2, payment.OutcomeApproved, &tx)
	a.At = t0.Add(time.Hour)
	require.NoError(t, c.FoldAnswer(a))
	due := c.Attempts[0].SendBefore.Add(clocks.WatchAfter)
	c.CheckedAt = due.Add(-time.Hour)
	v := charge.Derive(c, facts(due))
	require.Equal(t, charge.ActLook, v.Act)
	require.Equal(t, "test_site", c.PlaceFor(v, due, clocks).Site, "the watch ends where it began")
}

func TestLateAnswerLeavesTheLeaseOfTheNext(t *testing.T) {
	t.Parallel()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	c.FoldExpired(1, t0.Add(3*time.Minute))
	c.Newest().AbsentAt = t0.Add(20 * time.Minute)
	c.Plan(t0.Add(20 * time.Minute))
	start(c, payment.SettleRecorded, t0.Add(20*time.Minute))
	until := c.LeaseUntil
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeDeclined, nil)))
	require.Equal(t, until, c.LeaseUntil)
	require.Equal(t, until, charge.Derive(c, facts(t0.Add(21*time.Minute))).At)
}

func TestWatchDoesNotWakeACallUnderWay(t *testing.T) {
	t.Parallel()
	c := secondAttempt(t, payment.SettleRecorded, "", "")
	late := t0.Add(20 * 24 * time.Hour)
	start(c, payment.SettleRecorded, late)
	require.Equal(t, c.LeaseUntil, charge.Derive(c, facts(late)).At)
}

func TestLostAuthorisationTakesAPersonEachTime(t *testing.T) {
	t.Parallel()
	c := newCharge()
	for n := 1; n <= 4; n++ {
		if n > 1 {
			c.Plan(t0)
		}
		start(c, payment.SettleRecorded, t0)
		a := answer(n, payment.OutcomeRejected, nil)
		a.Result.Fault = payment.FaultStoredReference
		if n == 4 {
			tx := transaction(c, n, "55-9-2", payment.StatusSuspended)
			a = answer(n, payment.OutcomeApproved, &tx)
		}
		require.NoError(t, c.FoldAnswer(a))
	}
	gone := transaction(c, 4, "55-9-2", payment.StatusCancelled)
	c.FoldLook(look(c, t0.Add(time.Minute), gone), charge.DefaultClocks())
	v := charge.Derive(c, facts(t0.Add(time.Minute)))
	require.Equal(t, charge.CaseGatewayCancel, v.Case)
	require.Equal(t, charge.ActNone, v.Act)
}

func TestDoubtIsFollowedAfterTheMoneyIsGone(t *testing.T) {
	t.Parallel()
	c := secondAttempt(t, payment.SettleRecorded, payment.OutcomeUnknown, "")
	c.FoldLook(look(c, t0.Add(time.Hour), transaction(c, 1, "55-9-2", payment.StatusSettled)), charge.DefaultClocks())
	c.Cancel(t0.Add(time.Hour))
	v := c.Apply(facts(t0.Add(time.Hour)))
	require.Equal(t, charge.StateSettled, v.State)
	require.Equal(t, charge.CaseRefundNeeded, v.Case)
	require.Equal(t, charge.ActLook, v.Act)
}

// Patience with a fault of the set-up ends for an attempt that was never
// started, too.
func TestPatienceEndsForWhatIsPlanned(t *testing.T) {
	t.Parallel()
	c := newCharge()
	f := facts(t0)
	f.Paused, f.SetupFault = true, true
	require.Equal(t, charge.StateWaiting, c.Apply(f).State)
	f.Now = t0.Add(f.Clocks.SetupPatience + time.Hour)
	require.Equal(t, charge.StateRejected, c.Apply(f).State)
	require.Equal(t, charge.ProduceNo, c.Produce)
	require.Equal(t, charge.CaseNone, c.Case)
	require.Equal(t, charge.StageWithdrawn, c.Newest().Stage)
	require.True(t, c.NextCheckAt.IsZero())
	f.Paused, f.SetupFault = false, false
	require.Equal(t, charge.StateRejected, c.Apply(f).State, "mended too late")
}

package charge

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Derive says where a charge stands and what happens next. It is pure: the
// same evidence and facts give the same verdict, on every host.
//
// Only live authorisations that match what we sent can pay a charge. "Stopped"
// means that the order was cancelled or that the platform was told no. The
// first row that fits holds:
//
//	newest attempt  authorisation at the gateway          state       produce   next
//	--------------  ------------------------------------  ----------  --------  --------------------------------
//	started         -                                     charging    wait(1)   doubt at the end of the lease
//	any, stopped    settled or settling                   settled /   no        a person refunds
//	                                                      released
//	any, stopped    suspended or due                      cancelling  no        cancel, read back (2)
//	in doubt,       none                                  cancelling  no        look
//	 stopped
//	any, stopped    none                                  cancelled / no        nothing (3)
//	                                                      declined /
//	                                                      rejected
//	in doubt        of an earlier attempt, and not both   unknown     wait      a person; look
//	                 wait to be released
//	any             settled                               settled     yes       nothing (3)
//	any             started, and a bank decides           pending     wait      follow
//	any             suspended, and one of no older        waiting     wait      cancel it; a person
//	                 attempt was released and then
//	                 cancelled by somebody else
//	any             due or settling                       released    yes (9)   follow
//	any             suspended, was seen as due before     held        wait      a person; follow
//	any             suspended, asked at_once              held        wait      a person; follow
//	any             suspended, and one that does not      authorised  wait      a person; follow (8)
//	                 match is live                         / releasing
//	any             suspended, and our cancellation was   authorised  wait      read back; release after that,
//	                 sent and is not read back             / releasing           unless it was answered well (9)
//	any             suspended, release sent               releasing   yes (4)   read back
//	any             suspended                             authorised  yes (4)   look, release, read back
//	in doubt        none                                  unknown     wait      look
//	any             one that does not match               unknown     wait      a person; follow
//	planned         none, from before a restore of the    waiting     wait      a person, or the platform again (7)
//	                 database and not confirmed since
//	planned         none, charging is paused              waiting     wait (5)  see whether the pause is over
//	planned         none                                  planned     wait      start by turn
//	any             none: an earlier one turned up,       waiting     wait      a person
//	                 was told yes for, and is gone
//	absent          none                                  waiting     wait      a new attempt, or a person (6)
//	not sent        none                                  waiting     wait      a new attempt after a while (6)
//	declined        none                                  declined    no        nothing (3)
//	rejected        none, for the link's or site's sake   waiting     wait (5)  a person mends it; a new attempt then,
//	                                                                            unless refused again and again
//	rejected        none, for the order's sake            waiting     wait      a person
//	rejected        none                                  rejected    no        nothing (3)
//	approved, held, none: cancelled or lapsed there       waiting     wait      a person
//	 pending,
//	 withdrawn
//
//	(1) no, if the order was cancelled meanwhile.
//	(2) one that settles by itself and turns up after no was told is a person's.
//	(3) but for one last query of what was not sent or found absent, at the
//	    end of its watch.
//	(4) wait, until a release on the site was read back once.
//	(5) until the patience with a fault of the set-up is over: then rejected,
//	    and no. A gateway that can't be reached uses up no patience.
//	(6) a person, if the link says so, after a second absence, or when too
//	    many attempts failed.
//	(7) so is every other row that leads to a new attempt by itself.
//	(8) the other may take money for the same order: it has to be cancelled
//	    first, or a person releases at the gateway.
//	(9) a cancellation may be under way until its call can't last any longer;
//	    only a look from after that reads it back. While one is open, due is
//	    wait as well. After a day it is a person's case.
//
// In a production environment what was paid in test mode is wait instead of
// yes, and a person's case.
//
// Besides the row: every other live authorisation that matches is cancelled
// before anything is released, and is a person's case if it settles already;
// one that does not match is never touched and is a person's case. If several
// are live, the one furthest on its way pays, because it can't be stopped;
// among equals the one that was recorded first. An earlier attempt that turns
// up while a later one is in doubt pays only if both wait to be released,
// else a person decides before they settle.
func Derive(c *Charge, f Facts) Verdict {
	d := deriver{c: c, f: f, newest: c.Newest()}
	d.sort()
	d.decide()
	d.watch()
	switch {
	case d.v.Case != CaseNone:
	case d.mismatch:
		d.v.Case = CaseMismatch
	case d.v.Act != ActNone && !c.AccessFailedAt.IsZero():
		d.v.Case = CaseAccess
	}
	return d.v
}

type deriver struct {
	c      *Charge
	f      Facts
	newest *Attempt
	v      Verdict

	live     []*Record // matching, by preference
	chosen   *Record
	mismatch bool
	doubt    bool // some attempt is in doubt
}

// sort finds what is live and which one pays.
func (d *deriver) sort() {
	for i := range d.c.Records {
		r := &d.c.Records[i]
		switch {
		case !r.Live():
		case !r.Matches:
			d.mismatch = true
		default:
			d.live = append(d.live, r)
		}
	}
	for i := range d.c.Attempts {
		d.doubt = d.doubt || d.c.Attempts[i].InDoubt()
	}
	for _, r := range d.live {
		if d.chosen == nil || d.before(r, d.chosen) {
			d.chosen = r
		}
	}
}

// before reports whether a rather than b should pay.
func (d *deriver) before(a, b *Record) bool {
	if ra, rb := progress(a), progress(b); ra != rb {
		return ra > rb
	}
	if (a.ID == d.c.Chosen) != (b.ID == d.c.Chosen) {
		return a.ID == d.c.Chosen
	}
	if a.Reference != b.Reference {
		return len(a.Reference) < len(b.Reference) || len(a.Reference) == len(b.Reference) && a.Reference < b.Reference
	}
	return a.ID < b.ID
}

// progressRecorded is how far a reservation is that waits to be released.
const progressRecorded = 1

func progress(r *Record) int {
	switch {
	case r.Status == payment.StatusSettled:
		return 4
	case r.Status == payment.StatusSettling:
		return 3
	case r.Status.Released():
		return 2
	case r.Asked == payment.SettleRecorded:
		return progressRecorded
	}
	return 0 // held against our asking
}

func (d *deriver) decide() {
	c, v := d.c, &d.v
	cancelled := !c.CancelledAt.IsZero()
	switch {
	case d.newest == nil:
		d.set(StateWaiting, ProduceWait, ReasonPersonDecides)
		v.Case = CaseSetup
	case d.newest.Stage == StageStarted:
		d.set(StateCharging, ProduceWait, ReasonCharging)
		if cancelled {
			v.Produce, v.Reason = ProduceNo, ReasonCancelInDoubt
		}
		d.want(ActExpire, latest(c.LeaseUntil, c.CheckedAt))
	case cancelled || c.NoTold:
		d.stopped(cancelled)
	case d.chosen != nil && d.twoOpen():
		d.set(StateUnknown, ProduceWait, ReasonPersonDecides)
		v.Case = CaseTwoOpen
		d.want(ActLook, d.lookAt())
	case d.chosen != nil && d.takenBack():
		d.set(StateWaiting, ProduceWait, ReasonGatewayCancel)
		v.Case = CaseGatewayCancel
		for _, r := range d.live {
			v.Cancel = append(v.Cancel, r.ID)
		}
		d.cancelNext()
	case d.chosen != nil:
		v.Chosen = d.chosen.ID
		d.paid()
		d.cancelOthers()
	case d.doubt:
		d.inDoubt()
		d.set(StateUnknown, ProduceWait, ReasonDoubt)
		if d.mismatch {
			v.Reason = ReasonMismatch
		}
	case d.mismatch:
		d.set(StateUnknown, ProduceWait, ReasonMismatch)
		d.want(ActFollow, c.CheckedAt.Add(d.f.Clocks.Follow))
	default:
		d.unpaid()
	}
}

// twoOpen: an authorisation stands and a later attempt is in doubt, and not
// both of them wait to be released.
func (d *deriver) twoOpen() bool {
	n := d.newest
	return n.InDoubt() && d.chosen.Reference != n.Reference &&
		(n.Settle != payment.SettleRecorded || d.chosen.Asked != payment.SettleRecorded)
}

// takenBack: what could pay now was not released, and what was released for
// this attempt or a later one has been cancelled at the gateway, not by us.
// Whoever did that did not want the money to be taken another way.
func (d *deriver) takenBack() bool {
	if progress(d.chosen) != progressRecorded {
		return false
	}
	a := d.c.ByReference(d.chosen.Reference)
	for i := range d.c.Records {
		r := &d.c.Records[i]
		if r.Status != payment.StatusCancelled || r.ConfirmedAt.IsZero() || !r.CancelAt.IsZero() {
			continue
		}
		if !r.Matches && r.ReleasedAt.IsZero() {
			continue // it was not ours
		}
		if b := d.c.ByReference(r.Reference); a == nil || b != nil && a.Number <= b.Number {
			return true
		}
	}
	return false
}

func (d *deriver) stopped(cancelled bool) {
	c, v := d.c, &d.v
	var debited *Record
	for _, r := range d.live {
		switch {
		case r.Status == payment.StatusSettled || r.Status == payment.StatusSettling:
			if debited == nil || progress(r) > progress(debited) {
				debited = r
			}
			v.Case = CaseRefundNeeded
		case !cancelled && r.Asked != payment.SettleRecorded:
			v.Case = CasePaidAfterNo
		default:
			v.Cancel = append(v.Cancel, r.ID)
		}
	}
	if !cancelled && debited != nil {
		v.Case = CasePaidAfterNo
	}
	switch {
	case debited != nil:
		v.Chosen = debited.ID
		d.set(StateReleased, ProduceNo, ReasonCancelTooLate)
		if d.doubt {
			d.want(ActLook, d.lookAt())
		}
		if debited.Status == payment.StatusSettled {
			v.State = StateSettled
		} else {
			d.want(ActFollow, c.CheckedAt.Add(d.f.Clocks.Follow))
		}
	case len(d.live) > 0:
		d.set(StateCancelling, ProduceNo, ReasonCancelled)
		d.want(ActFollow, c.CheckedAt.Add(d.f.Clocks.Follow))
	case d.doubt:
		d.inDoubt()
		d.set(StateCancelling, ProduceNo, ReasonCancelInDoubt)
	case cancelled:
		d.set(StateCancelled, ProduceNo, ReasonCancelled)
	case d.newest.Outcome == payment.OutcomeDeclined:
		d.set(StateDeclined, ProduceNo, ReasonDeclined)
	default:
		d.set(StateRejected, ProduceNo, ReasonRejected)
	}
	d.cancelNext()
}

// cancelNext makes a cancellation what comes next. A release that may still be
// under way is read back first.
func (d *deriver) cancelNext() {
	v := &d.v
	if len(v.Cancel) == 0 {
		return
	}
	v.Act, v.At = ActCancel, d.soon()
	for _, id := range v.Cancel {
		r := d.c.Record(id)
		if over := r.AdjustAt.Add(d.f.Clocks.CallSlack); r.Adjust == payment.ActionRelease && d.f.Now.Before(over) {
			v.Act, v.At = ActFollow, latest(d.soon(), d.c.CheckedAt.Add(d.f.Clocks.RetryFirst))
			if v.At.After(over) {
				v.At = over
			}
		}
	}
}

// paid: an authorisation that matches is live.
func (d *deriver) paid() {
	c, r, v := d.c, d.chosen, &d.v
	clocks := d.f.Clocks
	follow := c.CheckedAt.Add(clocks.Follow)
	switch {
	case r.Status == payment.StatusSettled:
		d.set(StateSettled, ProduceYes, ReasonSettled)
	case r.Outcome == payment.OutcomePending:
		d.set(StatePending, ProduceWait, ReasonPending)
		d.want(ActFollow, follow)
	case r.Status.Released():
		d.set(StateReleased, ProduceYes, ReasonReleased)
		d.want(ActFollow, follow)
		if due := latest(r.SettleDue, r.ConfirmedAt); d.f.Now.After(due.Add(clocks.SettleOverdue)) {
			v.Case = CaseSettleOverdue
		}
	case !r.ConfirmedAt.IsZero():
		d.set(StateHeld, ProduceWait, ReasonHeld)
		v.Case = CaseHeldBySomeone
		d.want(ActFollow, follow)
	case r.Asked != payment.SettleRecorded:
		d.set(StateHeld, ProduceWait, ReasonHeld)
		v.Case = CaseHeld
		d.want(ActFollow, follow)
	default:
		d.toRelease()
	}
	if v.Produce == ProduceYes && r.Adjust == payment.ActionCancel {
		v.Produce, v.Reason = ProduceWait, ReasonDoubt // our cancellation may still reach it
	}
	if v.Produce == ProduceYes && d.f.Production && c.inTestMode(r) {
		v.Produce, v.Reason, v.Case = ProduceWait, ReasonTestMode, CaseTestMode
	}
}

// inTestMode: the gateway says so, or the attempt was sent so.
func (c *Charge) inTestMode(r *Record) bool {
	a := c.ByReference(r.Reference)
	return r.Mode == payment.ModeTest || r.Mode == payment.ModeUnspecified && a != nil && a.Mode == payment.ModeTest
}

func (d *deriver) toRelease() {
	c, r, v := d.c, d.chosen, &d.v
	state, since, act := StateAuthorised, r.SeenAt, ActRelease
	if !r.ReleasedAt.IsZero() {
		state, since = StateReleasing, r.ReleasedAt
	}
	at := latest(d.soon(), d.seldom(since))
	switch {
	case d.mismatch:
		// Which of the two is to take the money, a person has to say first.
		d.set(state, ProduceWait, ReasonMismatch)
		act = ActFollow
	case r.Adjust == payment.ActionCancel:
		d.set(state, ProduceWait, ReasonDoubt)
		act, at = d.afterCancel(at)
	default:
		d.set(state, ProduceYes, ReasonAuthorised)
		if !d.f.SiteProven && !c.YesTold {
			v.Produce, v.Reason = ProduceWait, ReasonFirstRelease
		}
		if r.Accepted {
			act = ActFollow
		}
		if d.f.Now.After(since.Add(d.f.Clocks.ReleaseOverdue)) {
			v.Case = CaseReleaseOverdue
		}
	}
	d.want(act, at)
}

// afterCancel is what comes next for one that we let go and now want after
// all. A cancellation that may still be under way is read back first; one that
// the gateway has answered well is not contradicted.
func (d *deriver) afterCancel(at time.Time) (Act, time.Time) {
	r, clocks := d.chosen, d.f.Clocks
	over := r.AdjustAt.Add(clocks.CallSlack)
	if r.Accepted || d.c.CheckedAt.Before(over) {
		if d.f.Now.After(r.AdjustAt.Add(clocks.DoubtPerson)) {
			d.v.Case = CaseDoubtTooLong
		}
		if !r.Accepted && at.After(over) {
			at = over
		}
		return ActFollow, at
	}
	return ActRelease, at
}

// cancelOthers lets go of every live authorisation but the chosen one.
func (d *deriver) cancelOthers() {
	v := &d.v
	for _, r := range d.live {
		switch {
		case r == d.chosen:
		case r.Status == payment.StatusSettled || r.Status == payment.StatusSettling:
			v.Case = CaseSecondPayment
			d.want(ActFollow, d.c.CheckedAt.Add(d.f.Clocks.Follow))
		default:
			v.Cancel = append(v.Cancel, r.ID)
		}
	}
	d.cancelNext() // before anything else: a release waits until it is the only live one
	if d.doubt {
		d.want(ActLook, d.lookAt())
	}
}

func (d *deriver) inDoubt() {
	d.want(ActLook, d.lookAt())
	for i := range d.c.Attempts {
		a := &d.c.Attempts[i]
		limit := d.f.Clocks.DoubtPerson
		if a.InDoubt() && (d.f.Now.After(a.AnsweredAt.Add(limit)) ||
			!a.ControlFailedAt.IsZero() && d.f.Now.After(a.ControlFailedAt.Add(limit))) {
			d.v.Case = CaseDoubtTooLong
		}
	}
}

// unpaid: nothing is live, nothing in doubt, nothing started.
func (d *deriver) unpaid() {
	c, n, v := d.c, d.newest, &d.v
	clocks := d.f.Clocks
	// Only a fault that the company has to mend, and only its own time counts.
	overdue := d.f.SetupFault && !c.MendSince.IsZero() && d.f.Now.After(c.MendSince.Add(clocks.SetupPatience))
	switch {
	case n.Stage == StagePlanned && overdue:
		d.set(StateRejected, ProduceNo, ReasonRejected)
	case n.Stage == StagePlanned && c.Unconfirmed(d.f):
		d.waitForWord()
	case n.Stage == StagePlanned && d.f.Paused:
		d.waitForMending(d.pausedFor())
	case n.Stage == StagePlanned:
		d.set(StatePlanned, ProduceWait, ReasonQueued)
		d.want(ActStart, n.PlannedAt)
	case d.lostAgain():
		d.set(StateWaiting, ProduceWait, ReasonGatewayCancel)
		v.Case = CaseGatewayCancel
	case n.Outcome == payment.OutcomeDeclined:
		d.set(StateDeclined, ProduceNo, ReasonDeclined)
	case n.Outcome == payment.OutcomeRejected && n.Fault == payment.FaultNone:
		d.set(StateRejected, ProduceNo, ReasonRejected)
	case d.whyPerson() != CaseNone:
		d.set(StateWaiting, ProduceWait, ReasonPersonDecides)
		if v.Case = d.whyPerson(); v.Case == CaseGatewayCancel {
			v.Reason = ReasonGatewayCancel
		}
	case overdue && n.Outcome == payment.OutcomeRejected:
		d.set(StateRejected, ProduceNo, ReasonRejected)
	case n.Outcome == payment.OutcomeRejected && (d.f.Paused || d.rejections() >= maxRejections):
		d.waitForMending(ReasonSetup)
		v.Case = CaseSetup
	case c.Unconfirmed(d.f):
		d.waitForWord()
	case d.f.Paused:
		d.waitForMending(d.pausedFor())
	default:
		d.set(StateWaiting, ProduceWait, ReasonRetrying)
		d.want(ActPlan, n.AnsweredAt.Add(d.retryIn()))
	}
}

// lostAgain: "produce" was told for an authorisation of an earlier attempt
// that turned up after the newest was started, and then lapsed, was cancelled
// by somebody else, or by us before we released it after all. What the newest
// came to is no answer to that.
func (d *deriver) lostAgain() bool {
	if !d.c.YesTold {
		return false
	}
	for i := range d.c.Records {
		r := &d.c.Records[i]
		ours := !r.CancelAt.IsZero() && r.ReleasedAt.IsZero()
		if r.Matches && r.Outcome == payment.OutcomeApproved && r.Status == payment.StatusCancelled && !ours &&
			latest(r.SeenAt, r.ReleasedAt).After(d.newest.StartedAt) {
			return true
		}
	}
	return false
}

// Unconfirmed reports whether the charge was here before the database was put
// back and nobody has said since that it is still wanted.
func (c *Charge) Unconfirmed(f Facts) bool {
	return c.CreatedAt.Before(f.RestoredAt) && c.ConfirmedAt.Before(f.RestoredAt)
}

func (d *deriver) waitForWord() {
	d.set(StateWaiting, ProduceWait, ReasonUnconfirmed)
	d.v.Case = CaseUnconfirmed
}

func (d *deriver) pausedFor() Reason {
	if d.f.Stopped {
		return ReasonRestored
	}
	return ReasonPaused
}

func (d *deriver) waitForMending(reason Reason) {
	d.set(StateWaiting, ProduceWait, reason)
	wait := d.f.Clocks.Backoff(d.c.Checks + 1)
	if d.f.Probed {
		wait = d.f.Clocks.ProbeBackoff(d.c.Checks + 1)
	}
	at := d.c.CheckedAt.Add(wait)
	if end := d.c.MendSince.Add(d.f.Clocks.SetupPatience); d.f.SetupFault && end.After(d.f.Now) && end.Before(at) {
		at = end
	}
	d.want(ActWait, at)
}

// maxRejections is how often the same settings may be refused. A preflight can
// be good where the bank refuses all the same; trying again and again would
// only use up references.
const maxRejections = 3

// rejections counts the attempts that were refused with the settings in force.
func (d *deriver) rejections() int {
	n := 0
	for i := range d.c.Attempts {
		a := &d.c.Attempts[i]
		if a.Outcome == payment.OutcomeRejected && a.SettingsVersion == d.f.SettingsVersion {
			n++
		}
	}
	return n
}

// whyPerson says why the next attempt is a person's to allow, if it is.
func (d *deriver) whyPerson() Case {
	n := d.newest
	switch {
	case n.Stage == StageWithdrawn, n.Outcome == payment.OutcomeApproved, n.Outcome == payment.OutcomeHeld, n.Outcome == payment.OutcomePending:
		return CaseGatewayCancel // it was authorised, or with a bank, and yet nothing is live
	case n.Outcome == payment.OutcomeRejected && n.Fault == payment.FaultOrder:
		return CaseOrderRefused
	case !n.Outcome.Known() && (!d.f.RetryAbsent || d.absences() > 1):
		return CaseAbsent
	case len(d.c.Attempts) >= MaxAttempts:
		return CaseTooManyAttempts
	}
	return CaseNone
}

func (d *deriver) absences() int {
	n := 0
	for i := range d.c.Attempts {
		if a := &d.c.Attempts[i]; a.Stage == StageAnswered && !a.Outcome.Known() {
			n++
		}
	}
	return n
}

// retryIn is how long to wait after the newest attempt before the next.
func (d *deriver) retryIn() time.Duration {
	failed := 0
	for i := len(d.c.Attempts) - 1; i >= 0 && d.c.Attempts[i].Outcome == payment.OutcomeNotSent; i-- {
		failed++
	}
	if failed == 0 {
		return 0 // absent, or mended: there is nothing more to wait for
	}
	return d.f.Clocks.Backoff(failed)
}

func (d *deriver) set(s State, p Produce, r Reason) {
	d.v.State, d.v.Produce, d.v.Reason = s, p, r
}

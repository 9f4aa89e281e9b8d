package charge

import (
	"fmt"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Clocks are the times that decide about money. They are settings so that
// they can be scaled together with a gateway's lag; Default is what a real
// gateway needs.
type Clocks struct {
	// SendWindow is how long after it was written down an attempt may still be
	// sent. Later it is given back as not sent.
	SendWindow time.Duration
	// AnswerLimit is how long a call waits for its answer, from sending.
	AnswerLimit time.Duration
	// CallSlack is how long after the end of the send window the call to the
	// plugin may last; more than AnswerLimit.
	CallSlack time.Duration
	// LeaseSlack is how much longer than that the lease on the attempt lasts.
	LeaseSlack time.Duration

	// FirstLook is how soon after doubt began the gateway is first asked. Such
	// early looks may find, but never count as absence.
	FirstLook time.Duration
	// MinLooks is how many empty looks make an absence.
	MinLooks int
	// AbsenceRecorded and AbsenceAtOnce are how much time lies between the
	// first and the last of them, by the way the attempt settles.
	AbsenceRecorded time.Duration
	AbsenceAtOnce   time.Duration
	// DoubtPerson is how long doubt or a failing control may last until it is
	// a person's case. It is still looked after.
	DoubtPerson time.Duration

	// WatchAfter is when references in doubt get their last query.
	WatchAfter time.Duration
	// ReleaseOverdue is when a release that was not read back is a person's case.
	ReleaseOverdue time.Duration
	// Handoff is how long the host that wrote an outcome has to go on with it
	// before any other may.
	Handoff time.Duration
	// Follow is the time between two questions whether a charge has settled.
	Follow time.Duration
	// SettleOverdue is how long after its release a charge that has not
	// settled is a person's case: three banking days and a weekend.
	SettleOverdue time.Duration

	// RetryFirst and RetryMost bound the wait after something that can be
	// tried again; it doubles in between.
	RetryFirst time.Duration
	RetryMost  time.Duration
	// SetupPatience is how long a charge waits for a fault of the set-up to be
	// mended before the platform is told no.
	SetupPatience time.Duration
	// ProbeFirst and ProbeMost bound the wait between two preflights of what
	// is paused.
	ProbeFirst time.Duration
	ProbeMost  time.Duration
}

// MaxAttempts is how many attempts one charge may ever have. A query about a
// charge names each of its references and two more.
const MaxAttempts = 30

// DefaultClocks are the times for a real gateway.
func DefaultClocks() Clocks {
	return Clocks{
		SendWindow:      15 * time.Second,
		AnswerLimit:     payment.AnswerLimit,
		CallSlack:       payment.CallSlack,
		LeaseSlack:      30 * time.Second,
		FirstLook:       15 * time.Second,
		MinLooks:        6,
		AbsenceRecorded: 10 * time.Minute,
		AbsenceAtOnce:   time.Hour,
		DoubtPerson:     24 * time.Hour,
		WatchAfter:      8 * 24 * time.Hour,
		ReleaseOverdue:  time.Hour,
		Handoff:         2 * time.Minute,
		Follow:          6 * time.Hour,
		SettleOverdue:   5 * 24 * time.Hour,
		RetryFirst:      2 * time.Second,
		RetryMost:       5 * time.Minute,
		SetupPatience:   72 * time.Hour,
		ProbeFirst:      time.Minute,
		ProbeMost:       time.Hour,
	}
}

// Scaled divides every time by n, for gateways that live faster than the real
// one. The number of looks stays.
func (c Clocks) Scaled(n float64) Clocks {
	for _, d := range all(&c) {
		*d = time.Duration(float64(*d) / n)
	}
	return c
}

// Validate refuses clocks that would break a rule of the money.
func (c Clocks) Validate() error {
	for _, d := range all(&c) {
		if *d <= 0 {
			return fmt.Errorf("money clocks: every time must be more than zero, and one is %s", *d)
		}
	}
	switch {
	case c.MinLooks < 2:
		return fmt.Errorf("money clocks: absence takes at least 2 empty looks, not %d", c.MinLooks)
	case c.CallSlack <= c.AnswerLimit:
		return fmt.Errorf("money clocks: call slack (%s) must be longer than the answer limit (%s)", c.CallSlack, c.AnswerLimit)
	case c.AbsenceAtOnce < c.AbsenceRecorded:
		return fmt.Errorf("money clocks: absence for at_once (%s) must not be shorter than for recorded (%s)", c.AbsenceAtOnce, c.AbsenceRecorded)
	}
	return nil
}

// ValidateReal refuses clocks that a real gateway can't keep up with: answers
// that come after them would be taken for absent, and paid for twice.
func (c Clocks) ValidateReal() error {
	least := DefaultClocks()
	for _, clock := range []struct {
		name        string
		have, least time.Duration
	}{
		{"answer_limit", c.AnswerLimit, least.AnswerLimit},
		{"call_slack", c.CallSlack, least.CallSlack},
		{"absence_recorded", c.AbsenceRecorded, least.AbsenceRecorded},
		{"absence_at_once", c.AbsenceAtOnce, least.AbsenceAtOnce},
		{"watch_after", c.WatchAfter, least.WatchAfter},
	} {
		if clock.have < clock.least {
			return fmt.Errorf("money clocks: %s is %s; a real gateway needs at least %s", clock.name, clock.have, clock.least)
		}
	}
	if c.MinLooks < least.MinLooks {
		return fmt.Errorf("money clocks: absence takes at least %d empty looks at a real gateway, not %d", least.MinLooks, c.MinLooks)
	}
	return nil
}

func all(c *Clocks) []*time.Duration {
	return []*time.Duration{
		&c.SendWindow, &c.AnswerLimit, &c.CallSlack, &c.LeaseSlack, &c.FirstLook,
		&c.AbsenceRecorded, &c.AbsenceAtOnce, &c.DoubtPerson, &c.WatchAfter,
		&c.ReleaseOverdue, &c.Handoff, &c.Follow, &c.SettleOverdue, &c.RetryFirst,
		&c.RetryMost, &c.SetupPatience, &c.ProbeFirst, &c.ProbeMost,
	}
}

// absence is how long an empty answer has to age for one way to settle.
func (c Clocks) absence(mode payment.SettleMode) time.Duration {
	if mode == payment.SettleRecorded {
		return c.AbsenceRecorded
	}
	return c.AbsenceAtOnce
}

// Backoff is the wait after the n-th failure in a row, counted from one.
func (c Clocks) Backoff(n int) time.Duration { return backoff(c.RetryFirst, c.RetryMost, n) }

// ProbeBackoff is the wait after the n-th preflight that failed.
func (c Clocks) ProbeBackoff(n int) time.Duration { return backoff(c.ProbeFirst, c.ProbeMost, n) }

func backoff(first, most time.Duration, n int) time.Duration {
	d := first
	for range n - 1 {
		if d >= most/2 {
			return most
		}
		d *= 2
	}
	return min(d, most)
}

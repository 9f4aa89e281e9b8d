package charge

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// MayHaveSent takes in that attempts up to that number may have been sent,
// though these books, which were put back, don't know it: those that are
// missing, planned or withdrawn become doubt, with what they were probably
// sent with. What was sent and came to something stays as it is.
func (c *Charge) MayHaveSent(number int, sent Attempt, at time.Time) {
	for len(c.Attempts) < min(number, MaxAttempts) {
		c.Plan(at)
	}
	for i := range c.Attempts {
		a := &c.Attempts[i]
		if a.Number > number || a.Stage != StagePlanned && a.Stage != StageWithdrawn {
			continue
		}
		a.Settle, a.Mode, a.Endpoint, a.Site, a.User, a.Stored = sent.Settle, sent.Mode, sent.Endpoint, sent.Site, sent.User, sent.Stored
		a.Stage, a.Outcome, a.AnsweredAt = StageAnswered, payment.OutcomeUnknown, at
		a.StartedAt, a.SendBefore = sent.StartedAt, sent.SendBefore
		a.Reason = "It may have been sent before the database was put back."
		c.Text = a.Reason
	}
}

// SentAs is what a transaction tells of the attempt that made it.
func SentAs(t payment.Transaction, place Place, settle payment.SettleMode) Attempt {
	return Attempt{
		Settle: settle, Mode: t.Mode, Endpoint: place.Endpoint, Site: place.Site, User: t.User, Stored: t.Parent,
		StartedAt: t.StartedAt, SendBefore: t.StartedAt,
	}
}

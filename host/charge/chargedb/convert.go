package chargedb

import (
	"database/sql"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// maxText is what the text columns hold, in characters.
const maxText = 1000

func nullable(t time.Time) sql.NullTime { return sql.NullTime{Time: utc(t), Valid: !t.IsZero()} }

func moment(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// utc cuts to the microseconds that the databases keep, so that what is read
// equals what was written.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	s = s[:maxText]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// word makes what a gateway sent fit a column of that width: what is not plain
// ASCII or too long must not keep the rest from being written.
func word[T ~string](s T, most int) string {
	b := make([]byte, 0, min(len(s), most))
	for i := 0; i < len(s) && len(b) < most; i++ {
		if c := s[i]; c >= ' ' && c <= '~' {
			b = append(b, c)
		}
	}
	return string(b)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func fromOrder(o order.Order) orderRow {
	return orderRow{
		ID: string(o.ID), ChannelID: string(o.ChannelID), Reference: o.Reference, PlacedAt: utc(o.PlacedAt),
		ContentHash: o.ContentHash, CreatedAt: utc(o.CreatedAt), CreatedBy: o.CreatedBy,
		CancelledAt: nullable(o.CancelledAt), CancelReason: cut(o.CancelReason),
	}
}

func (r orderRow) order() order.Order {
	return order.Order{
		ID: charge.OrderID(r.ID), ChannelID: settings.CompanyID(r.ChannelID), Reference: r.Reference, PlacedAt: r.PlacedAt.UTC(),
		ContentHash: r.ContentHash, CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
		CancelledAt: moment(r.CancelledAt), CancelReason: r.CancelReason,
	}
}

func fromCharge(c *charge.Charge) chargeRow {
	return chargeRow{
		ID: string(c.ID), OrderID: string(c.OrderID), ChannelID: string(c.ChannelID), FulfillerID: string(c.FulfillerID),
		LinkID: string(c.LinkID), Plugin: c.Plugin, Purpose: c.Purpose, AmountMinor: c.Amount.Minor, Currency: c.Amount.Currency,
		Stem: c.Stem, PlacedAt: utc(c.PlacedAt), CancelledAt: nullable(c.CancelledAt), ConfirmedAt: nullable(c.ConfirmedAt),
		NoTold: c.NoTold, YesTold: c.YesTold, Chosen: string(c.Chosen), State: string(c.State), Produce: string(c.Produce),
		Reason: string(c.Reason), PersonCase: string(c.Case), Text: cut(c.Text), Checks: int64(c.Checks), SinceCase: nullable(c.SinceCase), MendSince: nullable(c.MendSince), AccessFailedAt: nullable(c.AccessFailedAt),
		LeaseOwner: c.LeaseOwner, LeaseUntil: nullable(c.LeaseUntil), Version: c.Version, NextCheckAt: nullable(c.NextCheckAt),
		CheckedAt: utc(c.CheckedAt), CreatedAt: utc(c.CreatedAt), UpdatedAt: utc(c.UpdatedAt),
	}
}

func (r chargeRow) charge() *charge.Charge {
	return &charge.Charge{
		ID: charge.ID(r.ID), OrderID: charge.OrderID(r.OrderID), ChannelID: settings.CompanyID(r.ChannelID),
		FulfillerID: settings.CompanyID(r.FulfillerID), LinkID: settings.LinkID(r.LinkID), Plugin: r.Plugin, Purpose: r.Purpose,
		Amount: payment.Amount{Minor: r.AmountMinor, Currency: r.Currency}, Stem: r.Stem, PlacedAt: r.PlacedAt.UTC(),
		CancelledAt: moment(r.CancelledAt), ConfirmedAt: moment(r.ConfirmedAt), NoTold: r.NoTold, YesTold: r.YesTold,
		Chosen: payment.TransactionID(r.Chosen), State: charge.State(r.State), Produce: charge.Produce(r.Produce),
		Reason: charge.Reason(r.Reason), Case: charge.Case(r.PersonCase), Text: r.Text, Checks: int(r.Checks), SinceCase: moment(r.SinceCase), MendSince: moment(r.MendSince), AccessFailedAt: moment(r.AccessFailedAt),
		LeaseOwner: r.LeaseOwner, LeaseUntil: moment(r.LeaseUntil), Version: r.Version, NextCheckAt: moment(r.NextCheckAt),
		CheckedAt: r.CheckedAt.UTC(), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func fromAttempt(a charge.Attempt) attemptRow {
	return attemptRow{
		ChargeID: string(a.ChargeID), Number: int64(a.Number), Reference: string(a.Reference), Stage: string(a.Stage),
		Settle: string(a.Settle), Mode: string(a.Mode), Endpoint: a.Endpoint, Site: a.Site, User: a.User, Stored: string(a.Stored),
		Sequence: a.Sequence, SettingsVersion: a.SettingsVersion, PlannedAt: utc(a.PlannedAt), StartedAt: nullable(a.StartedAt),
		SendBefore: nullable(a.SendBefore), AnsweredAt: nullable(a.AnsweredAt), Outcome: string(a.Outcome), Decline: string(a.Decline),
		Fault: string(a.Fault), Code: word(a.Code, 32), Reason: cut(a.Reason), Looks: int64(a.Looks), FirstLook: nullable(a.FirstLook),
		LastLook: nullable(a.LastLook), ControlFailedAt: nullable(a.ControlFailedAt), AbsentAt: nullable(a.AbsentAt), WatchedAt: nullable(a.WatchedAt),
	}
}

func (r attemptRow) attempt() charge.Attempt {
	return charge.Attempt{
		ChargeID: charge.ID(r.ChargeID), Number: int(r.Number), Reference: payment.Reference(r.Reference), Stage: charge.Stage(r.Stage),
		Settle: payment.SettleMode(r.Settle), Mode: payment.Mode(r.Mode), Endpoint: r.Endpoint, Site: r.Site, User: r.User,
		Stored: payment.TransactionID(r.Stored), Sequence: r.Sequence, SettingsVersion: r.SettingsVersion, PlannedAt: r.PlannedAt.UTC(),
		StartedAt: moment(r.StartedAt), SendBefore: moment(r.SendBefore), AnsweredAt: moment(r.AnsweredAt),
		Outcome: payment.Outcome(r.Outcome), Decline: payment.Decline(r.Decline), Fault: payment.Fault(r.Fault), Code: r.Code, Reason: r.Reason,
		Looks: int(r.Looks), FirstLook: moment(r.FirstLook), LastLook: moment(r.LastLook), ControlFailedAt: moment(r.ControlFailedAt),
		AbsentAt: moment(r.AbsentAt), WatchedAt: moment(r.WatchedAt),
	}
}

func fromRecord(r charge.Record, endpoint string) recordRow {
	return recordRow{
		ChargeID: string(r.ChargeID), TransactionID: string(r.ID), Endpoint: endpoint, Parent: word(r.Parent, 25), Reference: word(r.Reference, 25),
		Kind: string(r.Kind), AmountMinor: r.Amount.Minor, Currency: word(r.Amount.Currency, 3), Status: string(r.Status), Outcome: string(r.Outcome),
		Decline: string(r.Decline), Fault: string(r.Fault), Code: word(r.Code, 32), Message: cut(r.Message), Site: word(r.Site, 64), User: word(r.User, 255), Mode: string(r.Mode),
		Card: word(r.Card, 32), Scheme: word(r.Scheme, 32), Expiry: word(r.Expiry, 32), StartedAt: nullable(r.StartedAt), SettleDue: nullable(r.SettleDue),
		SettledAt: nullable(r.SettledAt), Asked: string(r.Asked), Matches: r.Matches, Adjust: string(r.Adjust), AdjustAt: nullable(r.AdjustAt),
		AdjustTry: int64(r.AdjustTry), Accepted: r.Accepted, ReleasedAt: nullable(r.ReleasedAt), ConfirmedAt: nullable(r.ConfirmedAt),
		CancelAt: nullable(r.CancelAt), SeenAt: utc(r.SeenAt),
	}
}

func (r recordRow) record() charge.Record {
	return charge.Record{
		ChargeID: charge.ID(r.ChargeID),
		Transaction: payment.Transaction{
			ID: payment.TransactionID(r.TransactionID), Parent: payment.TransactionID(r.Parent), Reference: payment.Reference(r.Reference),
			Kind: payment.Kind(r.Kind), Amount: payment.Amount{Minor: r.AmountMinor, Currency: r.Currency}, Status: payment.Status(r.Status),
			Outcome: payment.Outcome(r.Outcome), Decline: payment.Decline(r.Decline), Fault: payment.Fault(r.Fault), Code: r.Code,
			Message: r.Message, Site: r.Site, User: r.User, Mode: payment.Mode(r.Mode), Card: r.Card, Scheme: r.Scheme, Expiry: r.Expiry,
			StartedAt: moment(r.StartedAt), SettleDue: moment(r.SettleDue), SettledAt: moment(r.SettledAt),
		},
		Asked: payment.SettleMode(r.Asked), Matches: r.Matches, Adjust: payment.Action(r.Adjust), AdjustAt: moment(r.AdjustAt),
		AdjustTry: int(r.AdjustTry), Accepted: r.Accepted, ReleasedAt: moment(r.ReleasedAt), ConfirmedAt: moment(r.ConfirmedAt),
		CancelAt: moment(r.CancelAt), SeenAt: r.SeenAt.UTC(),
	}
}

func fromEvidence(e charge.Evidence) evidenceRow {
	return evidenceRow{
		ID: newID(), ChargeID: string(e.ChargeID), Number: int64(e.Number), Class: string(e.Class), At: utc(e.At), ByWhom: e.By,
		Text: cut(e.Text), Body: e.Body, TableVersion: charge.TableVersion, Version: e.Version, State: string(e.State), Produce: string(e.Produce),
	}
}

func (r evidenceRow) evidence() charge.Evidence {
	return charge.Evidence{
		ID: r.ID, ChargeID: charge.ID(r.ChargeID), Number: int(r.Number), Class: charge.Class(r.Class), At: r.At.UTC(), By: r.ByWhom,
		Text: r.Text, Body: r.Body, Table: int(r.TableVersion), Version: r.Version, State: charge.State(r.State), Produce: charge.Produce(r.Produce),
	}
}

func fromEntry(e charge.Entry) entryRow {
	return entryRow{
		ID: newID(), At: utc(e.At), ChargeID: string(e.ChargeID), FulfillerID: string(e.FulfillerID), LinkID: string(e.LinkID),
		TransactionID: word(e.Transaction, 25), Site: word(e.Site, 64), Debit: string(e.Debit), Credit: string(e.Credit),
		AmountMinor: e.Amount.Minor, Currency: e.Amount.Currency,
	}
}

func (r entryRow) entry() charge.Entry {
	return charge.Entry{
		ID: r.ID, At: r.At.UTC(), ChargeID: charge.ID(r.ChargeID), FulfillerID: settings.CompanyID(r.FulfillerID), LinkID: settings.LinkID(r.LinkID),
		Transaction: payment.TransactionID(r.TransactionID), Site: r.Site, Debit: charge.Account(r.Debit), Credit: charge.Account(r.Credit),
		Amount: payment.Amount{Minor: r.AmountMinor, Currency: r.Currency},
	}
}

func fromEvent(e charge.Event) eventRow {
	return eventRow{
		ID: newID(), Type: e.Type, At: utc(e.At), OrderID: string(e.OrderID), ChannelID: e.ChannelID, FulfillerID: e.FulfillerID,
		ChargeID: string(e.ChargeID), Version: e.Version, State: string(e.State), Produce: string(e.Produce), Reason: string(e.Reason),
	}
}

func fromPause(p charge.Pause) pauseRow {
	return pauseRow{
		Scope: string(p.Scope), ScopeKey: p.Key, LinkID: string(p.LinkID), FulfillerID: string(p.FulfillerID), Plugin: p.Plugin, Code: p.Code,
		Text: cut(p.Text), Since: utc(p.Since), Probes: int64(p.Probes), NextProbeAt: utc(p.NextProbeAt),
	}
}

func (r pauseRow) pause() charge.Pause {
	return charge.Pause{
		Scope: charge.Scope(r.Scope), Key: r.ScopeKey, LinkID: settings.LinkID(r.LinkID), FulfillerID: settings.CompanyID(r.FulfillerID),
		Plugin: r.Plugin, Code: r.Code, Text: r.Text, Since: r.Since.UTC(), Probes: int(r.Probes), NextProbeAt: r.NextProbeAt.UTC(),
	}
}

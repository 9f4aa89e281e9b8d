package payment

import "time"

// Kind is the sort of a transaction.
type Kind string

// The sorts of transaction that matter here. Whatever else a gateway knows is
// KindOther.
const (
	KindUnspecified   Kind = ""
	KindAuthorisation Kind = "authorisation"
	KindAccountCheck  Kind = "account_check"
	KindRefund        Kind = "refund"
	KindOther         Kind = "other"
)

// Transaction is what the gateway says it holds of one transaction. A field
// that the gateway left out is zero; nothing is filled in by guessing.
type Transaction struct {
	ID        TransactionID
	Parent    TransactionID
	Reference Reference // our own reference that it was sent with
	Kind      Kind
	Amount    Amount
	Status    Status
	// Outcome is what the record says happened, read by the same table as the
	// answer to a Charge and for the SettleMode that was asked for.
	Outcome Outcome
	Decline Decline
	Fault   Fault
	// Code and Message are the gateway's own; Message is for people only.
	Code    string
	Message string
	Site    string
	User    string // the gateway user that made it
	Mode    Mode
	Card    string // masked number, "411111######1111"
	Scheme  string // "VISA"
	Expiry  string // "2027-12"
	// Times are UTC.
	StartedAt time.Time
	SettleDue time.Time // a date
	SettledAt time.Time
}

// Live reports whether the transaction is an authorisation that can still
// take money: recorded as authorised, and not cancelled.
func (t Transaction) Live() bool {
	if t.Kind != KindAuthorisation || t.Status == StatusCancelled {
		return false
	}
	return t.Outcome == OutcomeApproved || t.Outcome == OutcomeHeld || t.Outcome == OutcomePending
}

// FilledFrom completes what this sight of a transaction left out with what an
// earlier one of the same transaction had. Gateways drop fields at will.
func (t Transaction) FilledFrom(old Transaction) Transaction {
	fill(&t.Parent, old.Parent)
	fill(&t.Reference, old.Reference)
	fill(&t.Amount.Minor, old.Amount.Minor)
	fill(&t.Amount.Currency, old.Amount.Currency)
	fill(&t.Site, old.Site)
	fill(&t.User, old.User)
	fill(&t.Mode, old.Mode)
	fill(&t.Card, old.Card)
	fill(&t.Scheme, old.Scheme)
	fill(&t.Expiry, old.Expiry)
	fill(&t.StartedAt, old.StartedAt)
	fill(&t.SettleDue, old.SettleDue)
	fill(&t.SettledAt, old.SettledAt)
	return t
}

func fill[T comparable](v *T, old T) {
	var zero T
	if *v == zero {
		*v = old
	}
}

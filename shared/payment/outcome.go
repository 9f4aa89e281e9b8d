package payment

// Outcome is what an attempt to collect money came to. The empty Outcome is
// treated as OutcomeUnknown wherever it is met.
type Outcome string

// The outcomes.
const (
	OutcomeUnspecified Outcome = ""
	// OutcomeApproved: authorised in the way that was asked for. An attempt
	// that asked to be held and was held is approved.
	OutcomeApproved Outcome = "approved"
	// OutcomeHeld: authorised, but suspended by the gateway against our asking.
	OutcomeHeld Outcome = "held"
	// OutcomeDeclined: the bank or the gateway's rules said no.
	OutcomeDeclined Outcome = "declined"
	// OutcomePending: started, to be decided by somebody else later, as bank
	// transfers are.
	OutcomePending Outcome = "pending"
	// OutcomeNotSent: proven that not one byte of the request left.
	OutcomeNotSent Outcome = "not_sent"
	// OutcomeRejected: the gateway refused to try, because the request or the
	// company's settings are wrong.
	OutcomeRejected Outcome = "rejected"
	// OutcomeUnknown: money may or may not have been reserved. Only a Query
	// may follow.
	OutcomeUnknown Outcome = "unknown"
)

// Known reports whether the outcome is certain.
func (o Outcome) Known() bool {
	switch o {
	case OutcomeApproved, OutcomeHeld, OutcomeDeclined, OutcomePending, OutcomeNotSent, OutcomeRejected:
		return true
	}
	return false
}

// SettleMode is how an authorisation comes to be debited.
type SettleMode string

// The ways to settle.
const (
	SettleUnspecified SettleMode = ""
	// SettleRecorded: authorise held, write it down, then release. The default.
	SettleRecorded SettleMode = "recorded"
	// SettleAtOnce: one call; the gateway settles by itself.
	SettleAtOnce SettleMode = "at_once"
)

// Status is where a transaction stands on its way to the merchant's account,
// as the gateway tells it.
type Status string

// The statuses.
const (
	StatusUnspecified Status = ""
	// StatusDue: will settle by itself in the next batch.
	StatusDue Status = "due"
	// StatusDueUnchecked: as StatusDue, past the gateway's own checks.
	StatusDueUnchecked Status = "due_unchecked"
	// StatusSuspended: authorised; settles only once released, else lapses.
	StatusSuspended Status = "suspended"
	// StatusCancelled: will never settle. Every declined authorisation has it.
	StatusCancelled Status = "cancelled"
	// StatusSettling: handed to the bank, or waiting for a bank transfer.
	StatusSettling Status = "settling"
	// StatusSettled: the money is with the merchant.
	StatusSettled Status = "settled"
)

// Released reports whether the transaction settles or has settled without
// anybody doing more.
func (s Status) Released() bool {
	switch s {
	case StatusDue, StatusDueUnchecked, StatusSettling, StatusSettled:
		return true
	}
	return false
}

// Mode tells test money from real money.
type Mode string

// The modes.
const (
	ModeUnspecified Mode = ""
	ModeTest        Mode = "test"
	ModeLive        Mode = "live"
)

// Fault says how far a refusal reaches: what has to stop until it is mended.
type Fault string

// The reaches of a fault.
const (
	// FaultNone: nothing beyond this attempt.
	FaultNone Fault = ""
	// FaultOrder: this order can't be charged this way; others can.
	FaultOrder Fault = "order"
	// FaultStoredReference: the retailer's stored reference is unusable; the link stops.
	FaultStoredReference Fault = "stored_reference"
	// FaultSite: credentials, address rule or site are wrong; every charge on
	// the company's site stops.
	FaultSite Fault = "site"
	// FaultGateway: the gateway could not be reached or asks for patience;
	// trying again later is right.
	FaultGateway Fault = "gateway"
)

// Decline tells what a decline leaves room for.
type Decline string

// The kinds of decline.
const (
	DeclineUnspecified Decline = ""
	// DeclineHard: the same card must not be tried again by itself.
	DeclineHard Decline = "hard"
	// DeclineSoft: the same card may work later, or once its holder acts.
	DeclineSoft Decline = "soft"
)

package payment

import (
	"context"
	"time"
)

// Numbers of the protocol between host and plugin.
const (
	// AnswerLimit is how long a gateway call may take from its first byte. The
	// gateway itself waits up to 60 s for a bank; giving up earlier turns slow
	// approvals into doubt.
	AnswerLimit = 70 * time.Second
	// CallSlack is how long after SendBefore a Charge call may return: the
	// answer limit and a little for the way back.
	CallSlack = 75 * time.Second
	// MaxLookups bounds one Query.
	MaxLookups = 100
	// MaxWindow is the longest Window. It covers any backup worth bringing
	// back; a longer stretch is asked for in parts.
	MaxWindow = 366 * 24 * time.Hour
	// MaxPage bounds the transactions on one page of a window.
	MaxPage = 500
	// MaxCursor is the length of the longest cursor, in bytes.
	MaxCursor = 200
	// MaxAdjustments bounds one Adjust.
	MaxAdjustments = 100
)

// Gateway is one payment gateway, behind a plugin. All methods may be called
// at the same time, need a deadline on ctx, and keep nothing that a restart
// would lose. Errors are *Error; one that is not says nothing about whether
// the request was sent.
type Gateway interface {
	// Describe tells what the plugin is. It reaches no network.
	Describe(ctx context.Context) (Description, error)
	// ValidateSettings checks the meaning of settings whose shape is right. It
	// reaches no network. Problems are part of the report, not an error.
	ValidateSettings(ctx context.Context, req SettingsRequest) (SettingsReport, error)
	// Preflight tries credentials, site and stored reference at the gateway
	// without moving money. What it finds is part of the report; an error
	// means that the check itself could not be made.
	Preflight(ctx context.Context, req PreflightRequest) (PreflightReport, error)
	// Charge sends one authorisation at most once, never queries, never sends
	// again. Every doubt is OutcomeUnknown. An error leaves the outcome
	// unknown too, unless NotSent(err). A request that could not be right (bad
	// reference, amount or mode, settings that lead elsewhere) is such an
	// error, with ErrorInvalid; OutcomeRejected is the gateway's own refusal.
	Charge(ctx context.Context, req ChargeRequest) (ChargeResult, error)
	// Query looks transactions up, or gives one page of a Window. A nil error
	// means that every lookup was answered by the gateway, or that the page is
	// whole; what is not in the result was not found. A request that does not
	// pass its Validate, and a cursor that this plugin did not give for this
	// site and window, are ErrorInvalid; refused credentials are
	// ErrorUnauthorized. A plugin without CapabilityQueryWindow refuses every
	// window.
	Query(ctx context.Context, req QueryRequest) (QueryResult, error)
	// Adjust releases or cancels transactions, each named by the gateway's own
	// id. What it answers decides nothing: read back with Query. No adjustments,
	// one without an action, or more than MaxAdjustments are ErrorInvalid.
	Adjust(ctx context.Context, req AdjustRequest) (AdjustResult, error)
}

// Description is what a plugin says of itself.
type Description struct {
	Name         string   `json:"name"`    // "trustpayments"
	Title        string   `json:"title"`   // "Trust Payments"
	Version      string   `json:"version"` // of the plugin
	Revision     string   `json:"revision,omitempty"`
	Capabilities []string `json:"capabilities"` // CapabilityX
	Settings     []Field  `json:"settings"`
}

// The capabilities.
const (
	CapabilityCharge  = "charge"
	CapabilityQuery   = "query"
	CapabilityRelease = "release"
	CapabilityCancel  = "cancel"
	// CapabilityQueryWindow: Query takes a Window.
	CapabilityQueryWindow = "query_window"
)

// SettingsRequest asks whether settings make sense.
type SettingsRequest struct {
	Settings Settings
	// Partial allows required fields to be missing: a fulfiller's settings are
	// completed by those of a link.
	Partial bool
}

// SettingsReport is the answer to it.
type SettingsReport struct {
	Problems []FieldProblem
	Profile  Profile // as far as the fields that are there allow
}

// Access is how a call gets to the gateway: on whose behalf, with what.
type Access struct {
	Company  string // our company id, for logs
	Settings Settings
	// Endpoint and Site are where the work lies. A plugin refuses settings that
	// lead elsewhere: an attempt is queried and released where it was made.
	Endpoint string
	Site     string
}

// PreflightRequest asks for a check that moves no money.
type PreflightRequest struct {
	Access Access
	// Stored is the stored transaction reference; empty checks the
	// credentials and the site alone.
	Stored TransactionID
}

// PreflightReport is what the check found.
type PreflightReport struct {
	Findings []Finding
	Mode     Mode
	// The stored reference, as the gateway holds it.
	Card     string // masked
	Scheme   string
	Expiry   string // "2027-12"
	Currency string
}

// Passed reports whether nothing stands in the way of charging. A report
// without findings has checked nothing, and passes nothing.
func (r PreflightReport) Passed() bool {
	for _, f := range r.Findings {
		if f.Level != LevelOK && f.Level != LevelWarning {
			return false
		}
	}
	return len(r.Findings) > 0
}

// Level is how much a finding matters.
type Level string

// The levels.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning"
	LevelProblem Level = "problem"
)

// Finding is one result of a preflight, in words for the person who set it up.
type Finding struct {
	Check string `json:"check"` // machine word: "credentials", "site", "stored_reference", "card", ...
	Level Level  `json:"level"`
	Field string `json:"field,omitempty"` // the settings field it is about
	Text  string `json:"text"`            // what was found
	Todo  string `json:"todo,omitempty"`  // what to do, and where
	Fault Fault  `json:"fault,omitempty"`
	Code  string `json:"code,omitempty"` // the gateway's own code
}

// ChargeRequest asks for one authorisation on a stored reference.
type ChargeRequest struct {
	Access    Access
	Reference Reference
	Amount    Amount
	Stored    TransactionID
	Settle    SettleMode
	Mode      Mode // what the settings say; another in the answer is doubt
	// Sequence counts the charges made on the stored reference, from 2, for
	// gateways that want a recurring series numbered.
	Sequence int64
	// SendBefore is the moment after which the first byte must not leave.
	SendBefore time.Time
	// AnswerWithin is how long to wait from sending; zero or more than
	// AnswerLimit means AnswerLimit.
	AnswerWithin time.Duration
}

// ChargeResult is what one attempt came to.
type ChargeResult struct {
	Outcome     Outcome
	Transaction *Transaction // what the gateway named, if it named one
	Decline     Decline
	Fault       Fault
	Code        string // the gateway's own
	Reason      string // what happened and who does what about it
	Evidence    string // the answer without secrets or personal data, at most MaxEvidence bytes
}

// MaxEvidence is the size of the largest evidence a plugin may return, in bytes.
const MaxEvidence = 8 << 10

// Action is what to do with an authorisation that has not settled.
type Action string

// The actions.
const (
	ActionUnspecified Action = ""
	ActionRelease     Action = "release" // let it settle
	ActionCancel      Action = "cancel"  // let it go
)

// Adjustment is one action on one transaction.
type Adjustment struct {
	ID     TransactionID
	Action Action
}

// AdjustRequest asks for up to MaxAdjustments actions.
type AdjustRequest struct {
	Access      Access
	Adjustments []Adjustment
}

// AdjustResult has one entry for each adjustment, in the same order.
type AdjustResult struct {
	Adjusted []Adjusted
}

// Adjusted is the gateway's word on one adjustment. It is evidence, not proof.
type Adjusted struct {
	ID       TransactionID
	Accepted bool
	Code     string
	Message  string
}

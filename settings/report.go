package settings

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Report is the last preflight of a link: what the gateway said of credentials,
// site and stored reference, and of which settings it said so.
type Report struct {
	LinkID   LinkID
	At       time.Time
	By       string
	Passed   bool
	Findings []payment.Finding
	Mode     payment.Mode
	Card     string // masked, as a person has to confirm it
	Scheme   string
	Expiry   string // "2027-12"
	Currency string
	// What was checked.
	Place            Place
	FulfillerVersion int64
	LinkVersion      int64
	// Confirmed: a person has confirmed the card of this stored reference.
	Confirmed bool
}

// Place is one stored reference at one site: a card, as the gateway finds it.
type Place struct {
	Plugin   string
	Endpoint string
	Site     string
	Stored   payment.TransactionID
}

// Confirmation is a person's word that a stored reference is the card it
// should be.
type Confirmation struct {
	LinkID LinkID
	Place  Place
	Card   string // masked
	Scheme string
	Expiry string
	At     time.Time
	By     string
}

// CardUse says that a link's settings in force charge a stored reference.
type CardUse struct {
	LinkID    LinkID
	ChannelID CompanyID
	Place     Place // without Stored the link uses none

	field payment.FieldProblem // where it was entered
}

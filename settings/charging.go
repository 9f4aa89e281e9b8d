package settings

import (
	"fmt"

	"github.com/chargehand/chargehand/shared/payment"
)

// Effective is all that has to be known of a link to charge over it.
type Effective struct {
	Link      Link
	Fulfiller Company
	Channel   Company
	Plugin    string
	// Settings are the values in force, secrets open. They are shared with
	// others: do not change them.
	Settings payment.Settings
	Profile  payment.Profile
	// The versions that Settings were merged from.
	FulfillerVersion int64
	LinkVersion      int64
	// CardConfirmed: a person has confirmed the card behind Profile.Stored at
	// this endpoint and site. Nothing is charged without.
	CardConfirmed bool
}

// Version names the settings in force, for the records of an attempt.
func (e Effective) Version() string {
	return fmt.Sprintf("%d/%d", e.FulfillerVersion, e.LinkVersion)
}

package settings

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// LinkID is our own id of a link, a UUIDv7.
type LinkID string

// LinkState says whether orders are charged over a link.
type LinkState string

// The states of a link.
const (
	LinkOff LinkState = "off"
	LinkOn  LinkState = "on"
)

// AfterAbsence says what follows once it is proven that an attempt never came
// to be at the gateway.
type AfterAbsence string

// The ways to go on after an absence.
const (
	AbsenceAttempt AfterAbsence = "attempt" // one new attempt by itself
	AbsencePerson  AfterAbsence = "person"  // somebody decides
)

// Link joins a fulfiller and a sales channel. There is one for each pair.
type Link struct {
	ID          LinkID
	FulfillerID CompanyID
	ChannelID   CompanyID
	Plugin      string // name of the plugin that charges; fixed for good
	State       LinkState
	// StartAt is when charging begins: an order placed before it is not charged.
	StartAt time.Time
	// AfterAbsence applies up to AfterAbsenceMax, an amount in minor units of
	// the order's currency; above it a person decides. Zero means no limit.
	AfterAbsence    AfterAbsence
	AfterAbsenceMax int64
	// MaxOrderAgeDays is how old an order may be and still be charged by itself.
	MaxOrderAgeDays int
	// Version counts the changes of the link itself, from 1.
	Version   int64
	CreatedAt time.Time
	CreatedBy string
	UpdatedAt time.Time
	UpdatedBy string
}

// RetriesAbsent reports whether an attempt over this amount, in minor units,
// may be made again by itself once its absence is proven.
func (l Link) RetriesAbsent(minor int64) bool {
	return l.AfterAbsence == AbsenceAttempt && (l.AfterAbsenceMax == 0 || minor <= l.AfterAbsenceMax)
}

// NewLink is what a link is created from. It begins switched off.
type NewLink struct {
	FulfillerID CompanyID
	ChannelID   CompanyID
	Plugin      string
	// LinkRules may be left zero: charging begins with the link's creation, a
	// proven absence is attempted again, and orders may be DefaultMaxOrderAgeDays old.
	LinkRules
}

// LinkRules are the rules of a link that people set.
type LinkRules struct {
	StartAt         time.Time
	AfterAbsence    AfterAbsence
	AfterAbsenceMax int64
	MaxOrderAgeDays int
}

// LinkChange changes a link; what is nil stays as it is.
type LinkChange struct {
	// Seen is the Version that the change is based on.
	Seen            int64
	State           *LinkState
	StartAt         *time.Time
	AfterAbsence    *AfterAbsence
	AfterAbsenceMax *int64
	MaxOrderAgeDays *int
}

// Numbers for the age of orders, in days.
const (
	DefaultMaxOrderAgeDays = 30
	MaxOrderAgeDays        = 365
)

func (l Link) validate() error {
	switch {
	case l.State != LinkOff && l.State != LinkOn:
		return invalid("state", "it must be %q or %q", LinkOff, LinkOn)
	case l.AfterAbsence != AbsenceAttempt && l.AfterAbsence != AbsencePerson:
		return invalid("after_absence", "it must be %q or %q", AbsenceAttempt, AbsencePerson)
	case l.AfterAbsenceMax < 0 || l.AfterAbsenceMax > payment.MaxMinor:
		return invalid("after_absence_max", "it must be an amount in minor units from 0 (no limit) to %d", int64(payment.MaxMinor))
	case l.MaxOrderAgeDays < 1 || l.MaxOrderAgeDays > MaxOrderAgeDays:
		return invalid("max_order_age_days", "it must be from 1 to %d", MaxOrderAgeDays)
	case l.StartAt.IsZero() || l.StartAt.Year() < 2000 || l.StartAt.Year() > 9999:
		return invalid("start_at", "it must be a time from the year 2000 on, as RFC 3339")
	}
	return nil
}

// apply gives the link as the change would leave it.
func (c LinkChange) apply(l Link) Link {
	set(&l.State, c.State)
	set(&l.StartAt, c.StartAt)
	set(&l.AfterAbsence, c.AfterAbsence)
	set(&l.AfterAbsenceMax, c.AfterAbsenceMax)
	set(&l.MaxOrderAgeDays, c.MaxOrderAgeDays)
	l.StartAt = l.StartAt.UTC().Truncate(time.Microsecond)
	return l
}

func set[T any](v, to *T) {
	if to != nil {
		*v = *to
	}
}

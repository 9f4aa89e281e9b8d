package charge

import "time"

// Event tells the platform that a charge's answer or state has changed. It is
// written in the commit that changes it. Order them by Version, not by time.
type Event struct {
	ID          string // UUIDv7
	Type        string
	At          time.Time
	OrderID     OrderID
	ChannelID   string
	FulfillerID string
	ChargeID    ID
	Version     int64
	State       State
	Produce     Produce
	Reason      Reason
}

// EventChargeChanged is the type of all events there are so far.
const EventChargeChanged = "charge.changed"

// Changed gives the event that leads from one verdict to the next, or nil if
// there is nothing to tell.
func Changed(before, after *Charge, at time.Time) *Event {
	if before != nil && before.State == after.State && before.Produce == after.Produce && before.Reason == after.Reason {
		return nil
	}
	return &Event{
		Type: EventChargeChanged, At: at, OrderID: after.OrderID, ChannelID: string(after.ChannelID),
		FulfillerID: string(after.FulfillerID), ChargeID: after.ID, Version: after.Version,
		State: after.State, Produce: after.Produce, Reason: after.Reason,
	}
}

package verdict

import (
	"context"
	"fmt"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/stand"
)

// Holding is one authorisation that the gateway holds on a stored reference, from
// its own ledger. That it was made from one tells it from what people entered
// in the Virtual Terminal.
type Holding struct {
	ID        string
	Reference string // ours
	Status    int    // the gateway's settle status
	Amount    payment.Amount
	Good      bool      // authorised, as opposed to declined or failed
	Started   time.Time // on the gateway's clock
	// Released: it would have settled by itself at some time, whatever became of
	// it since.
	Released bool
	// Adjusted is when callers changed its status, by releasing or cancelling it,
	// on the gateway's clock.
	Adjusted []time.Time
}

// ReadLedger is what the gateway really holds on stored references.
func ReadLedger(ctx context.Context, s *stand.Simulator) ([]Holding, error) {
	var entries []gateway.Entry
	if err := s.Get(ctx, "/ledger", &entries); err != nil {
		return nil, err
	}
	var list []Holding
	for _, e := range entries {
		if e.Type == "AUTH" && e.Parent != "" {
			list = append(list, fromEntry(e))
		}
	}
	return list, nil
}

func fromEntry(e gateway.Entry) Holding {
	h := Holding{
		ID: e.TransactionReference, Reference: e.OrderReference, Status: e.SettleStatus, Good: e.ErrorCode == "0",
		Amount: payment.Amount{Minor: e.Amount, Currency: e.Currency}, Started: e.Started,
	}
	h.Released = h.Good && settles(e.SettleStatus)
	for _, c := range e.History {
		h.Released = h.Released || h.Good && (settles(c.From) || settles(c.To))
		if c.From != c.To && c.By == e.User {
			h.Adjusted = append(h.Adjusted, c.At)
		}
	}
	return h
}

func settles(status int) bool {
	return status != gateway.StatusSuspended && status != gateway.StatusCancelled
}

// Live reports whether it has taken money, or still can.
func (h Holding) Live() bool { return h.Good && h.Status != gateway.StatusCancelled }

// account is where our books must have the money of a live one.
func (h Holding) account() string {
	switch h.Status {
	case gateway.StatusSettled:
		return "settled"
	case gateway.StatusPending, gateway.StatusManual, gateway.StatusSettling:
		return "released"
	}
	return "authorised"
}

// Words tells its status to people.
func (h Holding) Words() string {
	switch h.Status {
	case gateway.StatusPending, gateway.StatusManual:
		return "due"
	case gateway.StatusSuspended:
		return "suspended"
	case gateway.StatusCancelled:
		if !h.Good {
			return "not authorised"
		}
		return "cancelled"
	case gateway.StatusSettling:
		return "settling"
	case gateway.StatusSettled:
		return "settled"
	}
	return fmt.Sprintf("status %d", h.Status)
}

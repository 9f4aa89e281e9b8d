package httpapi

import (
	"context"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Orders takes orders in. *order.Service is one.
type Orders interface {
	Place(ctx context.Context, p order.Placement, by string, until <-chan struct{}) (order.Order, []*charge.Charge, bool, error)
	Get(ctx context.Context, actor settings.Actor, id charge.OrderID) (order.Order, []*charge.Charge, error)
	GetByReference(ctx context.Context, actor settings.Actor, channel, reference string) (order.Order, []*charge.Charge, error)
	Cancel(ctx context.Context, actor settings.Actor, id charge.OrderID, reason string) (order.Order, []*charge.Charge, error)
}

// Charges reads charges, each caller its own. *order.Views is one.
type Charges interface {
	// List gives a page, the next page's cursor, and the orders' names.
	List(ctx context.Context, actor settings.Actor, f order.Filter) ([]*charge.Charge, map[charge.OrderID]string, error)
	// Explain gives a charge with its whole story and what happens next.
	Explain(ctx context.Context, actor settings.Actor, id charge.ID) (order.Story, error)
	// Ledger lists entries; the platform's alone.
	Ledger(ctx context.Context, actor settings.Actor, after string, limit int) ([]charge.Entry, error)
}

// Engine takes what people decide. *engine.Engine is one.
type Engine interface {
	Retry(ctx context.Context, id charge.ID, attempts int, by, reason string) error
	Probe(ctx context.Context, link settings.LinkID, fulfiller settings.CompanyID)
	Pauses() []charge.Pause
}

// Plugins tells what is loaded.
type Plugins interface {
	Plugins(ctx context.Context) []Plugin
}

// Plugin is one loaded plugin.
type Plugin struct {
	Name         string          `json:"name"`
	Title        string          `json:"title,omitempty"`
	Version      string          `json:"version,omitempty"`
	State        string          `json:"state"`
	PID          int             `json:"pid,omitempty"`
	Generation   int             `json:"generation"`
	Restarts     int             `json:"restarts"`
	StartedAt    time.Time       `json:"started_at,omitzero"`
	Confined     bool            `json:"confined" doc:"Whether the system keeps it from reading and executing what it was not given."`
	LastError    string          `json:"last_error,omitempty"`
	Capabilities []string        `json:"capabilities,omitempty"`
	Settings     []payment.Field `json:"settings,omitempty"`
}

// Check is one thing that has to be well for the host to be ready.
type Check struct {
	Name string
	// Run answers nil, or what is wrong and what to do.
	Run func(ctx context.Context) error
}

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

// Plugins tells what is loaded, and replaces it while calls run. Its errors are
// *payment.Error, with a text for the operator.
type Plugins interface {
	Plugins(ctx context.Context) []Plugin
	// Upgrade goes to the version that is installed, or to the one at a path on
	// the host's machine.
	Upgrade(ctx context.Context, name, from string) (PluginChange, error)
	// Rollback goes back to the version before; from, unless empty, is the
	// checksum of the one to leave.
	Rollback(ctx context.Context, name, from string) (PluginChange, error)
	// Restart starts a new process, and ends a quarantine.
	Restart(ctx context.Context, name string) (PluginChange, error)
}

// Plugin is one loaded plugin.
type Plugin struct {
	Name         string          `json:"name"`
	Title        string          `json:"title,omitempty"`
	Version      string          `json:"version,omitempty"`
	SHA256       string          `json:"sha256,omitempty" doc:"Of the binary that is in force"`
	Previous     *PluginRelease  `json:"previous,omitempty" doc:"What a roll-back goes back to"`
	State        string          `json:"state" doc:"starting, ready, backoff, quarantined, draining, stopped or refused"`
	PID          int             `json:"pid,omitempty"`
	Generation   int             `json:"generation"`
	Restarts     int             `json:"restarts"`
	StartedAt    time.Time       `json:"started_at,omitzero"`
	Confined     bool            `json:"confined" doc:"Whether the system keeps it from reading and executing what it was not given."`
	InFlight     int             `json:"in_flight" doc:"Calls under way"`
	LastError    string          `json:"last_error,omitempty"`
	Advice       string          `json:"advice,omitempty" doc:"What a person has to do"`
	Capabilities []string        `json:"capabilities,omitempty"`
	Settings     []payment.Field `json:"settings,omitempty"`
}

// PluginRelease is one version of a plugin.
type PluginRelease struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// PluginChange is what the replacement of a plugin came to.
type PluginChange struct {
	Changed  bool           `json:"changed" doc:"False if what was asked for was in force already"`
	Version  string         `json:"version"`
	SHA256   string         `json:"sha256"`
	Previous *PluginRelease `json:"previous,omitempty" doc:"What a roll-back goes back to"`
	Draining int            `json:"draining" doc:"Calls that the old process still has in flight; it ends after them"`
}

// Check is one thing that has to be well for the host to be ready.
type Check struct {
	Name string
	// Run answers nil, or what is wrong and what to do.
	Run func(ctx context.Context) error
}

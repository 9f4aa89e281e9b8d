package settings

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/chargehand/chargehand/shared/payment"
)

// Gateways finds the plugin of that name. Errors: payment.ErrorNotFound if
// none is installed under it, payment.ErrorUnavailable if it does not run.
type Gateways interface {
	Gateway(name string) (payment.Gateway, error)
}

// Charges tells whether a transaction at the gateway is one of ours: such a
// one is a charge, not a card that was stored for charging.
type Charges interface {
	IsOurTransaction(ctx context.Context, endpoint, site string, id payment.TransactionID) (bool, error)
}

// Config is what a Service needs.
type Config struct {
	Store    Store
	Gateways Gateways
	// Charges may be nil where there are none yet.
	Charges Charges
	Master  KeyWrapper
	// Mode is that of the payments which count in this environment; empty holds
	// for both. A preflight in the other mode says so.
	Mode payment.Mode
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// CacheSize is how many links, companies and keys are kept in memory, each;
	// zero means 20000.
	CacheSize int
}

// Service is the settings of all companies. It is safe for use by many at the
// same time. Refusals have a payment.ErrorKind; other errors come from the store.
type Service struct {
	store    Store
	gateways Gateways
	charges  Charges
	mode     payment.Mode
	sealer   *sealer
	now      func() time.Time
	caches   caches
}

// New makes a Service.
func New(cfg Config) (*Service, error) {
	switch {
	case cfg.Store == nil:
		return nil, errors.New("settings: no store was given")
	case cfg.Gateways == nil:
		return nil, errors.New("settings: no plugins were given")
	case cfg.Master == nil:
		return nil, errors.New("settings: there is no master key, without which no secret can be sealed or opened; configure one")
	}
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	size := cfg.CacheSize
	if size <= 0 {
		size = 20000
	}
	return &Service{
		store: cfg.Store, gateways: cfg.Gateways, charges: cfg.Charges, mode: cfg.Mode, now: now,
		sealer: newSealer(cfg.Master, cfg.Store, now, size), caches: newCaches(now, size),
	}, nil
}

// moment is the time as the store keeps it.
func (s *Service) moment() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// isID reports whether a text can be one of our ids. What can't is answered
// without asking a database that may compare more loosely.
func isID[T ~string](id T) bool {
	u, err := uuid.Parse(string(id))
	return err == nil && u.String() == string(id)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

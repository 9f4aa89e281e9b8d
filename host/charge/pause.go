package charge

import (
	"time"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Scope is what a pause stops.
type Scope string

// The scopes.
const (
	ScopeLink     Scope = "link"     // one retailer's stored reference
	ScopeSite     Scope = "site"     // one fulfiller's site at one endpoint
	ScopeEndpoint Scope = "endpoint" // a gateway that can't be reached
)

// Pause stops new attempts within its scope, never a query, a release or a
// cancellation. It probes by preflight, and ends by itself when that is good.
type Pause struct {
	Scope Scope
	Key   string // see KeyOf
	// LinkID is the link whose preflight proves that the fault is mended.
	LinkID      settings.LinkID
	FulfillerID settings.CompanyID
	Plugin      string
	Code        string // the gateway's own
	Text        string // what is wrong and what to do
	Since       time.Time
	Probes      int
	NextProbeAt time.Time
}

// ScopeOf is how far a fault reaches.
func ScopeOf(f payment.Fault) (Scope, bool) {
	switch f {
	case payment.FaultStoredReference:
		return ScopeLink, true
	case payment.FaultSite:
		return ScopeSite, true
	case payment.FaultGateway:
		return ScopeEndpoint, true
	}
	return "", false
}

// Keys names the scopes that an attempt lies in.
func Keys(plugin string, fulfiller settings.CompanyID, link settings.LinkID, endpoint, site string) map[Scope]string {
	return map[Scope]string{
		ScopeLink:     string(link),
		ScopeSite:     plugin + "/" + endpoint + "/" + string(fulfiller) + "/" + site,
		ScopeEndpoint: plugin + "/" + endpoint,
	}
}

// Site is what is known of one fulfiller's site: whether releases work there.
type Site struct {
	Key string // as ScopeSite's
	// ProvenAt is when a release was first read back; zero until then.
	ProvenAt time.Time
	// FailingSince is when a release was first overdue that still is.
	FailingSince time.Time
}

// Proven reports whether the platform may be told to produce before a charge's
// own release was read back.
func (s Site) Proven() bool { return !s.ProvenAt.IsZero() && s.FailingSince.IsZero() }

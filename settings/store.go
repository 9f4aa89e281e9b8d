package settings

import (
	"context"
	"fmt"
	"time"
)

// Store keeps what the Service decides. Package settingsdb implements it.
// Times are UTC with microseconds. Errors wrap ErrNotFound, ErrExists or
// ErrStale where that is what happened.
type Store interface {
	CompanyStore
	LinkStore
	VersionStore
	CardStore
	DataKeyStore
	KeyStore
}

// CompanyStore keeps companies.
type CompanyStore interface {
	// AddCompany answers ErrExists if the type has that reference already.
	AddCompany(ctx context.Context, c Company) error
	Company(ctx context.Context, id CompanyID) (Company, error)
	CompanyByReference(ctx context.Context, t CompanyType, reference string) (Company, error)
	// Companies lists by id, after that id; an empty type means all.
	Companies(ctx context.Context, t CompanyType, after CompanyID, limit int) ([]Company, error)
}

// LinkStore keeps links. A link's fulfiller and plugin have one revision,
// which every change moves that charging over any of its links depends on.
type LinkStore interface {
	// AddLink answers ErrExists if the pair is linked already.
	AddLink(ctx context.Context, l Link) error
	// Link gives the link and the revision it is part of, read together.
	Link(ctx context.Context, id LinkID) (Link, int64, error)
	LinkBetween(ctx context.Context, fulfiller, channel CompanyID) (Link, error)
	// Links lists by id, after that id; an empty company means all.
	Links(ctx context.Context, f LinkFilter, after LinkID, limit int) ([]Link, error)
	// UpdateLink writes a link whose Version is one more than the stored one
	// and moves the revision; ErrStale if either is not as given any more.
	UpdateLink(ctx context.Context, l Link, revision int64) error
}

// LinkFilter selects links. Empty fields select all.
type LinkFilter struct {
	Fulfiller CompanyID
	Channel   CompanyID
	Plugin    string
}

// VersionStore keeps advanced settings.
type VersionStore interface {
	// Revision of a fulfiller's settings with a plugin; zero if there are none.
	Revision(ctx context.Context, fulfiller CompanyID, plugin string) (int64, error)
	// Current gives the newest version, with Number zero if there is none.
	Current(ctx context.Context, sc Scope) (Version, error)
	// Versions lists from the newest down, those before that number; zero
	// begins with the newest.
	Versions(ctx context.Context, sc Scope, before int64, limit int) ([]Version, error)
	// AddVersion adds a version whose Number is one more than the newest,
	// records which cards the links use from then on, and moves the revision.
	// ErrStale if the newest or the revision is not as given any more;
	// *CardTakenError if a card stands on another channel's link.
	AddVersion(ctx context.Context, v Version, revision int64, uses []CardUse) error
}

// CardTakenError refuses stored references that stand on another channel's link.
type CardTakenError struct{ Links []LinkID }

// Error counts the links.
func (e *CardTakenError) Error() string {
	return fmt.Sprintf("the stored references of %d links stand on other sales channels' links", len(e.Links))
}

// CardStore keeps preflights and confirmations.
type CardStore interface {
	// SaveReport keeps the report as the last one of its link.
	SaveReport(ctx context.Context, r Report) error
	// Report gives the last report of a link, without Confirmed.
	Report(ctx context.Context, id LinkID) (Report, error)
	// Confirm keeps a confirmation and moves the revision. Again is the same.
	Confirm(ctx context.Context, c Confirmation, l Link) error
	// Confirmation finds what was confirmed of a place on a link.
	Confirmation(ctx context.Context, id LinkID, p Place) (Confirmation, error)
}

// DataKey is a company's key, wrapped by a master key.
type DataKey struct {
	ID        string // a UUIDv7
	CompanyID CompanyID
	Number    int64  // from 1; the highest seals
	MasterID  string // which master key wrapped it
	Wrapped   []byte
	CreatedAt time.Time
}

// DataKeyStore keeps wrapped data keys.
type DataKeyStore interface {
	// NewestDataKey of a company.
	NewestDataKey(ctx context.Context, id CompanyID) (DataKey, error)
	DataKey(ctx context.Context, id string) (DataKey, error)
	// AddDataKey answers ErrExists if the company has a key of that number.
	AddDataKey(ctx context.Context, k DataKey) error
}

// KeyStore keeps API keys, each with the SHA-256 of its secret.
type KeyStore interface {
	AddKey(ctx context.Context, k APIKey, hash []byte) error
	Key(ctx context.Context, id KeyID) (APIKey, []byte, error)
	// Keys lists by id, after that id; an empty company means all.
	Keys(ctx context.Context, company CompanyID, after KeyID, limit int) ([]APIKey, error)
	// RevokeKey leaves a key that is revoked already as it is.
	RevokeKey(ctx context.Context, id KeyID, at time.Time, by string) error
	TouchKey(ctx context.Context, id KeyID, at time.Time) error
}

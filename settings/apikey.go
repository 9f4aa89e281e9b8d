package settings

import "time"

// KeyID is the public part of an API key, a UUIDv7.
type KeyID string

// APIKey is what is known of an API key: all but its secret, of which only a
// SHA-256 is kept.
type APIKey struct {
	ID        KeyID
	Kind      ActorKind
	Company   CompanyID // of an ActorCompany
	Name      string
	CreatedAt time.Time
	CreatedBy string
	RevokedAt time.Time // zero while it is good
	RevokedBy string
	// LastUsedAt is right to about an hour; zero if it was never used.
	LastUsedAt time.Time
}

// NewKey is what an API key is created from.
type NewKey struct {
	Kind    ActorKind
	Company CompanyID // for an ActorCompany
	Name    string
}

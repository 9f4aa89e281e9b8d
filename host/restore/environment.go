package restore

import (
	"fmt"
	"time"
)

// Kind tells environments with real goods from all others.
type Kind string

// The kinds.
const (
	KindTest       Kind = "test"
	KindProduction Kind = "production"
)

// Environment is what a database belongs to.
type Environment struct {
	Database    string // UUIDv7 of the database; the same in its backups
	Name        string
	Kind        Kind
	Fingerprint string // of the reference key; see charge.Namer
	// Epoch grows with every lifted stop. Counts are compared within one epoch.
	Epoch   int64
	BoundAt time.Time
	BoundBy string
}

// Check refuses a database that belongs to another environment than the one
// that is configured.
func (e Environment) Check(configured Environment) error {
	switch {
	case e.Name != configured.Name:
		return fmt.Errorf("this database belongs to the environment %q since %s, and the configuration says %q: whoever runs this host corrects environment, or database, so that both name the same; nothing was changed",
			e.Name, e.BoundAt.Format(time.RFC3339), configured.Name)
	case e.Fingerprint != configured.Fingerprint:
		return fmt.Errorf("the reference key is not the one that this database has known since %s (its fingerprint is %.8s, not %.8s): put the environment's own key back at keys.reference_file; with another one, orders that are posted again would be charged again",
			e.BoundAt.Format(time.RFC3339), configured.Fingerprint, e.Fingerprint)
	case e.Kind != configured.Kind:
		return fmt.Errorf("this database belongs to a %s environment since %s, and environment_kind says %s: correct environment_kind, or begin with a database of its own; test money and real money share no books",
			e.Kind, e.BoundAt.Format(time.RFC3339), configured.Kind)
	}
	return nil
}

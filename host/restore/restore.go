package restore

import (
	"context"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// Host is one host, as the database knows it.
type Host struct {
	ID        string // of its state file
	Owner     string // of its last run
	StartedAt time.Time
	SeenAt    time.Time
	StoppedAt time.Time // zero while it runs, and after a crash
}

// Restore is one time that the database was found to have been put back.
type Restore struct {
	ID      string // UUIDv7
	FoundAt time.Time
	FoundBy string
	Text    string
	// SweptFrom and SweptUntil are what LiftedBy asked the gateways for.
	SweptFrom  time.Time
	SweptUntil time.Time
	LiftedAt   time.Time // zero while charging is stopped for it
	LiftedBy   string
	Sites      []Progress
}

// Progress is how far the sweep of one site has come.
type Progress struct {
	RestoreID string
	Key       string // as charge.ScopeSite's
	From      time.Time
	Until     time.Time // swept up to there
	Found     int64     // transactions that the gateway showed
	Adopted   int64     // of them folded into charges in the books
	Kept      int64     // of them kept for orders that are posted again
	Others    int64     // of them not ours
	DoneAt    time.Time
	// A person's decision to go on without this site.
	WithoutAt     time.Time
	WithoutBy     string
	WithoutReason string
}

// Settled reports whether nothing is left to do about the site.
func (p Progress) Settled() bool { return !p.DoneAt.IsZero() || !p.WithoutAt.IsZero() }

// Kept is a transaction under a reference that no charge in the books has.
type Kept struct {
	RestoreID   string
	Plugin      string
	Place       charge.Place
	Transaction payment.Transaction // what of it is needed to find it again
	Stem        string
	At          time.Time
}

// State is what the watch reads of a database.
type State struct {
	Seen Seen
	// Restored is when it was last found to have been put back; Open is that
	// which charging is stopped for, if any.
	Restored time.Time
	Open     *Restore
}

// Store keeps all this. Package restoredb implements it.
type Store interface {
	// Bind writes an environment into a database that has none, and gives the
	// one that is there.
	Bind(ctx context.Context, e Environment) (Environment, error)
	// State reads what the watch compares. A node of a cluster may lag behind.
	State(ctx context.Context) (State, error)
	// Latest is State as of now, whatever node is asked; an error if that can't be
	// had before ctx ends.
	Latest(ctx context.Context) (State, error)
	// Register writes a host down, with its counters.
	Register(ctx context.Context, h Host) error
	// Alive notes that a host was alive; stopped, that it has ended in order.
	Alive(ctx context.Context, id string, at time.Time, stopped bool) error
	// Hosts lists all hosts.
	Hosts(ctx context.Context) ([]Host, error)
	// Open stops charging, unless it is stopped already, and gives what for. It
	// knows what was committed on any node.
	Open(ctx context.Context, r Restore) (Restore, error)
	// Restores lists all, with the progress of their sites, oldest first.
	Restores(ctx context.Context) ([]Restore, error)
	// SaveProgress writes a site's progress with what was kept on the way.
	SaveProgress(ctx context.Context, p Progress, kept []Kept) error
	// Lift lets charging go on, under a higher epoch, and makes due what waits.
	Lift(ctx context.Context, r Restore) error
	// Stems lists the stems that something is kept of.
	Stems(ctx context.Context) ([]string, error)
	// Kept gives what is kept of a stem.
	Kept(ctx context.Context, stem string) ([]Kept, error)
	// InBooks finds the charges that have these stems.
	InBooks(ctx context.Context, stems []string) (map[string]charge.ID, error)
	// Places lists where attempts were sent, with a link that leads there.
	Places(ctx context.Context) ([]Target, error)
}

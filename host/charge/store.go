package charge

import (
	"context"
	"errors"
	"time"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// ErrStale refuses a change that was derived from a version which is not the
// newest any more: read again, fold again, derive again.
var ErrStale = errors.New("the charge has changed meanwhile")

// ErrWentBack refuses to fold what does not fit a charge because the books know
// less of it than they did.
var ErrWentBack = errors.New("the books know less of the charge than they did")

// ErrStopped refuses to begin an attempt, or a release, in a database that
// seems to have been put back. Everything else is written all the same.
var ErrStopped = errors.New("charging is stopped: the database seems to have been put back")

// Change is one decision about one charge, with all that is written with it:
// all of it or nothing.
type Change struct {
	// Before is the charge that the decision was derived from; After is what
	// it becomes, with a version one higher.
	Before, After *Charge
	Evidence      []Evidence
	// Pause begins or renews a pause; Site notes what was learnt of a site.
	Pause *Pause
	Site  *Site
}

// Begins reports whether money may move once the change is written: it starts
// an attempt, or a release.
func (c Change) Begins() bool {
	if n := c.After.Newest(); n != nil && n.Stage == StageStarted {
		if old := c.Before.Attempt(n.Number); old == nil || old.Stage != StageStarted {
			return true
		}
	}
	for i := range c.After.Records {
		r := &c.After.Records[i]
		if old := c.Before.Record(r.ID); r.Adjust == payment.ActionRelease && (old == nil || old.AdjustTry != r.AdjustTry || old.Adjust != r.Adjust) {
			return true
		}
	}
	return false
}

// Store keeps charges. Package chargedb implements it; every implementation
// passes chargedb's suite.
type Store interface {
	// Commit writes a change if the charge still has Before's version, and
	// answers ErrStale otherwise, or ErrStopped if the change begins an attempt
	// or a release and must not. It shares its transaction with others'.
	Commit(ctx context.Context, c Change) error
	// Load reads charges whole. Ids that do not exist are left out.
	Load(ctx context.Context, ids ...ID) ([]*Charge, error)
	// Latest is Load as of now, whatever node of a cluster is asked; an error if
	// that can't be had before ctx ends.
	Latest(ctx context.Context, ids ...ID) ([]*Charge, error)
	// ClaimDue gives charges with a check that is due to this owner, until
	// then, and nobody else. Planned ones are not among them: see Planned.
	ClaimDue(ctx context.Context, owner string, now, until time.Time, limit int) ([]*Charge, error)
	// Planned lists charges of one fulfiller whose attempt waits for its turn,
	// oldest first.
	Planned(ctx context.Context, fulfiller settings.CompanyID, limit int) ([]ID, error)
	// PlannedFulfillers lists who has any.
	PlannedFulfillers(ctx context.Context) ([]settings.CompanyID, error)
	// NextDue is when the next check of any charge is due; zero if none is.
	NextDue(ctx context.Context) (time.Time, error)

	// Pauses lists the pauses in force.
	Pauses(ctx context.Context) ([]Pause, error)
	// SavePause writes a pause's next probe.
	SavePause(ctx context.Context, p Pause) error
	// Resume ends a pause and makes what waited for it due.
	Resume(ctx context.Context, p Pause, now time.Time) error
	// Sites lists what is known of sites.
	Sites(ctx context.Context) ([]Site, error)
	// Sequence allots the next number of a link's recurring series, from 2.
	Sequence(ctx context.Context, link settings.LinkID, stored string) (int64, error)
	// KnownTransaction finds a transaction on the site that is known to be
	// there, made after that time, other than this charge's own: the control
	// for a query that found nothing. Empty if there is none.
	KnownTransaction(ctx context.Context, endpoint, site string, after time.Time, except ID) (string, error)
}

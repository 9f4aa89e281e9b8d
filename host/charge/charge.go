package charge

import (
	"time"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// ID is our own id of a charge, a UUIDv7.
type ID string

// OrderID is our own id of an order, a UUIDv7.
type OrderID string

// PurposeOrder is the purpose of the charge that an order begins with.
const PurposeOrder = "order"

// Charge is one obligation of an order towards one fulfiller, with all that is
// known of it. State, Produce, Reason, Case, Act, NextCheckAt and Chosen are
// what Derive last said; everything else is evidence, folded.
type Charge struct {
	ID          ID
	OrderID     OrderID
	ChannelID   settings.CompanyID
	FulfillerID settings.CompanyID
	LinkID      settings.LinkID
	Plugin      string
	Purpose     string
	Amount      payment.Amount
	Stem        string // what its references begin with
	PlacedAt    time.Time

	Attempts []Attempt // by number, from 1
	Records  []Record  // what the gateway holds, by id

	// CancelledAt is when the order was cancelled; zero if it was not.
	CancelledAt time.Time
	// NoTold: the platform was told not to produce. For good.
	NoTold bool
	// YesTold: the platform was told to produce.
	YesTold bool
	// ConfirmedAt is when the platform or a person last said that the charge is
	// still wanted; zero if never. What is older than a restore of the database
	// waits for that, since its order may have been cancelled in what was lost.
	ConfirmedAt time.Time
	// Chosen is the authorisation that pays this charge, once there is one.
	Chosen payment.TransactionID

	State   State
	Produce Produce
	Reason  Reason
	Case    Case
	// Text is the last thing that was said about it, for people.
	Text string
	// Checks counts the steps in a row that changed nothing.
	Checks int
	// MendSince is since when it has waited for a fault of the set-up to be
	// mended; zero if it does not.
	MendSince time.Time
	// SinceCase is when it came to stand with a person; zero if it does not.
	SinceCase time.Time

	// AccessFailedAt is since when the gateway could not be asked about it,
	// because no credentials that are known work there any more.
	AccessFailedAt time.Time

	// The lease. Owner is the host that works on it until LeaseUntil.
	LeaseOwner string
	LeaseUntil time.Time
	// Version grows by one with every change; it is the fence.
	Version int64
	// NextCheckAt is when something is due; zero means nothing ever is.
	NextCheckAt time.Time
	CheckedAt   time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Stage is how far an attempt has come.
type Stage string

// The stages. Only what was started can have moved money.
const (
	StagePlanned   Stage = "planned"
	StageStarted   Stage = "started"
	StageAnswered  Stage = "answered"  // has an outcome, which may be unknown
	StageWithdrawn Stage = "withdrawn" // was planned and is not wanted any more
)

// Attempt is one try to collect a charge, with what it was sent with.
type Attempt struct {
	ChargeID  ID
	Number    int
	Reference payment.Reference
	Stage     Stage

	Settle   payment.SettleMode
	Mode     payment.Mode
	Endpoint string
	Site     string
	User     string
	Stored   payment.TransactionID
	Sequence int64
	// SettingsVersion names the settings it was sent with.
	SettingsVersion string

	PlannedAt  time.Time
	StartedAt  time.Time
	SendBefore time.Time
	AnsweredAt time.Time

	Outcome payment.Outcome
	Decline payment.Decline
	Fault   payment.Fault
	Code    string
	Reason  string

	// Looks, FirstLook and LastLook are the empty looks that count.
	Looks     int
	FirstLook time.Time
	LastLook  time.Time
	// ControlFailedAt is since when a query that found nothing could not be
	// trusted either, because it did not find what must be there.
	ControlFailedAt time.Time
	// AbsentAt is when the absence had aged; zero until then.
	AbsentAt time.Time
	// WatchedAt is when the last query after the watch's end succeeded.
	WatchedAt time.Time
}

// Place is one site at one endpoint: where a transaction is, and nowhere else.
type Place struct{ Endpoint, Site string }

// Place is where the attempt was sent.
func (a *Attempt) Place() Place { return Place{a.Endpoint, a.Site} }

// InDoubt reports whether the attempt may have reserved money that nobody has
// seen yet.
func (a *Attempt) InDoubt() bool {
	return a.Stage == StageAnswered && !a.Outcome.Known() && a.AbsentAt.IsZero()
}

// Watched reports whether the attempt's reference has to be asked for once
// more at the end of its watch: it is believed to have come to nothing, but
// nobody has the gateway's word for it.
func (a *Attempt) Watched() bool {
	if a.Stage != StageAnswered || !a.WatchedAt.IsZero() {
		return false
	}
	return a.Outcome == payment.OutcomeNotSent || (!a.Outcome.Known() && !a.AbsentAt.IsZero())
}

// Record is what the gateway is known to hold of one transaction, and what we
// have asked for it.
type Record struct {
	ChargeID ID
	payment.Transaction
	// Asked is how it was sent: without it a suspended one can't be judged.
	Asked payment.SettleMode
	// Matches: user, parent, amount and mode are what we sent. What does not
	// match is never touched by itself.
	Matches bool
	// Adjust is an action that was sent and not yet read back.
	Adjust    payment.Action
	AdjustAt  time.Time // when it was last sent
	AdjustTry int       // how often it was sent
	// Accepted: the gateway answered the action well. What it answered well is
	// not sent again: if it does not show, that is lag or somebody's will.
	Accepted   bool
	ReleasedAt time.Time // when the first release was sent
	// ConfirmedAt is when it was first read back as settling by itself. From
	// then on a suspension is somebody's will.
	ConfirmedAt time.Time
	// CancelAt is when a cancellation was first sent.
	CancelAt time.Time
	SeenAt   time.Time
}

// PlaceOf is where a record stands: where its attempt was sent. One under a
// reference that these books have not come to was found where the newest went.
func (c *Charge) PlaceOf(id payment.TransactionID) Place {
	if r := c.Record(id); r != nil {
		if a := c.ByReference(r.Reference); a != nil {
			return a.Place()
		}
	}
	return c.lastPlace()
}

// lastPlace is where the newest attempt that was sent went.
func (c *Charge) lastPlace() Place {
	for i := len(c.Attempts) - 1; i >= 0; i-- {
		if a := &c.Attempts[i]; a.Site != "" {
			return a.Place()
		}
	}
	return Place{}
}

// PlaceFor is where an act has to be done.
func (c *Charge) PlaceFor(v Verdict, now time.Time, clocks Clocks) Place {
	switch v.Act {
	case ActCancel:
		return c.PlaceOf(v.Cancel[0])
	case ActRelease:
		return c.PlaceOf(v.Chosen)
	}
	for i := range c.Attempts {
		if a := &c.Attempts[i]; a.InDoubt() {
			return a.Place()
		}
	}
	for i := range c.Attempts {
		if a := &c.Attempts[i]; a.Watched() && a.Site != "" && !now.Before(a.SendBefore.Add(clocks.WatchAfter)) {
			return a.Place()
		}
	}
	if v.Chosen != "" {
		return c.PlaceOf(v.Chosen)
	}
	return c.lastPlace()
}

// Newest is the attempt with the highest number, or nil.
func (c *Charge) Newest() *Attempt {
	if len(c.Attempts) == 0 {
		return nil
	}
	return &c.Attempts[len(c.Attempts)-1]
}

// Attempt finds the attempt of that number, or nil.
func (c *Charge) Attempt(number int) *Attempt {
	for i := range c.Attempts {
		if c.Attempts[i].Number == number {
			return &c.Attempts[i]
		}
	}
	return nil
}

// ByReference finds the attempt with that reference, or nil.
func (c *Charge) ByReference(r payment.Reference) *Attempt {
	for i := range c.Attempts {
		if c.Attempts[i].Reference == r {
			return &c.Attempts[i]
		}
	}
	return nil
}

// Record finds what the gateway holds under that id, or nil.
func (c *Charge) Record(id payment.TransactionID) *Record {
	for i := range c.Records {
		if c.Records[i].ID == id {
			return &c.Records[i]
		}
	}
	return nil
}

// LookAhead is how many references beyond the newest every query names: what
// a database that was put back has forgotten is found there.
const LookAhead = 2

// References are the names of all attempts there are, and of the two that
// would come next.
func (c *Charge) References() []payment.Reference {
	n := len(c.Attempts) + LookAhead
	refs := make([]payment.Reference, n)
	for i := range refs {
		refs[i] = ReferenceOf(c.Stem, i+1)
	}
	return refs
}

// Clone copies the charge and what hangs on it, so that a change can be tried
// on the copy.
func (c *Charge) Clone() *Charge {
	d := *c
	d.Attempts = append([]Attempt(nil), c.Attempts...)
	d.Records = append([]Record(nil), c.Records...)
	return &d
}

// Told reports whether there is more to say about the charge than "wait": a
// decision, or that a person is needed.
func (c *Charge) Told() bool { return c.Produce != ProduceWait || c.Case != CaseNone }

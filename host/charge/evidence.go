package charge

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Class is the sort of a piece of evidence.
type Class string

// The classes.
const (
	ClassAnswer   Class = "answer"    // what a call to charge came to
	ClassExpired  Class = "expired"   // nobody knows what a call came to
	ClassLook     Class = "look"      // a query, and what it found
	ClassFailed   Class = "failed"    // a query or an update that got no answer
	ClassAdjust   Class = "adjust"    // a release or cancellation is about to be sent
	ClassReadBack Class = "read_back" // what a query said after it
	ClassDecision Class = "decision"  // a person's or the platform's word
	ClassPaused   Class = "paused"    // charging was paused because of it
	ClassPlan     Class = "plan"      // a new attempt, and why
)

// TableVersion is the version of the tables that evidence is read with: the
// plugin's codes and the table of Derive. It stands beside each piece, so that
// what was once decided can be understood later.
const TableVersion = 1

// Evidence is one thing that was learnt about a charge. It is only ever added.
type Evidence struct {
	ID       string // UUIDv7
	ChargeID ID
	Number   int // the attempt; 0 for the charge as a whole
	Class    Class
	At       time.Time
	By       string // the host, key or person it comes from
	Text     string // for people
	Body     string // the redacted answer, as JSON; may be empty
	Table    int
	// Charge version it led to, and where that one stood.
	Version int64
	State   State
	Produce Produce
}

// Answer is what a call to charge came to, as a thing to fold.
type Answer struct {
	Number int
	At     time.Time
	Result payment.ChargeResult
}

// Look is one query's result for one charge, as a thing to fold.
type Look struct {
	At time.Time
	// Found are the transactions with one of the charge's references or ids.
	Found []payment.Transaction
	// Asked are the references that the query named; ids likewise.
	References []payment.Reference
	IDs        []payment.TransactionID
	// Place is where the query looked.
	Place Place
	// Control: the same query, with the same user on the same site, found
	// something that must be there. Without it an empty answer says nothing.
	Control bool
}

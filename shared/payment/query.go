package payment

import (
	"errors"
	"fmt"
	"time"
)

// Lookup names one thing to look for: our reference, or the gateway's id.
type Lookup struct {
	Reference Reference
	ID        TransactionID
	// Asked is the SettleMode the transaction was sent with, without which a
	// suspended one can't be told from one that was meant to be held.
	Asked SettleMode
}

// Window is a stretch of time in which transactions were started, whoever
// started them: From <= StartedAt < To, as the gateway shows StartedAt. One
// that keeps whole seconds shows a start up to a second early, so who looks
// for the transactions of a moment leaves room on both sides of it.
//
// It is read page by page, oldest first, each page asked for with the cursor
// that came with the one before, by the same From and To. A page has up to
// MaxPage transactions, in no particular order within itself, and may be empty
// though others follow: only an empty QueryResult.Next ends a window. A cursor
// is opaque, printable ASCII, at most MaxCursor long, and good for any process
// of the same plugin; after an upgrade it may be refused.
//
// The promise: every transaction that the gateway showed when its page was
// asked for is on a page, and what arrives meanwhile moves no other off its
// page. Gateways show a new transaction late, and one that shows up behind the
// cursor is missed: so a window is complete for what was started longer before
// its first page than the gateway lags, and its end has to be swept again
// once that time has passed. A transaction may come twice, on two pages; the
// later sight is the newer. One whose start can't be read has no StartedAt, and
// is in every window that the gateway shows it in.
//
// Nothing is known of how these transactions were asked to settle, so each is
// read as by a Lookup without Asked: a suspended authorisation is
// OutcomeUnknown until it is looked up again by someone who knows. The
// references are whatever the site's other users sent, and need not be ours.
type Window struct {
	From, To time.Time // From inclusive, To exclusive; UTC, by the gateway's clock
	Cursor   string    // empty for the first page; then QueryResult.Next
}

// QueryRequest asks what the gateway holds of up to MaxLookups things, or of
// the whole of Access.Site in a window of time: one of the two.
type QueryRequest struct {
	Access  Access
	Lookups []Lookup
	Window  *Window // nil unless Lookups is empty
}

// QueryResult is what was found. One reference may come back more than once.
type QueryResult struct {
	Transactions []Transaction
	// Next is the cursor of a window's next page; empty after the last, and
	// for lookups.
	Next string
}

// Validate refuses a request that no plugin could answer, in words for
// ErrorInvalid. Whether the cursor is its own is for the plugin to say.
func (r QueryRequest) Validate() error {
	n := len(r.Lookups)
	switch {
	case r.Window != nil && n > 0:
		return errors.New("both lookups and a window; give one of the two")
	case r.Window != nil:
		return r.Window.validate()
	case n == 0 || n > MaxLookups:
		return fmt.Errorf("%d lookups and no window; give 1 to %d, or a window", n, MaxLookups)
	}
	for _, l := range r.Lookups {
		if l.Reference == "" && l.ID == "" {
			return errors.New("a lookup names nothing; give a reference or a transaction")
		}
	}
	return nil
}

func (w Window) validate() error {
	switch {
	case w.From.IsZero() || w.To.IsZero():
		return errors.New("the window lacks its beginning or its end; give both")
	case !w.From.Before(w.To):
		return errors.New("the window ends before it begins; give a beginning that is earlier than the end")
	case w.To.After(w.From.Add(MaxWindow)):
		return fmt.Errorf("the window is longer than %d days; ask for it in parts", MaxWindow/(24*time.Hour))
	case len(w.Cursor) > MaxCursor:
		return fmt.Errorf("the cursor has %d bytes; none is longer than %d", len(w.Cursor), MaxCursor)
	}
	return nil
}

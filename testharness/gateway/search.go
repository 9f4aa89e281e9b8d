package gateway

import (
	"errors"
	"path"
	"slices"
	"sort"
	"strings"
	"time"
)

// Search selects transactions for people to look through. Conditions left out
// select all.
type Search struct {
	Site, Type, Currency string
	// Text is a transaction reference, or an order reference, in which * and ?
	// stand for others.
	Text string
	// Status is a settle status as it really is.
	Status *int
	// From and To are the first and the last second of the start.
	From, To time.Time
	// Least and Most are amounts in minor units.
	Least, Most *int64
	// After is the reference that the last page ended with.
	After string
	// Limit is how many to find at most; 0 means 50, and 500 is the most.
	Limit int
}

// ErrNoTransaction says that there is no such transaction.
var ErrNoTransaction = errors.New("no such transaction")

// Search finds transactions, newest first, and says whether there are more.
func (g *Gateway) Search(s Search) (found []Entry, more bool) {
	if s.Limit <= 0 {
		s.Limit = 50
	}
	s.Limit = min(s.Limit, maxRecords)
	g.backward(s.After, func(t *transaction) bool {
		switch {
		case !s.From.IsZero() && t.started.Before(s.From):
			return false
		case !s.matches(t):
			return true
		case len(found) == s.Limit:
			more = true
			return false
		}
		found = append(found, t.entry())
		return true
	})
	return found, more
}

func (s *Search) matches(t *transaction) bool {
	return (s.Site == "" || s.Site == t.site) &&
		(s.Type == "" || s.Type == t.kind) &&
		(s.Currency == "" || s.Currency == t.currency) &&
		(s.Status == nil || *s.Status == t.status) &&
		(s.Least == nil || t.amount >= *s.Least) &&
		(s.Most == nil || t.amount <= *s.Most) &&
		(s.To.IsZero() || t.started.Before(s.To.Add(time.Second))) &&
		(s.Text == "" || s.Text == t.ref || s.Text == t.order || like(s.Text, t.order))
}

func like(pattern, order string) bool {
	ok, err := path.Match(pattern, order)
	return ok && err == nil
}

// scanStep is how many transactions are looked at before callers get a turn.
const scanStep = 20_000

// backward visits transactions from the newest one, or the one before after, on,
// until visit says no. Callers come in between: what they book meanwhile is not
// visited.
func (g *Gateway) backward(after string, visit func(*transaction) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock()
	rest := g.book.all
	if t := g.book.byRef[after]; t != nil {
		rest = rest[:g.book.position(t)]
	}
	for n := 1; len(rest) > 0; n++ {
		if !visit(rest[len(rest)-1]) {
			return
		}
		rest = rest[:len(rest)-1]
		if n%scanStep == 0 {
			g.mu.Unlock()
			g.mu.Lock()
		}
	}
}

// position is where a transaction is in the book.
func (b *book) position(t *transaction) int {
	i := sort.Search(len(b.all), func(i int) bool { return !b.all[i].started.Before(t.started) })
	return i + max(0, slices.Index(b.all[i:], t))
}

// Moved is a change of a settle status.
type Moved struct {
	Entry
	Change
}

// Moves finds the newest changes of settle statuses after one time and up to
// another, newest transaction first, at most limit of them, and counts all by
// where they came from and went to. What was booked then counts as no change.
func (g *Gateway) Moves(after, until time.Time, limit int) (moves []Moved, counted map[[2]int]int) {
	counted = map[[2]int]int{}
	g.backward("", func(t *transaction) bool {
		for i, c := range t.history {
			if i == 0 || !c.At.After(after) || c.At.After(until) {
				continue
			}
			counted[[2]int{c.From, c.To}]++
			if len(moves) < limit {
				moves = append(moves, Moved{t.entry(), c})
			}
		}
		return true
	})
	return moves, counted
}

// Statuses counts the transactions that have each settle status, among those
// that were approved and move money.
func (g *Gateway) Statuses() map[int]int {
	counted := map[int]int{}
	g.backward("", func(t *transaction) bool {
		if kinds[t.kind].money && t.code == codeOK {
			counted[t.status]++
		}
		return true
	})
	return counted
}

// NextBatch is when the next batch settles, on the settlement clock.
func (g *Gateway) NextBatch() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock()
	return g.book.nextBatch
}

// View is all there is to see of a transaction.
type View struct {
	Entry
	// Shown is what a query shows of it, by name.
	Shown []Shown
	// ParentEntry is the transaction it was made from, Children are those made
	// from it, the newest 100, oldest first.
	ParentEntry *Entry
	Children    []Entry
	// Bank is the customer's visit to the bank, if it was begun.
	Bank *BankSession
	// Visible is when queries find it, if they do not yet. Doubt is until when
	// they show a bank error instead of what happened.
	Visible, Doubt time.Time
}

// Shown is one field of a record.
type Shown struct{ Name, Value string }

// Types lists the request types of transactions, sorted.
func Types() []string { return bookedTypes() }

const maxChildren = 100

// View returns a transaction, or ErrNoTransaction.
func (g *Gateway) View(ref string) (View, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.clock()
	t := g.book.byRef[ref]
	if t == nil {
		return View{}, ErrNoTransaction
	}
	v := View{Entry: t.entry()}
	record := *t
	record.code, record.status = t.shown(at)
	for _, f := range record.record(merchantName(t.site)) {
		if !f.IsList && !f.IsObjects && f.Text != "" {
			v.Shown = append(v.Shown, Shown{f.Name, f.Text})
		}
	}
	slices.SortFunc(v.Shown, func(a, b Shown) int { return strings.Compare(a.Name, b.Name) })
	if parent := g.book.byRef[t.parent]; parent != nil {
		e := parent.entry()
		v.ParentEntry = &e
	}
	children := g.book.byParent[t.ref]
	for _, child := range children[max(0, len(children)-maxChildren):] {
		v.Children = append(v.Children, child.entry())
	}
	if t.transfer != nil && t.transfer.Session != "" {
		s := t.bankSession()
		v.Bank = &s
	}
	if at.Before(t.visible) {
		v.Visible = t.visible
	}
	if at.Before(t.doubt) {
		v.Doubt = t.doubt
	}
	return v, nil
}

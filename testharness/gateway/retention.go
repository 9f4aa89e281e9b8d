package gateway

import (
	"cmp"
	"slices"
	"time"
)

// Total sums transactions that are alike.
type Total struct {
	Type         string `json:"type"`
	ErrorCode    string `json:"errorcode"`
	SettleStatus int    `json:"settlestatus"`
	Currency     string `json:"currency"`
	Count        int64  `json:"count"`
	// Amount in minor units.
	Amount int64 `json:"amount"`
	// Forgotten of Count are no longer in the ledger.
	Forgotten int64 `json:"forgotten"`
}

// totalKey is what is alike in a Total.
type totalKey struct {
	kind, code, currency string
	status               int
}

// totals adds up by what is alike.
type totals map[totalKey]*Total

func (s totals) add(t *transaction, forgotten int64) {
	k := totalKey{kind: t.kind, code: t.code, currency: t.currency, status: t.status}
	if s[k] == nil {
		s[k] = &Total{Type: k.kind, ErrorCode: k.code, SettleStatus: k.status, Currency: k.currency}
	}
	s[k].Count++
	s[k].Amount += t.amount
	s[k].Forgotten += forgotten
}

// list sorts the totals.
func (s totals) list() []Total {
	out := make([]Total, 0, len(s))
	for _, t := range s {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ErrorCode, b.ErrorCode),
			cmp.Compare(a.SettleStatus, b.SettleStatus), cmp.Compare(a.Currency, b.Currency))
	})
	return out
}

// totalsOf reads a list back.
func totalsOf(list []Total) totals {
	out := totals{}
	for _, t := range list {
		out[totalKey{kind: t.Type, code: t.ErrorCode, currency: t.Currency, status: t.SettleStatus}] = &t
	}
	return out
}

// Totals counts and sums every transaction there ever was since the last Reset,
// forgotten or not, by what really happened.
func (g *Gateway) Totals() []Total {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock()
	sum := totalsOf(g.book.forgotten.list())
	for _, t := range g.book.all {
		sum.add(t, 0)
	}
	return sum.list()
}

// final says that neither time nor anything that is hidden from queries will
// change the transaction any more.
func (t *transaction) final(now time.Time) bool {
	return !t.watched && !t.moves() && !now.Before(t.visible) && !now.Before(t.doubt) && !now.Before(t.stale) &&
		(t.plan == nil || t.plan.Active == planStopped)
}

// shrink forgets the oldest final transactions of what is above keep. One that
// has children in the book stays as long as they do, and those that stored a card
// go last: what is charged again must be found.
func (b *book) shrink(now time.Time) {
	if b.keep == 0 || len(b.all) < b.shrinkAt {
		return
	}
	gone := map[*transaction]bool{}
	for _, cards := range []bool{false, true} {
		for _, t := range b.all {
			if len(b.all)-len(gone) <= b.keep {
				break
			}
			if gone[t] || !t.final(now) || !cards && t.credentialsOnFile == "1" ||
				slices.ContainsFunc(b.byParent[t.ref], func(child *transaction) bool { return !gone[child] }) {
				continue
			}
			gone[t] = true
		}
	}
	b.drop(gone)
	// Not at once again, if little could be forgotten.
	b.shrinkAt = len(b.all) + b.keep/4 + 1
}

// drop takes transactions out of the book and adds them to what was forgotten.
func (b *book) drop(gone map[*transaction]bool) {
	orders, parents := map[string]bool{}, map[string]bool{}
	for t := range gone {
		b.forgotten.add(t, 1)
		delete(b.byRef, t.ref)
		if t.transfer != nil {
			delete(b.bySession, t.transfer.Session)
		}
		orders[t.order], parents[t.parent] = true, true
	}
	without := func(list []*transaction) []*transaction {
		kept := make([]*transaction, 0, len(list))
		for _, t := range list {
			if !gone[t] {
				kept = append(kept, t)
			}
		}
		return kept
	}
	for _, index := range []struct {
		of   map[string][]*transaction
		keys map[string]bool
	}{{b.byOrder, orders}, {b.byParent, parents}} {
		for key := range index.keys {
			if kept := without(index.of[key]); len(kept) > 0 {
				index.of[key] = kept
			} else {
				delete(index.of, key)
			}
		}
	}
	// A list of its own: searches may still read the old one.
	b.all, b.plans = without(b.all), without(b.plans)
}

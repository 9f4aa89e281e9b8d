package charge

import (
	"time"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Account is one side of a ledger entry.
type Account string

// The accounts that money of a charge stands on, in the order it passes them.
const (
	AccountRetailer   Account = "retailer"   // free, on the retailer's card
	AccountAuthorised Account = "authorised" // reserved, will not settle by itself
	AccountReleased   Account = "released"   // reserved, will settle
	AccountSettled    Account = "settled"    // with the fulfiller
)

// Entry is one movement of money: from the credit account to the debit
// account. Entries are only ever added, in the commit that changes the state.
type Entry struct {
	ID          string // UUIDv7
	At          time.Time
	ChargeID    ID
	FulfillerID settings.CompanyID
	LinkID      settings.LinkID
	Transaction payment.TransactionID
	Site        string
	Debit       Account
	Credit      Account
	Amount      payment.Amount
}

// Movements lists the entries that lead from one sight of a charge's records
// to the next. Its sum over a charge's life is where the money stands.
func Movements(before, after *Charge, at time.Time) []Entry {
	var entries []Entry
	for i := range after.Records {
		r := &after.Records[i]
		from := AccountRetailer
		if before != nil {
			if old := before.Record(r.ID); old != nil {
				from = old.account()
			}
		}
		amount := r.Amount
		if amount.Minor == 0 {
			amount = after.Amount // it matches what was sent, and left its amount out
		}
		for _, step := range steps(from, r.account()) {
			entries = append(entries, Entry{
				At: at, ChargeID: after.ID, FulfillerID: after.FulfillerID, LinkID: after.LinkID,
				Transaction: r.ID, Site: r.Site, Debit: step[1], Credit: step[0], Amount: amount,
			})
		}
	}
	return entries
}

// account is where the money of a record stands.
func (r *Record) account() Account {
	switch {
	case !r.Live():
		return AccountRetailer
	case r.Status == payment.StatusSettled:
		return AccountSettled
	case r.Status.Released():
		return AccountReleased
	}
	return AccountAuthorised
}

var path = []Account{AccountRetailer, AccountAuthorised, AccountReleased, AccountSettled}

// steps walks forwards through every account in between, so that what was not
// seen on its way is booked all the same; and back in one step.
func steps(from, to Account) [][2]Account {
	i, j := index(from), index(to)
	if j < i {
		return [][2]Account{{from, to}}
	}
	var s [][2]Account
	for ; i < j; i++ {
		s = append(s, [2]Account{path[i], path[i+1]})
	}
	return s
}

func index(a Account) int {
	for i, p := range path {
		if p == a {
			return i
		}
	}
	return 0
}

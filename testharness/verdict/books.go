package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/client"
)

// Comparison is what came of comparing both ledgers.
type Comparison struct {
	// Differences tells each thing that does not agree; empty if all does.
	Differences []string
	// Twice counts the charges for which the gateway debits more than once.
	Twice int
	// Lost counts live authorisations that our books do not hold.
	Lost int
}

// Compare holds the gateway's ledger against ours. owner gives the charge of
// each of our references.
func Compare(ledger []Holding, ours []client.Entry, owner map[string]string) Comparison {
	var c Comparison
	books := balance(ours)
	c.Differences = append(c.Differences, books.faults()...)
	live, debited := map[string]int{}, map[string]int{}
	seen := map[string]bool{}
	for _, h := range ledger {
		seen[h.ID] = true
		stand := books[h.ID].stand()
		if !h.Live() {
			if stand != "" {
				c.differ("transaction %s: our books have it %s, but the gateway has it %s", h.ID, stand, h.Words())
			}
			continue
		}
		charge, known := owner[h.Reference]
		if !known {
			c.differ("transaction %s: the gateway holds %s under the reference %q, which is none of our charges'", h.ID, currency.Format(h.Amount), h.Reference)
			c.Lost++
			continue
		}
		live[charge]++
		if h.account() != "authorised" {
			debited[charge]++
		}
		b := books[h.ID]
		switch {
		case stand == "":
			c.differ("transaction %s: the gateway has %s of it %s, but our books do not hold it", h.ID, currency.Format(h.Amount), h.Words())
			c.Lost++
		case b.charge != charge:
			c.differ("transaction %s: our books have it for charge %s, but its reference is charge %s's", h.ID, b.charge, charge)
		case stand != h.account():
			c.differ("transaction %s: our books have it %s, but the gateway has it %s", h.ID, stand, h.Words())
		case b.accounts[stand] != h.Amount:
			c.differ("transaction %s: our books have %s %s, but the gateway has %s", h.ID, currency.Format(b.accounts[stand]), stand, currency.Format(h.Amount))
		}
	}
	for _, id := range books.ids() {
		if stand := books[id].stand(); stand != "" && !seen[id] {
			c.differ("transaction %s: our books have it %s, but the gateway does not know it", id, stand)
		}
	}
	for charge, n := range live {
		if n > 1 {
			c.differ("charge %s: the gateway holds %d live authorisations for it", charge, n)
		}
		if debited[charge] > 1 {
			c.Twice++
		}
	}
	slices.Sort(c.Differences)
	return c
}

func (c *Comparison) differ(format string, args ...any) {
	c.Differences = append(c.Differences, fmt.Sprintf(format, args...))
}

// books are the sums of our entries, by transaction.
type books map[string]*booked

// booked is what our books hold of one transaction.
type booked struct {
	charge   string
	accounts map[string]payment.Amount
	fault    string
}

func balance(entries []client.Entry) books {
	b := books{}
	for _, e := range entries {
		t := b[e.Transaction]
		if t == nil {
			t = &booked{charge: e.ChargeID, accounts: map[string]payment.Amount{}}
			b[e.Transaction] = t
		}
		if t.charge != e.ChargeID {
			t.fault = fmt.Sprintf("transaction %s: our books have it for the charges %s and %s", e.Transaction, t.charge, e.ChargeID)
		}
		t.add(e.Debit, e.Amount.Minor, e)
		t.add(e.Credit, -e.Amount.Minor, e)
	}
	return b
}

func (t *booked) add(account string, minor int64, e client.Entry) {
	sum, there := t.accounts[account]
	if there && sum.Currency != e.Amount.Currency {
		t.fault = fmt.Sprintf("transaction %s: our books have it in %s and in %s", e.Transaction, sum.Currency, e.Amount.Currency)
	}
	t.accounts[account] = payment.Amount{Minor: sum.Minor + minor, Currency: e.Amount.Currency}
}

// outside is the account that money comes from: the retailer's own.
const outside = "retailer"

// stand is the account the money stands on; empty if it went back.
func (t *booked) stand() string {
	if t == nil {
		return ""
	}
	var on []string
	for account, sum := range t.accounts {
		if account != outside && sum.Minor != 0 {
			on = append(on, account)
		}
	}
	slices.Sort(on)
	return strings.Join(on, " and ")
}

// faults lists what is wrong with our books by themselves: each transaction
// stands on one account, and on none with less than nothing.
func (b books) faults() []string {
	var list []string
	for _, id := range b.ids() {
		t := b[id]
		if t.fault != "" {
			list = append(list, t.fault)
		}
		for account, sum := range t.accounts {
			if account != outside && sum.Minor < 0 {
				list = append(list, fmt.Sprintf("transaction %s: our books have %s %s", id, currency.Format(sum), account))
			}
		}
		if strings.Contains(t.stand(), " and ") {
			list = append(list, fmt.Sprintf("transaction %s: our books have it %s at once", id, t.stand()))
		}
	}
	return list
}

func (b books) ids() []string {
	ids := make([]string, 0, len(b))
	for id := range b {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// EverAuthorised counts the charges that ever had money reserved.
func EverAuthorised(entries []client.Entry) int {
	charges := map[string]bool{}
	for _, e := range entries {
		if e.Debit == "authorised" {
			charges[e.ChargeID] = true
		}
	}
	return len(charges)
}

package verdict

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	owner := map[string]string{"ref-a-1": "a", "ref-a-2": "a", "ref-b-1": "b"}
	holds := func(id, reference string, status int, minor int64) Holding {
		return Holding{ID: id, Reference: reference, Status: status, Good: true, Amount: sterling(minor)}
	}
	declined := holds("t9", "ref-b-1", gateway.StatusCancelled, 70000)
	declined.Good = false
	elsewhere := entry("a", "t1", outside, "authorised", 2499)
	elsewhere.Amount.Currency = "EUR"

	tests := map[string]struct {
		ledger []Holding
		ours   []client.Entry
		want   Comparison
	}{
		"OK nothing": {},
		"OK every account": {
			ledger: []Holding{
				holds("t1", "ref-a-1", gateway.StatusSettled, 2499),
				holds("t2", "ref-b-1", gateway.StatusSuspended, 100),
				declined,
			},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", "authorised", "released", 2499),
				entry("a", "t1", "released", "settled", 2499), entry("b", "t2", outside, "authorised", 100),
			},
		},
		"OK due, unchecked and settling are released": {
			ledger: []Holding{
				holds("t1", "ref-a-1", gateway.StatusSettling, 2499), holds("t2", "ref-b-1", gateway.StatusManual, 100),
			},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", "authorised", "released", 2499),
				entry("b", "t2", outside, "authorised", 100), entry("b", "t2", "authorised", "released", 100),
			},
		},
		"OK one let go, the next one kept": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusCancelled, 2499), holds("t2", "ref-a-2", gateway.StatusPending, 2499)},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", "authorised", outside, 2499),
				entry("a", "t2", outside, "authorised", 2499), entry("a", "t2", "authorised", "released", 2499),
			},
		},
		"missing in our books": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusPending, 2499)},
			want: Comparison{Lost: 1, Differences: []string{
				"transaction t1: the gateway has 24.99 GBP of it due, but our books do not hold it",
			}},
		},
		"under a reference of nobody's": {
			ledger: []Holding{holds("t1", "ref-x-1", gateway.StatusSuspended, 2499)},
			want: Comparison{Lost: 1, Differences: []string{
				"transaction t1: the gateway holds 24.99 GBP under the reference \"ref-x-1\", which is none of our charges'",
			}},
		},
		"extra in our books": {
			ours: []client.Entry{entry("a", "t1", outside, "authorised", 2499)},
			want: Comparison{Differences: []string{
				"transaction t1: our books have it authorised, but the gateway does not know it",
			}},
		},
		"cancelled at the gateway": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusCancelled, 2499)},
			ours:   []client.Entry{entry("a", "t1", outside, "authorised", 2499)},
			want: Comparison{Differences: []string{
				"transaction t1: our books have it authorised, but the gateway has it cancelled",
			}},
		},
		"wrong amount": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusSuspended, 2500)},
			ours:   []client.Entry{entry("a", "t1", outside, "authorised", 2499)},
			want: Comparison{Differences: []string{
				"transaction t1: our books have 24.99 GBP authorised, but the gateway has 25.00 GBP",
			}},
		},
		"wrong currency": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusSuspended, 2499)},
			ours:   []client.Entry{elsewhere},
			want: Comparison{Differences: []string{
				"transaction t1: our books have 24.99 EUR authorised, but the gateway has 24.99 GBP",
			}},
		},
		"wrong account": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusSettled, 2499)},
			ours:   []client.Entry{entry("a", "t1", outside, "authorised", 2499)},
			want: Comparison{Differences: []string{
				"transaction t1: our books have it authorised, but the gateway has it settled",
			}},
		},
		"another charge's": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusSuspended, 2499)},
			ours:   []client.Entry{entry("b", "t1", outside, "authorised", 2499)},
			want: Comparison{Differences: []string{
				"transaction t1: our books have it for charge b, but its reference is charge a's",
			}},
		},
		"two live": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusSuspended, 2499), holds("t2", "ref-a-2", gateway.StatusSuspended, 2499)},
			ours:   []client.Entry{entry("a", "t1", outside, "authorised", 2499), entry("a", "t2", outside, "authorised", 2499)},
			want: Comparison{Differences: []string{
				"charge a: the gateway holds 2 live authorisations for it",
			}},
		},
		"charged twice": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusPending, 2499), holds("t2", "ref-a-2", gateway.StatusSettled, 2499)},
			ours: []client.Entry{
				entry("a", "t1", outside, "released", 2499), entry("a", "t2", outside, "settled", 2499),
			},
			want: Comparison{Twice: 1, Differences: []string{
				"charge a: the gateway holds 2 live authorisations for it",
			}},
		},
		"booked twice": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusPending, 2499)},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", outside, "released", 2499),
			},
			want: Comparison{Differences: []string{
				"transaction t1: our books have it authorised and released at once",
				"transaction t1: our books have it authorised and released, but the gateway has it due",
			}},
		},
		"less than nothing": {
			ours: []client.Entry{entry("a", "t1", "authorised", outside, 2499)},
			want: Comparison{Differences: []string{
				"transaction t1: our books have -24.99 GBP authorised",
				"transaction t1: our books have it authorised, but the gateway does not know it",
			}},
		},
		"for two charges": {
			ledger: []Holding{holds("t1", "ref-a-1", gateway.StatusPending, 2499)},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("b", "t1", "authorised", "released", 2499),
			},
			want: Comparison{Differences: []string{
				"transaction t1: our books have it for the charges a and b",
			}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, Compare(test.ledger, test.ours, owner))
		})
	}
}

func TestEverAuthorised(t *testing.T) {
	t.Parallel()
	require.Zero(t, EverAuthorised(nil))
	require.Equal(t, 2, EverAuthorised([]client.Entry{
		entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", "authorised", outside, 2499),
		entry("a", "t2", outside, "authorised", 2499), entry("b", "t3", outside, "authorised", 100),
		entry("b", "t3", "authorised", "released", 100),
	}))
}

func entry(charge, transaction, credit, debit string, minor int64) client.Entry {
	return client.Entry{ChargeID: charge, Transaction: transaction, Credit: credit, Debit: debit, Amount: sterling(minor)}
}

func sterling(minor int64) payment.Amount { return payment.Amount{Minor: minor, Currency: "GBP"} }

package demo

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/client"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	owner := map[string]string{"ref-a-1": "a", "ref-a-2": "a", "ref-b-1": "b"}
	gateway := func(id, reference string, status int, minor int64) holding {
		return holding{ID: id, Reference: reference, Status: status, Good: true, Amount: sterling(minor)}
	}
	declined := gateway("t9", "ref-b-1", statusCancelled, 70000)
	declined.Good = false
	elsewhere := entry("a", "t1", outside, "authorised", 2499)
	elsewhere.Amount.Currency = "EUR"

	tests := map[string]struct {
		gateway []holding
		ours    []client.Entry
		want    comparison
	}{
		"OK nothing": {},
		"OK every account": {
			gateway: []holding{
				gateway("t1", "ref-a-1", statusSettled, 2499),
				gateway("t2", "ref-b-1", statusSuspended, 100),
				declined,
			},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", "authorised", "released", 2499),
				entry("a", "t1", "released", "settled", 2499), entry("b", "t2", outside, "authorised", 100),
			},
		},
		"OK due, unchecked and settling are released": {
			gateway: []holding{
				gateway("t1", "ref-a-1", statusSettling, 2499), gateway("t2", "ref-b-1", statusDueUnchecked, 100),
			},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", "authorised", "released", 2499),
				entry("b", "t2", outside, "authorised", 100), entry("b", "t2", "authorised", "released", 100),
			},
		},
		"OK one let go, the next one kept": {
			gateway: []holding{gateway("t1", "ref-a-1", statusCancelled, 2499), gateway("t2", "ref-a-2", statusDue, 2499)},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", "authorised", outside, 2499),
				entry("a", "t2", outside, "authorised", 2499), entry("a", "t2", "authorised", "released", 2499),
			},
		},
		"missing in our books": {
			gateway: []holding{gateway("t1", "ref-a-1", statusDue, 2499)},
			want: comparison{Lost: 1, Differences: []string{
				"transaction t1: the gateway has 24.99 GBP of it due, but our books do not hold it",
			}},
		},
		"under a reference of nobody's": {
			gateway: []holding{gateway("t1", "ref-x-1", statusSuspended, 2499)},
			want: comparison{Lost: 1, Differences: []string{
				"transaction t1: the gateway holds 24.99 GBP under the reference \"ref-x-1\", which is none of our charges'",
			}},
		},
		"extra in our books": {
			ours: []client.Entry{entry("a", "t1", outside, "authorised", 2499)},
			want: comparison{Differences: []string{
				"transaction t1: our books have it authorised, but the gateway does not know it",
			}},
		},
		"cancelled at the gateway": {
			gateway: []holding{gateway("t1", "ref-a-1", statusCancelled, 2499)},
			ours:    []client.Entry{entry("a", "t1", outside, "authorised", 2499)},
			want: comparison{Differences: []string{
				"transaction t1: our books have it authorised, but the gateway has it cancelled",
			}},
		},
		"wrong amount": {
			gateway: []holding{gateway("t1", "ref-a-1", statusSuspended, 2500)},
			ours:    []client.Entry{entry("a", "t1", outside, "authorised", 2499)},
			want: comparison{Differences: []string{
				"transaction t1: our books have 24.99 GBP authorised, but the gateway has 25.00 GBP",
			}},
		},
		"wrong currency": {
			gateway: []holding{gateway("t1", "ref-a-1", statusSuspended, 2499)},
			ours:    []client.Entry{elsewhere},
			want: comparison{Differences: []string{
				"transaction t1: our books have 24.99 EUR authorised, but the gateway has 24.99 GBP",
			}},
		},
		"wrong account": {
			gateway: []holding{gateway("t1", "ref-a-1", statusSettled, 2499)},
			ours:    []client.Entry{entry("a", "t1", outside, "authorised", 2499)},
			want: comparison{Differences: []string{
				"transaction t1: our books have it authorised, but the gateway has it settled",
			}},
		},
		"another charge's": {
			gateway: []holding{gateway("t1", "ref-a-1", statusSuspended, 2499)},
			ours:    []client.Entry{entry("b", "t1", outside, "authorised", 2499)},
			want: comparison{Differences: []string{
				"transaction t1: our books have it for charge b, but its reference is charge a's",
			}},
		},
		"two live": {
			gateway: []holding{gateway("t1", "ref-a-1", statusSuspended, 2499), gateway("t2", "ref-a-2", statusSuspended, 2499)},
			ours:    []client.Entry{entry("a", "t1", outside, "authorised", 2499), entry("a", "t2", outside, "authorised", 2499)},
			want: comparison{Differences: []string{
				"charge a: the gateway holds 2 live authorisations for it",
			}},
		},
		"charged twice": {
			gateway: []holding{gateway("t1", "ref-a-1", statusDue, 2499), gateway("t2", "ref-a-2", statusSettled, 2499)},
			ours: []client.Entry{
				entry("a", "t1", outside, "released", 2499), entry("a", "t2", outside, "settled", 2499),
			},
			want: comparison{Twice: 1, Differences: []string{
				"charge a: the gateway holds 2 live authorisations for it",
			}},
		},
		"booked twice": {
			gateway: []holding{gateway("t1", "ref-a-1", statusDue, 2499)},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", outside, "released", 2499),
			},
			want: comparison{Differences: []string{
				"transaction t1: our books have it authorised and released at once",
				"transaction t1: our books have it authorised and released, but the gateway has it due",
			}},
		},
		"less than nothing": {
			ours: []client.Entry{entry("a", "t1", "authorised", outside, 2499)},
			want: comparison{Differences: []string{
				"transaction t1: our books have -24.99 GBP authorised",
				"transaction t1: our books have it authorised, but the gateway does not know it",
			}},
		},
		"for two charges": {
			gateway: []holding{gateway("t1", "ref-a-1", statusDue, 2499)},
			ours: []client.Entry{
				entry("a", "t1", outside, "authorised", 2499), entry("b", "t1", "authorised", "released", 2499),
			},
			want: comparison{Differences: []string{
				"transaction t1: our books have it for the charges a and b",
			}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, compare(test.gateway, test.ours, owner))
		})
	}
}

func TestEverAuthorised(t *testing.T) {
	t.Parallel()
	require.Zero(t, everAuthorised(nil))
	require.Equal(t, 2, everAuthorised([]client.Entry{
		entry("a", "t1", outside, "authorised", 2499), entry("a", "t1", "authorised", outside, 2499),
		entry("a", "t2", outside, "authorised", 2499), entry("b", "t3", outside, "authorised", 100),
		entry("b", "t3", "authorised", "released", 100),
	}))
}

func entry(charge, transaction, credit, debit string, minor int64) client.Entry {
	return client.Entry{ChargeID: charge, Transaction: transaction, Credit: credit, Debit: debit, Amount: sterling(minor)}
}

package verdict

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// noon is when something was adjusted.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// run is one order, charged and settled, with nothing wrong about it.
type run struct {
	posted Posted
	charge client.Detail
	books  Books
	ledger []Holding
	wire   gateway.Calls
}

func settled() *run {
	return &run{
		posted: Posted{ID: "o1", Reference: "order-1", Parts: []client.Part{{Fulfiller: "f", Amount: sterling(2499)}}},
		charge: client.Detail{
			Charge:         client.Charge{ID: "c1", OrderID: "o1", OrderReference: "order-1", Amount: sterling(2499), State: "settled", Produce: "yes", Transaction: "t1"},
			AttemptsDetail: []client.Attempt{{Number: 1, Reference: "ref-1", Stage: "answered", Outcome: "approved"}},
			Story: []client.Event{
				{Class: "answer", Number: 1, State: "authorised", Body: []byte(`{"transactionreference":"t1"}`)},
				{Class: "look", State: "settled"},
			},
		},
		books: Books{Entries: []client.Entry{
			entry("c1", "t1", outside, "authorised", 2499), entry("c1", "t1", "authorised", "released", 2499), entry("c1", "t1", "released", "settled", 2499),
		}},
		ledger: []Holding{{ID: "t1", Reference: "ref-1", Status: gateway.StatusSettled, Amount: sterling(2499), Good: true, Released: true}},
	}
}

func (r *run) judge() Verdict {
	r.books.Charges = append(r.books.Charges, r.charge)
	return Judge([]Posted{r.posted}, r.books, r.ledger, r.wire)
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const name = "order order-1, charge c1 "
	tests := map[string]struct {
		wrong func(*run)
		want  Verdict
	}{
		"OK": {wrong: func(*run) {}, want: Verdict{Orders: 1, Matches: true}},
		"OK for a person": {
			wrong: func(r *run) {
				r.charge.State, r.charge.NeedsPerson = "released", &client.NeedsPerson{Case: "settle_overdue"}
				r.books.Entries, r.ledger[0].Status = r.books.Entries[:2], gateway.StatusPending
			},
			want: Verdict{Orders: 1, Matches: true, NeedsPerson: 1},
		},
		"OK cancelled": {
			wrong: func(r *run) {
				r.posted.Cancelled = true
				r.charge.State, r.charge.Produce, r.charge.Story[1].State = "cancelled", "no", "cancelled"
				r.books.Entries = append(r.books.Entries[:2], entry("c1", "t1", "released", outside, 2499))
				r.ledger[0].Status = gateway.StatusCancelled
			},
			want: Verdict{Orders: 1, Matches: true},
		},
		"no charge": {
			wrong: func(r *run) {
				r.charge.OrderID, r.charge.OrderReference = "o2", "order-2"
			},
			want: Verdict{Orders: 1, Matches: true, Lost: 1, Faults: []string{
				"order order-1: it was accepted for 24.99 GBP, but the books have charges of nothing",
			}},
		},
		"another amount": {
			wrong: func(r *run) { r.posted.Parts[0].Amount.Minor++ },
			want: Verdict{Orders: 1, Matches: true, Lost: 1, Faults: []string{
				"order order-1: it was accepted for 25.00 GBP, but the books have charges of 24.99 GBP",
			}},
		},
		"in the books twice": {
			wrong: func(r *run) {
				other := r.charge
				other.ID, other.OrderID, other.State, other.Produce = "c2", "o2", "declined", "no"
				other.AttemptsDetail, other.Story = nil, []client.Event{{Class: "answer", State: "declined"}}
				r.books.Charges = append(r.books.Charges, other)
			},
			want: Verdict{Orders: 1, Matches: true, Faults: []string{"order order-1: the books have it 2 times"}},
		},
		"cancelled, and may be produced": {
			wrong: func(r *run) { r.posted.Cancelled = true },
			want:  Verdict{Orders: 1, Matches: true, Faults: []string{"order order-1: it was cancelled, but produce is yes"}},
		},
		"stuck": {
			wrong: func(r *run) {
				r.charge.State, r.charge.Text = "releasing", "The release was sent, and is being read back."
			},
			want: Verdict{Orders: 1, Matches: true, Stuck: 1, Faults: []string{
				name + "(releasing): it has come to no end and stands with nobody: The release was sent, and is being read back.",
			}},
		},
		"released twice": {
			wrong: func(r *run) {
				r.charge.AttemptsDetail = append(r.charge.AttemptsDetail, client.Attempt{Number: 2, Reference: "ref-2", Stage: "planned"})
				r.ledger = append(r.ledger, Holding{ID: "t2", Reference: "ref-2", Status: gateway.StatusCancelled, Amount: sterling(2499), Good: true, Released: true})
			},
			want: Verdict{Orders: 1, Matches: true, ChargedTwice: 1, Faults: []string{
				name + "(settled): more than one attempt was released: t1, t2",
			}},
		},
		"OK released by us": {
			wrong: func(r *run) {
				r.ledger[0].Adjusted = []time.Time{noon}
				r.charge.Story = append(r.charge.Story, client.Event{Class: "adjust", State: "authorised", Text: "About to release transaction t1."})
			},
			want: Verdict{Orders: 1, Matches: true},
		},
		"OK answered without a word that is left": {
			wrong: func(r *run) {
				r.charge.Story[0] = client.Event{Class: "look", State: "authorised", Body: []byte(`{"transactionreference":"t1"}`)}
				r.charge.AttemptsDetail[0].StartedAt = noon
				r.books.Forgotten = Span{From: noon.Add(time.Millisecond), Until: noon.Add(time.Minute)}
			},
			want: Verdict{Orders: 1, Matches: true},
		},
		"answered without a word before what was forgotten": {
			wrong: func(r *run) {
				r.charge.Story[0] = client.Event{Class: "look", State: "authorised", Body: []byte(`{"transactionreference":"t1"}`)}
				r.charge.AttemptsDetail[0].StartedAt = noon
				r.books.Forgotten = Span{From: noon.Add(time.Second), Until: noon.Add(time.Minute)}
			},
			want: Verdict{Orders: 1, Matches: true, Faults: []string{
				name + "(settled): no evidence says what attempt 1 came to",
			}},
		},
		"OK released without a word that is left": {
			wrong: func(r *run) {
				r.ledger[0].Adjusted = []time.Time{noon}
				r.books.Forgotten = Span{From: noon, Until: noon.Add(time.Second)}
			},
			want: Verdict{Orders: 1, Matches: true},
		},
		"released without a word before what was forgotten": {
			wrong: func(r *run) {
				r.ledger[0].Adjusted = []time.Time{noon, noon.Add(time.Minute)}
				r.books.Forgotten = Span{From: noon.Add(time.Second), Until: noon.Add(time.Hour)}
			},
			want: Verdict{Orders: 1, Matches: true, Faults: []string{
				name + "(settled): transaction t1 was released or cancelled without being written down before",
			}},
		},
		"released without a word after what was forgotten": {
			wrong: func(r *run) {
				r.ledger[0].Adjusted = []time.Time{noon, noon.Add(time.Minute)}
				r.books.Forgotten = Span{From: noon, Until: noon.Add(time.Minute)}
			},
			want: Verdict{Orders: 1, Matches: true, Faults: []string{
				name + "(settled): transaction t1 was released or cancelled without being written down before",
			}},
		},
		"released without a word": {
			wrong: func(r *run) { r.ledger[0].Adjusted = []time.Time{noon} },
			want: Verdict{Orders: 1, Matches: true, Faults: []string{
				name + "(settled): transaction t1 was released or cancelled without being written down before",
			}},
		},
		"sent twice under one reference": {
			wrong: func(r *run) {
				r.ledger = append(r.ledger, Holding{ID: "t2", Reference: "ref-1", Status: gateway.StatusCancelled, Amount: sterling(2499)})
			},
			want: Verdict{Orders: 1, Matches: true, Faults: []string{"reference ref-1: it was sent to the gateway more than once"}},
		},
		"another amount at the gateway": {
			wrong: func(r *run) {
				r.ledger[0].Amount.Minor = 9999
				for i := range r.books.Entries {
					r.books.Entries[i].Amount.Minor = 9999
				}
			},
			want: Verdict{Orders: 1, Matches: true, Faults: []string{
				name + "(settled): the gateway holds 99.99 GBP for it, but 24.99 GBP is owed",
			}},
		},
		"declined, and held at the gateway": {
			wrong: func(r *run) {
				r.charge.State, r.charge.Produce, r.charge.Story[1].State = "declined", "no", "declined"
			},
			want: Verdict{Orders: 1, Matches: true, Faults: []string{name + "(declined): the gateway still holds t1 for it"}},
		},
		"settled here alone": {
			wrong: func(r *run) { r.books.Entries, r.ledger = nil, nil },
			want: Verdict{Orders: 1, Matches: true, Faults: []string{
				name + "(settled): the gateway debits it 0 times",
				name + "(settled): it may be produced, but the gateway holds nothing for it",
			}},
		},
		"not in the books": {
			wrong: func(r *run) { r.books.Entries = nil },
			want: Verdict{Orders: 1, Lost: 1, Faults: []string{
				"transaction t1: the gateway has 24.99 GBP of it settled, but our books do not hold it",
			}},
		},
		"no evidence": {
			wrong: func(r *run) { r.charge.Story = nil },
			want: Verdict{Orders: 1, Matches: true, Faults: []string{
				name + "(settled): no evidence names transaction t1, which the gateway holds for it",
				name + "(settled): no evidence led to this state",
				name + "(settled): no evidence says what attempt 1 came to",
			}},
		},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := settled()
			test.wrong(r)
			got := r.judge()
			require.Equal(t, test.want, got)
			require.Equal(t, len(test.want.Faults) == 0, got.Good())
		})
	}
}

func TestReleasedIsForGood(t *testing.T) {
	t.Parallel()
	e := func(code string, status int, history ...gateway.Change) gateway.Entry {
		return gateway.Entry{ErrorCode: code, SettleStatus: status, History: history}
	}
	const suspended, due, cancelled = gateway.StatusSuspended, gateway.StatusPending, gateway.StatusCancelled
	require.True(t, fromEntry(e("0", due)).Released)
	require.True(t, fromEntry(e("0", cancelled, gateway.Change{From: due, To: cancelled})).Released)
	require.True(t, fromEntry(e("0", cancelled, gateway.Change{From: suspended, To: due}, gateway.Change{From: due, To: cancelled})).Released)
	require.False(t, fromEntry(e("0", suspended)).Released)
	require.False(t, fromEntry(e("0", cancelled, gateway.Change{From: suspended, To: cancelled})).Released)
	require.False(t, fromEntry(e("70000", cancelled)).Released)
	byUs := e("0", due, gateway.Change{From: suspended, To: suspended, By: "us"}, gateway.Change{From: suspended, To: due, By: "us"})
	byUs.User = "us"
	require.Len(t, fromEntry(byUs).Adjusted, 1)
	byUs.History[1].By = "batch"
	require.Empty(t, fromEntry(byUs).Adjusted, "it began, and nobody changed it")
}

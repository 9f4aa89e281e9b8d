package verdict

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// The calls of an order's life, by number.
func authCall(n int64, reference string) gateway.Call {
	return gateway.Call{At: noon.Add(time.Duration(n) * time.Second), HTTP: n, Type: "AUTH", Orders: []string{reference}}
}

func queryCall(n int64, references ...string) gateway.Call {
	return gateway.Call{At: noon.Add(time.Duration(n) * time.Second), HTTP: n, Type: "TRANSACTIONQUERY", Orders: references}
}

func updateCall(n int64, transaction, to string) gateway.Call {
	return gateway.Call{At: noon.Add(time.Duration(n) * time.Second), HTTP: n, Type: "TRANSACTIONUPDATE", Transactions: []string{transaction}, To: to}
}

func mark(text string) client.Event {
	return client.Event{Class: "adjust", State: "authorised", Text: text}
}

// released is one order that was charged, looked at, written down as about to
// be released, and released.
func released() *run {
	r := settled()
	r.charge.AttemptsDetail[0].StartedAt = noon
	r.charge.Story[0].Text = "approved: Authorised."
	r.charge.Story = append(r.charge.Story[:1:1], mark("About to release transaction t1."), r.charge.Story[1])
	r.wire.Calls = []gateway.Call{authCall(1, "ref-1"), queryCall(2, "ref-1", "ref-2", "ref-3"), updateCall(3, "t1", "0")}
	return r
}

func TestWire(t *testing.T) {
	t.Parallel()
	const name = "order order-1, charge c1 (settled): "
	second := func(r *run, outcome string) {
		r.charge.AttemptsDetail = append(r.charge.AttemptsDetail, client.Attempt{Number: 2, Reference: "ref-2", Stage: "answered", Outcome: outcome, StartedAt: noon})
		r.charge.Story = append(r.charge.Story, client.Event{Class: "answer", Number: 2, State: "settled", Text: outcome + ": because"})
	}
	tests := map[string]struct {
		wrong func(*run)
		want  []string
	}{
		"OK": {wrong: func(*run) {}},
		"OK a second attempt that was let go": {wrong: func(r *run) {
			second(r, "declined")
			r.wire.Calls = append(r.wire.Calls, authCall(4, "ref-2"))
		}},
		"OK written down and not sent": {wrong: func(r *run) {
			r.charge.Story = append(r.charge.Story, mark("About to release transaction t1."))
		}},
		"OK asked for in parts": {wrong: func(r *run) {
			second(r, "declined")
			r.wire.Calls = []gateway.Call{authCall(1, "ref-1"), authCall(2, "ref-2"), queryCall(3, "ref-1"), queryCall(3, "ref-2"), updateCall(4, "t1", "0")}
		}},
		"not all were kept": {
			wrong: func(r *run) { r.wire.Dropped = 2 },
			want:  []string{"the gateway did not keep 2 of the calls that arrived: what was sent can't be judged"},
		},
		"charged again under one reference": {
			wrong: func(r *run) { r.wire.Calls = append(r.wire.Calls, authCall(4, "ref-1")) },
			want:  []string{"call 4: reference ref-1 arrived at the gateway before"},
		},
		"OK charged again after it was forgotten": {wrong: func(r *run) {
			r.books.Forgotten = Span{From: noon, Until: noon.Add(1500 * time.Millisecond)}
			r.wire.Calls = append(r.wire.Calls[:1:1], authCall(2, "ref-1"), queryCall(3, "ref-1"), updateCall(4, "t1", "0"))
		}},
		"charged under no reference": {
			wrong: func(r *run) { r.wire.Calls = append(r.wire.Calls, gateway.Call{HTTP: 4, Type: "AUTH"}) },
			want:  []string{"call 4: an AUTH carries 0 references"},
		},
		"charged, and nobody knows for what": {
			wrong: func(r *run) { r.wire.Calls = append(r.wire.Calls, authCall(4, "other")) },
			want:  []string{"call 4: reference other arrived at the gateway, and the books have no attempt of it"},
		},
		"charged before it was written down": {
			wrong: func(r *run) { r.charge.AttemptsDetail[0].StartedAt = time.Time{} },
			want:  []string{name + "attempt 1 arrived at the gateway, but was never written down as started"},
		},
		"released by reference": {
			wrong: func(r *run) {
				r.wire.Calls[2].Orders, r.wire.Calls[2].Transactions = []string{"ref-1"}, nil
			},
			want: []string{"call 3: a TRANSACTIONUPDATE names 0 transactions and 1 references, and not one transaction alone"},
		},
		"released without a look": {
			wrong: func(r *run) { r.wire.Calls = append(r.wire.Calls[:1:1], r.wire.Calls[2]) },
			want:  []string{name + "transaction t1 was released without a look at all references of its charge right before"},
		},
		"released after a look that left one out": {
			wrong: func(r *run) {
				second(r, "declined")
				r.wire.Calls = []gateway.Call{authCall(1, "ref-1"), authCall(2, "ref-2"), queryCall(3, "ref-1"), updateCall(4, "t1", "0")}
			},
			want: []string{name + "transaction t1 was released without a look at all references of its charge right before"},
		},
		"released after a look from before the newest attempt": {
			wrong: func(r *run) {
				second(r, "approved")
				r.charge.Story[1].Text = "About to release transaction t2."
				r.charge.Story[0].Text = "approved: t2"
				r.ledger = append(r.ledger, Holding{ID: "t2", Reference: "ref-2", Status: gateway.StatusCancelled, Amount: sterling(2499), Good: true})
				r.wire.Calls = append(r.wire.Calls[:2:2], authCall(3, "ref-2"), updateCall(4, "t2", "0"))
			},
			want: []string{name + "transaction t2 was released without a look at all references of its charge right before"},
		},
		"released again without another look": {
			wrong: func(r *run) {
				r.charge.Story = append(r.charge.Story, mark("About to release transaction t1."))
				r.wire.Calls = append(r.wire.Calls, updateCall(4, "t1", "0"))
			},
			want: []string{name + "transaction t1 was released without a look at all references of its charge right before"},
		},
		"released more often than written down": {
			wrong: func(r *run) { r.wire.Calls = append(r.wire.Calls, queryCall(4, "ref-1"), updateCall(5, "t1", "0")) },
			want:  []string{name + "the gateway was told 2 times to release transaction t1, and 1 times it was written down before"},
		},
		"cancelled without a word": {
			wrong: func(r *run) { r.wire.Calls = append(r.wire.Calls, updateCall(4, "t1", "3")) },
			want:  []string{name + "the gateway was told 1 times to cancel transaction t1, and 0 times it was written down before"},
		},
		"OK cancelled without a word that is left": {wrong: func(r *run) {
			r.wire.Calls = append(r.wire.Calls, updateCall(4, "t1", "3"))
			r.books.Forgotten = Span{From: noon.Add(4 * time.Second), Until: noon.Add(5 * time.Second)}
		}},
		"about to be released before it was known": {
			wrong: func(r *run) { r.charge.Story[0], r.charge.Story[1] = r.charge.Story[1], r.charge.Story[0] },
			want:  []string{name + "it was about to change transaction t1 before anything was written down of it"},
		},
		"not sent, and yet it arrived": {
			wrong: func(r *run) {
				second(r, "not_sent")
				r.wire.Calls = append(r.wire.Calls, authCall(4, "ref-2"))
			},
			want: []string{name + "attempt 2 counts as not sent, but arrived at the gateway"},
		},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := released()
			test.wrong(r)
			got := r.judge()
			if test.want == nil {
				test.want = []string{}
			}
			require.ElementsMatch(t, test.want, got.Faults)
		})
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	require.Empty(t, Broken(released().wire))
	require.Len(t, Broken(gateway.Calls{Calls: []gateway.Call{authCall(1, "a"), authCall(2, "b"), authCall(3, "a"), {Type: "TRANSACTIONUPDATE"}}}), 2)
}

package notify_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// faulty is a bench whose first notification has these faults.
func faulty(t *testing.T, f notify.Faults) (*bench, *receiver) {
	t.Helper()
	require.NoError(t, f.Check())
	r := listen(t, true)
	b := setup(t, nil, r.rule())
	b.faults = []notify.Faults{f}
	return b, r
}

func TestLate(t *testing.T) {
	t.Parallel()
	b, r := faulty(t, notify.Faults{Late: time.Hour})
	b.tell("K1", "K2")
	b.idle()
	require.Equal(t, []string{"K2"}, r.orders())
	b.tick(time.Hour)
	require.Equal(t, []string{"K2", "K1"}, r.orders())
	require.Equal(t, []string{"late"}, b.s.Log("")[0].Faults)
}

// A late one of an online rule keeps nobody waiting.
func TestLateOnline(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	r.answer = status(500)
	b := setup(t, nil, r.rule(mode(notify.Online)))
	b.faults = []notify.Faults{{Late: time.Hour}}
	b.tell("K1")
	b.s.Wait(t.Context(), "55-9-K1")
	b.tick(time.Hour)
	require.Len(t, r.all(), 1)
	require.Equal(t, notify.Failed, b.only().State, "and is tried once")
}

func TestDuplicated(t *testing.T) {
	t.Parallel()
	b, r := faulty(t, notify.Faults{Copies: 2})
	b.tell("K1")
	b.idle()
	all := r.all()
	require.Len(t, all, 3)
	require.Equal(t, all[0].body, all[1].body)
	require.Equal(t, all[0].body, all[2].body)
	require.Equal(t, "55-A1", all[2].fields["notificationreference"])
}

func TestReordered(t *testing.T) {
	t.Parallel()
	b, r := faulty(t, notify.Faults{Reordered: true})
	b.faults = append(b.faults, notify.Faults{Reordered: true}) // there is one already: this is the next
	b.tell("K1")
	b.idle()
	require.Empty(t, r.all())
	b.tell("K2", "K3")
	b.idle()
	require.Len(t, r.all(), 3)
	require.NotEqual(t, "K1", r.orders()[0])
	require.False(t, b.s.Log("")[0].Held)
}

func TestReorderedByAnOnlineOne(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	b := setup(t, nil, r.rule(mode(notify.Online)))
	b.faults = []notify.Faults{{Reordered: true}}
	b.tell("K1")
	b.tell("K2")
	b.idle()
	require.Equal(t, []string{"K2", "K1"}, r.orders())
}

// What is held back comes at last, even if nothing follows it.
func TestReorderedAlone(t *testing.T) {
	t.Parallel()
	for limit, wait := range map[time.Duration]time.Duration{0: notify.Window, time.Hour: time.Hour} {
		b, r := faulty(t, notify.Faults{Reordered: true, HoldFor: limit})
		b.tell("K1")
		b.tick(wait - time.Second)
		require.Empty(t, r.all())
		b.tick(time.Second)
		require.Equal(t, []string{"K1"}, r.orders())
	}
}

func TestForged(t *testing.T) {
	t.Parallel()
	for forgery, change := range map[notify.Forgery]map[string]string{
		notify.ForgedHash:        {},
		notify.ForgedAmount:      {"baseamount": "2599"},
		notify.ForgedTransaction: {"transactionreference": "1-9-999999999"},
		notify.ForgedPaid:        {"settlestatus": "100", "errorcode": "0"},
	} {
		for _, signed := range []bool{false, true} {
			if signed && forgery == notify.ForgedHash {
				continue
			}
			b, r := faulty(t, notify.Faults{Forged: forgery, Signed: signed})
			b.tell("K1", "K2")
			b.idle()
			var lie, truth map[string]string
			for _, one := range r.all() {
				if one.fields["orderreference"] == "K1" {
					lie = one.fields
				} else {
					truth = one.fields
				}
			}
			require.NoError(t, notify.Verify(truth, password))
			if signed {
				require.NoError(t, notify.Verify(lie, password))
			} else {
				require.ErrorIs(t, notify.Verify(lie, password), notify.ErrHash, forgery)
			}
			want := b.event("K1").Fields
			for name, value := range change {
				want[name] = value
			}
			for name, value := range lie {
				if name != "responsesitesecurity" && name != "notificationreference" {
					require.Equal(t, want[name], value, name)
				}
			}
			require.Equal(t, "forged "+string(forgery), b.s.Log("55-9-K1")[0].Faults[0], "the log tells which transaction it was made from")
		}
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	b, r := faulty(t, notify.Faults{Cut: notify.CutBody})
	b.faults = append(b.faults, notify.Faults{Cut: notify.CutFields}, notify.Faults{Cut: notify.CutConnection})
	b.tell("K1")
	b.idle()
	b.tell("K2")
	b.idle()
	b.tell("K3")
	b.idle()
	b.tell("K4")
	b.idle()
	all := r.all()
	require.Len(t, all, 4)
	whole := len(all[3].body)
	require.Len(t, all[0].body, whole/2)
	require.Less(t, len(all[1].fields), len(all[3].fields))
	require.ErrorIs(t, notify.Verify(all[1].fields, password), notify.ErrHash)
	require.NotEmpty(t, all[1].fields["responsesitesecurity"])
	require.Error(t, all[2].err)
	require.Len(t, all[2].body, whole/2)
	require.Equal(t, notify.Queued, b.s.Log("55-9-K3")[0].State)
	require.Contains(t, b.s.Log("55-9-K3")[0].Tries[0].Error, "cut on purpose")
}

func TestLost(t *testing.T) {
	t.Parallel()
	b, r := faulty(t, notify.Faults{Lost: true, Copies: 3})
	b.tell("K1")
	b.tick(47 * time.Hour)
	require.Empty(t, r.all())
	require.Equal(t, notify.Lost, b.only().State)
}

// Send makes one that no event asked for.
func TestSend(t *testing.T) {
	t.Parallel()
	r := listen(t, true)
	b := setup(t, nil, r.rule(func(r *notify.Rule) { r.On = []string{notify.Settlement} }))
	ids, err := b.s.Send("", b.event("K1"), notify.Faults{Forged: notify.ForgedPaid})
	require.NoError(t, err)
	require.Equal(t, []int64{1}, ids)
	b.idle()
	require.Equal(t, "100", r.all()[0].fields["settlestatus"])
	require.Equal(t, "n1", b.only().Rule)
	_, err = b.s.Send("n9", b.event("K1"), notify.Faults{})
	require.ErrorIs(t, err, notify.ErrNotFound)
	_, err = b.s.Send("n1", b.event("K1"), notify.Faults{Forged: "all"})
	require.ErrorContains(t, err, "none of hash")
	e := b.event("K1")
	e.Fields["sitereference"] = "test_other"
	_, err = b.s.Send("", e, notify.Faults{})
	require.ErrorContains(t, err, "add one")
}

func TestFaultsCheck(t *testing.T) {
	t.Parallel()
	for text, f := range map[string]notify.Faults{
		"copies -1":       {Copies: -1},
		"copies 101":      {Copies: 101},
		"forged \"x\"":    {Forged: "x"},
		"truncated \"x\"": {Cut: "x"},
		"signed goes":     {Signed: true},
		"amount, trans":   {Forged: notify.ForgedHash, Signed: true},
	} {
		require.ErrorContains(t, f.Check(), text)
	}
	require.Equal(t, []string{"hash", "amount", "transaction", "paid"}, notify.Forgeries())
	require.Equal(t, []string{"body", "fields", "connection"}, notify.Cuts())
}

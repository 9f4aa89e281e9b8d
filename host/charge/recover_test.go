package charge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/shared/payment"
)

// books are a charge as a backup has it, with what was known of it then.
type books struct {
	c       *charge.Charge
	history history
}

func (w *world) books() books { return books{w.c.Clone(), w.history.clone()} }

// maybeSent takes in that attempts count as sent though nobody knows of an end.
func (w *world) maybeSent() {
	for _, a := range w.c.Attempts {
		if a.InDoubt() && len(w.history.answers[a.Reference]) == 0 {
			w.history.answer(a.Reference, payment.OutcomeUnknown, nil)
		}
	}
}

// restore puts the books back to an earlier state, as a backup does, and
// sweeps the gateway for what they have forgotten.
func (w *world) restore(backup books) {
	w.now = w.now.Add(2 * time.Minute) // longer than clocks disagree and than a call lasts: hosts are stopped first
	for _, u := range w.underway {
		w.updated(u.id, u.action)
	}
	w.underway = nil
	w.c, w.history, w.noTold, w.restoredAt = backup.c.Clone(), backup.history.clone(), backup.c.NoTold, w.now
	w.faultSince, w.faultUntil = time.Time{}, time.Time{} // charging is stopped for the restore's sake now
	w.late, w.yes = nil, false                            // their hosts are gone, and what a person allowed may be forgotten
	for _, tx := range w.at {
		// The sweep waits for longer than a gateway lags. With recorded it may even
		// miss what shows up days later.
		if w.mode == payment.SettleAtOnce || tx.visible.Before(w.now.Add(2*time.Hour)) || w.flip("shown in time") {
			tx.visible = time.Time{}
		}
	}
	l, ok := w.query()
	for !ok {
		l, ok = w.query()
	}
	for _, t := range l.Found {
		for n := 1; n <= charge.MaxAttempts; n++ {
			if charge.ReferenceOf(w.c.Stem, n) == t.Reference {
				t.StartedAt = w.now.Add(-time.Hour)
				w.c.MayHaveSent(n, charge.SentAs(t, l.Place, w.mode), w.now)
				w.maybeSent()
			}
		}
	}
	l.References = nil
	w.look(l)
	// From what was forgotten any state may follow.
	w.state = charge.Derive(w.c, w.facts()).State
	w.apply()
}

// Books that are put back while charges are on their way never lead to a
// second debit, and to no attempt that nobody has asked for since.
func TestNeverTwiceAfterARestore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		backups := []books{w.books()}
		for range 60 {
			w.meddle()
			switch v := charge.Derive(w.c, w.facts()); {
			case w.oneIn(25, "restore"):
				w.restore(backups[rapid.IntRange(0, len(backups)-1).Draw(t, "backup")])
				continue
			case v.Case == charge.CaseUnconfirmed && v.Act != charge.ActNone && v.Act != charge.ActLook:
				t.Fatalf("%s is due though nobody has confirmed the charge", v.Act)
			case v.Case == charge.CaseUnconfirmed && w.flip("confirmed"):
				w.now = w.now.Add(time.Second)
				w.c.ConfirmedAt = w.now
				w.apply()
				continue
			}
			attempts := len(w.c.Attempts)
			unconfirmed := w.c.Unconfirmed(w.facts())
			w.step()
			if unconfirmed && len(w.c.Attempts) > attempts {
				t.Fatal("an attempt was planned though nobody has confirmed the charge")
			}
			backups = append(backups, w.books())
		}
	})
}

func TestMayHaveSent(t *testing.T) {
	t.Parallel()
	c := newCharge()
	start(c, payment.SettleRecorded, t0)
	require.NoError(t, c.FoldAnswer(answer(1, payment.OutcomeNotSent, nil)))
	c.Plan(t0.Add(time.Minute))
	before := c.Attempts[0]

	at := t0.Add(time.Hour)
	tx := transaction(c, 4, "55-9-4", payment.StatusSuspended)
	tx.StartedAt = t0.Add(10 * time.Minute)
	c.MayHaveSent(4, charge.SentAs(tx, charge.Place{Endpoint: "EU", Site: "test_site"}, payment.SettleRecorded), at)

	require.Len(t, c.Attempts, 4)
	require.Equal(t, before, c.Attempts[0], "what is known stays")
	for _, a := range c.Attempts[1:] {
		require.True(t, a.InDoubt())
		require.Equal(t, charge.Place{Endpoint: "EU", Site: "test_site"}, a.Place())
	}
	c.FoldLook(charge.Look{At: at, Place: charge.Place{Endpoint: "EU", Site: "test_site"}, Found: []payment.Transaction{tx}}, charge.DefaultClocks())
	v := c.Apply(facts(at))
	require.Equal(t, charge.StateAuthorised, v.State)
	require.Equal(t, payment.TransactionID("55-9-4"), v.Chosen)

	c = newCharge()
	c.MayHaveSent(charge.MaxAttempts+5, charge.Attempt{}, at)
	require.Len(t, c.Attempts, charge.MaxAttempts)
}

func TestSplitReference(t *testing.T) {
	t.Parallel()
	namer, err := charge.NewNamer("test", make([]byte, charge.MinNamerKey))
	require.NoError(t, err)
	stem := namer.Stem(charge.Names{Channel: "c", Order: "o", Fulfiller: "f", Purpose: "order"})
	for _, n := range []int{1, 9, 30} {
		s, number, ok := charge.SplitReference(charge.ReferenceOf(stem, n))
		require.True(t, ok)
		require.Equal(t, stem, s)
		require.Equal(t, n, number)
	}
	for _, r := range []payment.Reference{
		"", "-", "1", "order-1", payment.Reference(stem), payment.Reference(stem + "-"), payment.Reference(stem + "-0"),
		payment.Reference(stem + "-01"), payment.Reference(stem + "--1"), payment.Reference(stem + "-1-2"),
		payment.Reference(stem[:19] + "u-1"), payment.Reference(stem[:19] + "A-1"), payment.Reference(stem[:19] + "-1"),
	} {
		_, _, ok := charge.SplitReference(r)
		require.False(t, ok, "%q", r)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	of := func(environment string, first byte) string {
		key := make([]byte, charge.MinNamerKey)
		key[0] = first
		n, err := charge.NewNamer(environment, key)
		require.NoError(t, err)
		return n.Fingerprint()
	}
	require.Len(t, of("a", 1), 64)
	require.Equal(t, of("a", 1), of("b", 1), "it is the key's alone")
	require.NotEqual(t, of("a", 1), of("a", 2))
}

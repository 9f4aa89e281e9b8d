package restore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/host/restore/restoredb"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

func released(c *charge.Charge) bool { return c.State == charge.StateReleased }

// A database that was put back while no host ran has forgotten charges. None of
// them is made a second time when the platform posts its orders again.
func TestPutBackBetweenTwoRuns(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.start()
		b.shop("a")
		b.until(b.place("a", "old").ID, "released", released)
		b.gateway.LoseAnswers(1, true)
		doubt := b.place("a", "doubt")
		b.stop()
		putBack := k.backup(t)

		b.start()
		doubt = b.until(doubt.ID, "released", released)
		lost := b.until(b.place("a", "lost").ID, "released", released)
		b.stop()
		putBack(t)

		b.start()
		b.untilStopped()
		require.Contains(t, b.watch.Stopped(), "chargehand restored --since")
		again := b.place("a", "lost")
		require.Equal(t, charge.StateWaiting, again.State)
		require.Equal(t, charge.ReasonRestored, again.Reason)
		require.Equal(t, charge.ProduceWait, again.Produce)
		require.Equal(t, charge.ReasonRestored, b.place("a", "while stopped").Reason)
		require.Len(t, b.authorisations(lost), 1)
		b.stop()

		report, err := b.sweep(context.Background(), restore.Task{}, nil)
		if _, alive := err.(*restore.AliveError); alive { //nolint:errorlint // it is not wrapped
			t.Fatalf("a host that was stopped counts as alive: %v", err)
		}
		require.NoError(t, err)
		require.True(t, report.Lifted)

		b.start()
		require.Empty(t, b.watch.Stopped())
		for _, reference := range []string{"old", "doubt", "lost", "while stopped"} {
			c := b.place("a", reference)
			c = b.until(c.ID, "released", released)
			require.Len(t, b.authorisations(c), 1, "%s was charged twice", reference)
		}
		require.Empty(t, b.authorisations(doubt)[1:])
	})
}

// An order that is posted for the first time after the sweep finds what was
// kept of it; one that was only planned waits for its platform.
func TestPostedAgainAfterTheSweep(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.start()
		b.shop("a")
		b.until(b.place("a", "first").ID, "released", released)
		// Planned, and on hold for a gateway that can't be reached.
		b.gateway.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) {
			return payment.ChargeResult{Outcome: payment.OutcomeNotSent, Reason: "no way there"}, nil
		})
		planned, cancelled := b.place("a", "planned"), b.place("a", "cancelled")
		for _, c := range []*charge.Charge{planned, cancelled} {
			b.until(c.ID, "not sent", func(c *charge.Charge) bool { return c.Attempts[0].Outcome == payment.OutcomeNotSent })
		}
		_, _, err := b.orders.Cancel(context.Background(), platform, cancelled.OrderID, "changed her mind")
		require.NoError(t, err)
		b.untilState(cancelled.ID, charge.StateCancelled)
		b.stop()
		putBack := k.backup(t)
		b.gateway.OnCharge(nil)

		b.start()
		b.until(planned.ID, "released", released)
		lost := b.until(b.place("a", "lost").ID, "released", released)
		b.stop()
		putBack(t)

		b.start()
		b.untilStopped()
		b.stop()
		report, err := b.sweep(context.Background(), restore.Task{}, nil)
		require.NoError(t, err)
		require.True(t, report.Lifted)
		require.Len(t, report.Sites, 1)
		require.Equal(t, int64(1), report.Sites[0].Kept)
		require.Equal(t, int64(1), report.Sites[0].Adopted, "%+v", report.Sites)

		b.start()
		// What was charged after the backup is known again, without a post.
		c := b.until(planned.ID, "released", released)
		require.Len(t, b.authorisations(c), 1)
		// What was cancelled stays so.
		c = b.place("a", "cancelled")
		require.Equal(t, charge.StateCancelled, c.State)
		require.Equal(t, charge.ProduceNo, c.Produce)
		require.Empty(t, b.authorisations(c))
		// And what was lost as a whole is found by its reference.
		c = b.place("a", "lost")
		require.NotEqual(t, lost.ID, c.ID, "the books had forgotten it")
		require.Equal(t, charge.StateUnknown, c.State, "the look comes first")
		c = b.until(c.ID, "released", released)
		require.Len(t, b.authorisations(c), 1)
		require.Equal(t, lost.Chosen, c.Chosen)
		// New orders are charged as ever.
		c = b.until(b.place("a", "new").ID, "released", released)
		require.Len(t, c.Attempts, 1)
	})
}

// What waited for its turn when the backup was made may have been cancelled
// since: it waits for the platform or a person.
func TestPlannedBeforeWaitsForAWord(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.start()
		b.shop("a")
		b.until(b.place("a", "first").ID, "released", released)
		b.gateway.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) {
			return payment.ChargeResult{Outcome: payment.OutcomeNotSent, Reason: "no way there"}, nil
		})
		one, two := b.place("a", "one"), b.place("a", "two")
		b.stop()
		putBack := k.backup(t)
		b.start()
		for _, c := range []*charge.Charge{one, two} { // cancelled in what is lost
			_, _, err := b.orders.Cancel(context.Background(), platform, c.OrderID, "changed her mind")
			require.NoError(t, err)
		}
		b.stop()
		putBack(t)
		b.gateway.OnCharge(nil)
		b.start()
		b.untilStopped()
		b.stop()
		_, err := b.sweep(context.Background(), restore.Task{}, nil)
		require.NoError(t, err)

		b.start()
		for _, c := range []*charge.Charge{one, two} {
			c = b.until(c.ID, "a person's", func(c *charge.Charge) bool { return c.Case == charge.CaseUnconfirmed })
			require.Equal(t, charge.ProduceWait, c.Produce)
			require.Empty(t, b.authorisations(c))
		}
		b.place("a", "one") // the platform still wants it
		b.until(one.ID, "released", released)
		require.NoError(t, b.engine.Retry(context.Background(), two.ID, len(b.load(two.ID).Attempts), "someone", "asked the shop"))
		b.until(two.ID, "released", released)
		require.Len(t, b.authorisations(one), 1)
		require.Len(t, b.authorisations(two), 1)
	})
}

// On a server the tables can be put back under a host that works on them. From
// the next commit on it begins nothing.
func TestPutBackUnderARunningHost(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		if k.config.Driver == "sqlite" {
			t.Skip("one process has the file: it can't be put back under it")
		}
		b := newBed(t, k)
		b.poll = time.Hour // only commits can notice
		b.start()
		b.shop("a")
		b.until(b.place("a", "old").ID, "released", released)
		putBack := k.backup(t)
		var lost []*charge.Charge
		for i := range 20 {
			lost = append(lost, b.until(b.place("a", fmt.Sprintf("lost-%d", i)).ID, "released", released))
		}
		putBack(t)
		for i, c := range lost { // at once, before any clock has ticked
			again, err := b.tryPlace("a", fmt.Sprintf("lost-%d", i))
			require.NoError(t, err)
			require.NotEqual(t, charge.StateCharging, again.State, "order %d is charged again", i)
			require.Len(t, b.authorisations(c), 1)
		}
		require.NotEmpty(t, b.watch.Stopped())
		b.stop()
		report, err := b.sweep(context.Background(), restore.Task{}, nil)
		require.NoError(t, err)
		require.True(t, report.Lifted)
		b.start()
		for i := range lost {
			c := b.until(b.place("a", fmt.Sprintf("lost-%d", i)).ID, "released", released)
			require.Len(t, b.authorisations(c), 1)
		}
	})
}

// A sweep that is killed anywhere is run again, and comes to the same.
func TestSweepInterrupted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.start()
		b.shop("a")
		b.shop("b")
		b.until(b.place("a", "old").ID, "released", released)
		b.stop()
		putBack := k.backup(t)
		b.start()
		const orders = paymenttest.WindowPage + 10
		lost := map[string]*charge.Charge{}
		for i := range orders {
			name := fmt.Sprintf("lost-%d", i)
			lost[name] = b.place("a", name)
		}
		for _, c := range lost {
			b.until(c.ID, "released", released)
		}
		b.stop()
		putBack(t)

		task := restore.Task{Since: time.Now().Add(-3 * time.Hour), Until: time.Now()}
		for calls := range 3 {
			ctx, cancel := context.WithCancel(context.Background())
			left := calls + 1
			b.gateway.OnQuery(func(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
				if left--; left <= 0 {
					cancel()
					return payment.QueryResult{}, ctx.Err()
				}
				return b.gateway.Memory.Query(ctx, r)
			})
			report, err := b.sweep(ctx, task, nil)
			cancel()
			require.ErrorContains(t, err, "run the command again", "after %d calls", calls)
			require.False(t, report.Lifted)
		}
		b.gateway.OnQuery(nil)
		b.start()
		require.NotEmpty(t, b.watch.Stopped(), "an interrupted sweep lets nothing go on")
		b.stop()
		report, err := b.sweep(context.Background(), task, nil)
		require.NoError(t, err)
		require.True(t, report.Lifted)
		b.start()
		for name, c := range lost {
			again := b.until(b.place("a", name).ID, "released", released)
			require.Len(t, b.authorisations(c), 1)
			require.Equal(t, b.authorisations(c)[0].ID, again.Chosen)
		}
	})
}

// A site that can't be swept keeps charging stopped until a person goes on
// without it; its orders are looked up one by one, and wait for a person.
func TestWithoutASite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.start()
		b.shop("a")
		b.until(b.place("a", "old").ID, "released", released)
		b.stop()
		putBack := k.backup(t)
		b.start()
		lost := b.until(b.place("a", "lost").ID, "released", released)
		b.stop()
		putBack(t)
		refuse := func(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
			if r.Window != nil {
				return payment.QueryResult{}, &payment.Error{Kind: payment.ErrorUnauthorized, Text: "the password is wrong"}
			}
			return b.gateway.Memory.Query(ctx, r)
		}
		b.gateway.OnQuery(refuse)
		report, err := b.sweep(context.Background(), restore.Task{}, nil)
		require.NoError(t, err)
		require.False(t, report.Lifted)
		require.Equal(t, "the password is wrong", report.Sites[0].Fault)
		_, err = b.sweep(context.Background(), restore.Task{Since: time.Now().Add(-time.Hour), Until: time.Now(), Without: []string{"elsewhere"}, Reason: "x"}, nil)
		require.ErrorContains(t, err, "no link or attempt leads to that site")
		report, err = b.sweep(context.Background(), restore.Task{
			Since: time.Now().Add(-time.Hour), Until: time.Now(), Without: []string{"site-a"}, Reason: "the user was closed",
		}, nil)
		require.NoError(t, err)
		require.True(t, report.Lifted)

		b.start()
		require.Empty(t, b.watch.Stopped())
		c := b.until(b.place("a", "lost").ID, "released", released)
		require.Equal(t, lost.Chosen, c.Chosen)
		require.Len(t, b.authorisations(c), 1)
		c = b.until(b.place("a", "never charged").ID, "a person's", func(c *charge.Charge) bool { return c.Case == charge.CaseAbsent })
		require.Empty(t, b.authorisations(c))
	})
}

// A later attempt that may have been sent before is not sent again, either.
func TestWithoutASiteLaterAttempts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.start()
		b.shop("a")
		b.gateway.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) {
			return payment.ChargeResult{}, &payment.Error{Kind: payment.ErrorUnavailable, NotSent: true, Text: "it is down"}
		})
		first := b.until(b.place("a", "order").ID, "not sent", func(c *charge.Charge) bool {
			return c.State == charge.StateWaiting && c.Attempts[0].Outcome == payment.OutcomeNotSent
		})
		b.stop()
		putBack := k.backup(t)
		b.gateway.OnCharge(nil)
		b.start()
		lost := b.until(first.ID, "released", released)
		b.stop()
		putBack(t)
		report, err := b.sweep(context.Background(), restore.Task{
			Since: time.Now().Add(-time.Hour), Until: time.Now(), Without: []string{"site-a"}, Reason: "the user was closed",
		}, nil)
		require.NoError(t, err)
		require.True(t, report.Lifted)

		b.start()
		b.until(first.ID, "a person's", func(c *charge.Charge) bool { return c.Case == charge.CaseUnconfirmed })
		c := b.until(b.place("a", "order").ID, "released", released)
		require.Equal(t, lost.Chosen, c.Chosen)
		require.Len(t, b.authorisations(c), 1, "sent once")
	})
}

// While a host lives, nothing is swept.
func TestAHostIsAlive(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.start()
		b.shop("a")
		store := restoredb.New(b.db)
		require.NoError(t, store.Register(context.Background(), restore.Host{ID: "other", Owner: "other host", StartedAt: time.Now(), SeenAt: time.Now()}))
		b.stop()
		_, err := b.sweep(context.Background(), restore.Task{}, nil)
		var alive *restore.AliveError
		require.ErrorAs(t, err, &alive)
		require.Len(t, alive.Hosts, 1)
		require.Contains(t, err.Error(), "other host")
	})
}

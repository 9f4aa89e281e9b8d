package engine_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

func TestApproved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		id := b.place(s, 1250)
		c := b.untilState(id, charge.StateReleased)
		require.Equal(t, charge.ProduceYes, c.Produce)
		require.Equal(t, map[charge.Account]int64{charge.AccountReleased: 1250, charge.AccountRetailer: -1250}, b.balance(id))
		b.settle()
		c = b.untilState(id, charge.StateSettled)
		require.True(t, c.NextCheckAt.IsZero(), "settled is final")
		require.Equal(t, 1, b.gateway.Count(paymenttest.VerbCharge))
		require.Equal(t, map[charge.Account]int64{charge.AccountSettled: 1250, charge.AccountRetailer: -1250}, b.balance(id))

		second := b.untilState(b.place(s, 900), charge.StateReleased)
		require.Equal(t, charge.ProduceYes, second.Produce)
	})
}

func TestFirstChargeOfASiteWaitsForItsRelease(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		allow := make(chan struct{})
		b.gateway.OnAdjust(func(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
			<-allow
			return b.gateway.Memory.Adjust(ctx, r)
		})
		first := b.place(s, 1250)
		c := b.untilState(first, charge.StateReleasing)
		require.Equal(t, charge.ProduceWait, c.Produce)
		require.Equal(t, charge.ReasonFirstRelease, c.Reason)
		close(allow)
		c = b.untilState(first, charge.StateReleased)
		require.Equal(t, charge.ProduceYes, c.Produce)
		allow = make(chan struct{})
		defer close(allow)
		b.gateway.OnAdjust(func(ctx context.Context, _ payment.AdjustRequest) (payment.AdjustResult, error) {
			<-allow
			return payment.AdjustResult{}, ctx.Err()
		})
		second := b.place(s, 1250)
		b.until(second, "releasing, to be produced", func(c *charge.Charge) bool {
			return c.State == charge.StateReleasing && c.Produce == charge.ProduceYes
		})
	})
}

func TestSameOrderTwice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		p := b.placement(s, 1250)
		var wg sync.WaitGroup
		ids := make([]charge.ID, 20)
		created := make([]bool, 20)
		errs := make([]error, 20)
		for i := range ids {
			wg.Go(func() {
				var cs []*charge.Charge
				if _, cs, created[i], errs[i] = b.orders.Place(b.ctx, p, "test", nil); errs[i] == nil {
					ids[i] = cs[0].ID
				}
			})
		}
		wg.Wait()
		made := 0
		for i := range ids {
			require.NoError(t, errs[i])
			require.Equal(t, ids[0], ids[i])
			if created[i] {
				made++
			}
		}
		require.Equal(t, 1, made)
		b.untilState(ids[0], charge.StateReleased)
		require.Equal(t, 1, b.gateway.Count(paymenttest.VerbCharge))

		p.Parts[0].Amount.Minor++
		_, _, _, err := b.orders.Place(b.ctx, p, "test", nil)
		require.Equal(t, payment.ErrorConflict, payment.KindOf(err))
	})
}

func TestAnswerLostAfterProcessing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		b.gateway.LoseAnswers(1, true)
		id := b.place(b.shop("a", nil), 1250)
		c := b.untilState(id, charge.StateReleased)
		require.Equal(t, 1, b.gateway.Count(paymenttest.VerbCharge))
		require.Len(t, b.live(c), 1)
	})
}

func TestAnswerLostBeforeProcessing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		b.gateway.LoseAnswers(1, false)
		id := b.place(b.shop("a", nil), 1250)
		c := b.untilState(id, charge.StateReleased)
		require.Len(t, c.Attempts, 2)
		require.False(t, c.Attempts[0].AbsentAt.IsZero())
		require.GreaterOrEqual(t, c.Attempts[0].Looks, quick().MinLooks)
		require.Len(t, b.live(c), 1)
		require.False(t, c.NextCheckAt.IsZero())
	})
}

func TestAbsenceWithoutControlStaysInDoubt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.gateway.LoseAnswers(1, false)
		b.gateway.OnQuery(func(context.Context, payment.QueryRequest) (payment.QueryResult, error) {
			return payment.QueryResult{}, nil // shows nothing, not even what must be there
		})
		id := b.place(s, 1250)
		c := b.until(id, "looked at many times", func(c *charge.Charge) bool {
			story, err := b.store.Evidence(b.ctx, id)
			require.NoError(t, err)
			counts := c.Attempts[0].SendBefore.Add(quick().AnswerLimit + 3*quick().AbsenceRecorded)
			return len(story) > 2*quick().MinLooks && c.CheckedAt.After(counts)
		})
		require.Equal(t, charge.StateUnknown, c.State)
		require.Zero(t, c.Attempts[0].Looks)
		require.False(t, c.Attempts[0].ControlFailedAt.IsZero())
		require.Equal(t, 1, b.gateway.Count(paymenttest.VerbCharge))
	})
}

func TestDeclined(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		c := b.untilState(b.place(b.shop("a", nil), paymenttest.DeclineMinor), charge.StateDeclined)
		require.Equal(t, charge.ProduceNo, c.Produce)
		require.True(t, c.NextCheckAt.IsZero())
		require.Empty(t, b.balance(c.ID))
	})
}

func TestHeldAgainstOurAsking(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", map[string]string{"settle": string(payment.SettleAtOnce)})
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			res, err := b.gateway.Memory.Charge(ctx, r)
			b.gateway.Edit(res.Transaction.ID, func(t *payment.Transaction) {
				t.Status, t.Outcome = payment.StatusSuspended, payment.OutcomeHeld
			})
			res.Outcome, res.Transaction.Status, res.Transaction.Outcome = payment.OutcomeHeld, payment.StatusSuspended, payment.OutcomeHeld
			return res, err
		})
		c := b.untilState(b.place(s, 1250), charge.StateHeld)
		require.Equal(t, charge.ProduceWait, c.Produce)
		require.Equal(t, charge.CaseHeld, c.Case)
		require.Zero(t, b.gateway.Count(paymenttest.VerbAdjust), "what is held against our asking is not released by itself")
	})
}

func TestGatewayDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		down := func() error {
			return &payment.Error{Kind: payment.ErrorUnavailable, Text: "no connection", NotSent: true}
		}
		b.gateway.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) {
			return payment.ChargeResult{}, down()
		})
		b.gateway.OnPreflight(func(context.Context, payment.PreflightRequest) (payment.PreflightReport, error) {
			return payment.PreflightReport{}, down()
		})
		id := b.place(s, 1250)
		b.until(id, "paused", func(c *charge.Charge) bool { return c.Reason == charge.ReasonPaused })
		b.untilPaused()
		b.gateway.OnCharge(nil)
		b.gateway.OnPreflight(nil)
		c := b.untilState(id, charge.StateReleased)
		require.Less(t, len(c.Attempts), charge.MaxAttempts)
		require.Empty(t, b.engine.Pauses())
		seen := map[payment.Reference]bool{}
		for _, r := range b.gateway.Charges() {
			require.False(t, seen[r.Reference], "a reference is used once, even if nothing was sent")
			seen[r.Reference] = true
		}
	})
}

func TestWrongStoredReference(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		other := b.shop("b", nil)
		gone := func(stored payment.TransactionID) bool { return stored == "1-1-a" }
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			if gone(r.Stored) {
				return payment.ChargeResult{Outcome: payment.OutcomeRejected, Fault: payment.FaultStoredReference, Code: "20004", Reason: "The stored reference is not there."}, nil
			}
			return b.gateway.Memory.Charge(ctx, r)
		})
		b.gateway.OnPreflight(func(ctx context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
			if gone(r.Stored) {
				return payment.PreflightReport{Findings: []payment.Finding{{Check: "stored_reference", Level: payment.LevelProblem, Text: "not there", Fault: payment.FaultStoredReference}}}, nil
			}
			return b.gateway.Memory.Preflight(ctx, r)
		})
		id := b.place(s, 1250)
		c := b.until(id, "with a person", func(c *charge.Charge) bool { return c.Case == charge.CaseSetup })
		require.Equal(t, charge.ProduceWait, c.Produce)
		b.untilPaused()
		later := b.place(s, 1250)
		require.Equal(t, charge.StateWaiting, b.load(later).State)
		b.untilState(b.place(other, 1250), charge.StateReleased)

		b.useStored(&s, "1-1-new")
		b.engine.Probe(b.ctx, s.link.ID, s.fulfiller.ID)
		b.untilState(id, charge.StateReleased)
		b.untilState(later, charge.StateReleased)
	})
}

func TestCancelWhileInDoubt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		show := make(chan struct{})
		b.gateway.LoseAnswers(1, true)
		b.gateway.OnQuery(func(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
			select {
			case <-show:
				return b.gateway.Memory.Query(ctx, r)
			default:
				return payment.QueryResult{}, &payment.Error{Kind: payment.ErrorUnavailable, Text: "down"}
			}
		})
		o, cs, _, err := b.orders.Place(b.ctx, b.placement(s, 1250), "test", nil)
		require.NoError(t, err)
		b.untilState(cs[0].ID, charge.StateUnknown)
		_, after, err := b.orders.Cancel(b.ctx, platform, o.ID, "changed her mind")
		require.NoError(t, err)
		require.Equal(t, charge.StateCancelling, after[0].State)
		require.Equal(t, charge.ProduceNo, after[0].Produce)
		require.Equal(t, charge.ReasonCancelInDoubt, after[0].Reason)
		close(show)
		c := b.untilState(cs[0].ID, charge.StateCancelled)
		require.Empty(t, b.live(c))
		require.Empty(t, b.balance(c.ID))
	})
}

func TestTwoUnderOneReference(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			// A doubled packet: the gateway works twice, and answers once.
			if _, err := b.gateway.Memory.Charge(ctx, r); err != nil {
				return payment.ChargeResult{}, err
			}
			return b.gateway.Memory.Charge(ctx, r)
		})
		c := b.untilState(b.place(s, 1250), charge.StateReleased)
		require.Len(t, c.Records, 2)
		require.Len(t, b.live(c), 1)
		require.Equal(t, map[charge.Account]int64{charge.AccountReleased: 1250, charge.AccountRetailer: -1250}, b.balance(c.ID))
	})
}

func TestCrashLeavesDoubtThatIsResolved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		sent := make(chan struct{})
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			_, err := b.gateway.Memory.Charge(ctx, r)
			close(sent)
			<-ctx.Done()
			return payment.ChargeResult{}, err
		})
		id := b.place(s, 1250)
		<-sent
		b.crash(b.engine)
		require.Equal(t, charge.StateCharging, b.load(id).State)
		b.gateway.OnCharge(nil)
		b.startEngine()
		c := b.untilState(id, charge.StateReleased)
		require.Equal(t, 1, b.gateway.Count(paymenttest.VerbCharge))
		require.Len(t, b.live(c), 1)
	})
}

func TestLostReleaseIsSentAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		lost := 2
		b.gateway.OnAdjust(func(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
			if lost--; lost >= 0 {
				return payment.AdjustResult{}, &payment.Error{Kind: payment.ErrorUnavailable, Text: "lost"}
			}
			return b.gateway.Memory.Adjust(ctx, r)
		})
		c := b.untilState(b.place(s, 1250), charge.StateReleased)
		require.Len(t, b.live(c), 1)
		require.Equal(t, 1, b.gateway.Count(paymenttest.VerbCharge))
	})
}

func TestAcceptedReleaseIsNotSentAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.gateway.OnAdjust(func(_ context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
			var res payment.AdjustResult // answered well, and a person holds it at the same moment
			for _, a := range r.Adjustments {
				res.Adjusted = append(res.Adjusted, payment.Adjusted{ID: a.ID, Accepted: true})
			}
			return res, nil
		})
		id := b.place(s, 1250)
		b.until(id, "read back several times", func(c *charge.Charge) bool { return c.State == charge.StateReleasing && c.Checks > 4 })
		require.Equal(t, 1, b.gateway.Count(paymenttest.VerbAdjust))
	})
}

func TestReadBackIsKeptThoughTheChargeHasChanged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		o, cs, _, err := b.orders.Place(b.ctx, b.placement(s, 1250), "test", t.Context().Done())
		require.NoError(t, err)
		b.untilState(cs[0].ID, charge.StateReleased)
		var once sync.Once
		b.gateway.OnAdjust(func(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
			res, err := b.gateway.Memory.Adjust(ctx, r)
			once.Do(func() { // the platform cancels between the update and its read-back
				_, _, err := b.orders.Cancel(b.ctx, platform, o.ID, "late")
				require.NoError(t, err)
			})
			return res, err
		})
		o, cs, _, err = b.orders.Place(b.ctx, b.placement(s, 900), "test", nil)
		require.NoError(t, err)
		c := b.untilState(cs[0].ID, charge.StateCancelled)
		require.Empty(t, b.live(c))
		// The read-back of the release may be written after that of the
		// cancellation: what matters is that neither is lost.
		b.until(c.ID, "told of the release and of the cancellation", func(*charge.Charge) bool {
			return b.countEvidence(c.ID, charge.ClassReadBack) == 2
		})
	})
}

func TestTooLateIsNotSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.gateway.OnCharge(func(_ context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			require.True(t, r.SendBefore.After(time.Now()))
			require.LessOrEqual(t, time.Until(r.SendBefore), quick().SendWindow)
			return payment.ChargeResult{Outcome: payment.OutcomeNotSent, Reason: "late"}, nil
		})
		id := b.place(s, 1250)
		b.until(id, "tried again", func(c *charge.Charge) bool { return len(c.Attempts) > 1 })
		b.gateway.OnCharge(nil)
		b.untilState(id, charge.StateReleased)
	})
}

func TestTwoHostsShareTheWork(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, turn.Limits{Plugin: 4, Site: 4})
		b.anotherEngine()
		s := b.shop("a", nil)
		ids := make([]charge.ID, 100)
		errs := make([]error, 100)
		var wg sync.WaitGroup
		for i := range ids {
			p := b.placement(s, int64(100+i))
			wg.Go(func() {
				var cs []*charge.Charge
				if _, cs, _, errs[i] = b.orders.Place(b.ctx, p, "test", nil); errs[i] == nil {
					ids[i] = cs[0].ID
				}
			})
		}
		wg.Wait()
		for i, id := range ids {
			require.NoError(t, errs[i])
			require.Len(t, b.live(b.untilState(id, charge.StateReleased)), 1)
		}
		require.Equal(t, len(ids), b.gateway.Count(paymenttest.VerbCharge))
	})
}

func TestFloodDoesNotStarve(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, turn.Limits{Plugin: 1, Site: 1})
		flood, small := b.shop("a", nil), b.shop("b", nil)
		gate := make(chan struct{})
		var first sync.Once
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			first.Do(func() { <-gate })
			return b.gateway.Memory.Charge(ctx, r)
		})
		for range 40 {
			b.place(flood, 1250)
		}
		id := b.place(small, 900)
		close(gate)
		b.untilState(id, charge.StateReleased)
		before := 0
		for _, r := range b.gateway.Charges() {
			if r.Amount.Minor == 900 {
				break
			}
			before++
		}
		require.LessOrEqual(t, before, 12, "turns go around among companies, not among orders")
	})
}

func TestSwitchedOffLinkWaits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		off := settings.LinkOff
		_, err := b.settings.ChangeLink(b.ctx, platform, s.link.ID, settings.LinkChange{Seen: s.link.Version, State: &off})
		require.NoError(t, err)
		_, _, _, err = b.orders.Place(b.ctx, b.placement(s, 1250), "test", nil)
		require.Equal(t, payment.ErrorConflict, payment.KindOf(err))
		require.Zero(t, b.gateway.Count(paymenttest.VerbCharge))
	})
}

func TestRefusedCredentialsPauseTheSite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.gateway.LoseAnswers(1, true)
		b.gateway.OnQuery(func(context.Context, payment.QueryRequest) (payment.QueryResult, error) {
			return payment.QueryResult{}, &payment.Error{Kind: payment.ErrorUnauthorized, Text: "user or password are wrong"}
		})
		b.gateway.OnPreflight(func(context.Context, payment.PreflightRequest) (payment.PreflightReport, error) {
			return payment.PreflightReport{}, &payment.Error{Kind: payment.ErrorUnauthorized, Text: "user or password are wrong"}
		})
		id := b.place(s, 1250)
		c := b.until(id, "with a person", func(c *charge.Charge) bool { return c.Case == charge.CaseAccess })
		require.Equal(t, charge.StateUnknown, c.State)
		b.untilPaused()
		require.Equal(t, charge.StateWaiting, b.load(b.place(s, 900)).State)
		b.gateway.OnQuery(nil)
		b.gateway.OnPreflight(nil)
		c = b.untilState(id, charge.StateReleased)
		require.Equal(t, charge.CaseNone, c.Case)
	})
}

func TestAnswerIsKeptBackUntilItIsDecided(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		p := b.placement(s, 1250)
		_, cs, created, err := b.orders.Place(b.ctx, p, "test", t.Context().Done())
		require.NoError(t, err)
		require.True(t, created)
		require.Equal(t, charge.ProduceYes, cs[0].Produce)
		_, cs, created, err = b.orders.Place(b.ctx, p, "test", t.Context().Done())
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, charge.ProduceYes, cs[0].Produce, "and is there at once when it is decided already")

		begun := make(chan struct{})
		b.gateway.OnCharge(func(ctx context.Context, _ payment.ChargeRequest) (payment.ChargeResult, error) {
			close(begun)
			<-ctx.Done()
			return payment.ChargeResult{}, ctx.Err()
		})
		_, cs, _, err = b.orders.Place(b.ctx, b.placement(s, 1250), "test", begun)
		require.NoError(t, err)
		require.Equal(t, charge.ProduceWait, cs[0].Produce, "patience ends")
	})
}

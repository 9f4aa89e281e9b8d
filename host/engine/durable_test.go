package engine_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

// faults collects what hooks of the gateway find wrong: they run on goroutines
// that must not end the test themselves.
type faults struct {
	mu   sync.Mutex
	list []string
}

func (f *faults) add(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, text)
}

func (b *bed) rows(table, where string, args ...any) int64 {
	var n int64
	if err := b.db.Read(b.ctx).Table(table).Where(where, args...).Count(&n).Error; err != nil {
		return -1
	}
	return n
}

// Whatever is sent stands in the books before it is sent, for orders that are
// started at once and for those that wait for their turn.
func TestNothingIsSentBeforeItIsWrittenDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, turn.Limits{Plugin: 2, Site: 2})
		s := b.shop("a", nil)
		var wrong faults
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			if b.rows("attempts", "reference = ? AND stage = ?", string(r.Reference), string(charge.StageStarted)) != 1 {
				wrong.add("a charge was sent that is not in the books")
			}
			return b.gateway.Memory.Charge(ctx, r)
		})
		b.gateway.OnAdjust(func(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
			for _, a := range r.Adjustments {
				mark := "released_at"
				if a.Action == payment.ActionCancel {
					mark = "cancel_at"
				}
				if b.rows("records", "transaction_id = ? AND "+mark+" IS NOT NULL", string(a.ID)) != 1 {
					wrong.add(string(a.Action) + " was sent that is not in the books")
				}
			}
			return b.gateway.Memory.Adjust(ctx, r)
		})
		var ids []charge.ID
		for i := range 12 {
			ids = append(ids, b.place(s, int64(100+i)))
		}
		for _, id := range ids {
			b.untilState(id, charge.StateReleased)
		}
		require.Equal(t, 12, b.gateway.Count(paymenttest.VerbCharge))
		require.Empty(t, wrong.list)
	})
}

// Right before a release the gateway was asked for every reference that the
// charge has or may have next.
func TestReleaseFollowsALookAtAllReferences(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		c := b.untilState(b.place(s, 1250), charge.StateReleased)
		asked := map[payment.Reference]bool{}
		released := false
		for _, call := range b.gateway.Calls() {
			switch r := call.Request.(type) {
			case payment.QueryRequest:
				for _, l := range r.Lookups {
					asked[l.Reference] = true
				}
			case payment.AdjustRequest:
				released = true
				for _, ref := range c.References() {
					require.True(t, asked[ref], "%s was not asked for before the release", ref)
				}
			}
		}
		require.True(t, released)
	})
}

// What shows up beside the recorded authorisation before it is released is let
// go first: never two of one charge are released.
func TestSecondOfOneChargeIsLetGoBeforeTheRelease(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			res, err := b.gateway.Memory.Charge(ctx, r)
			if err == nil && res.Transaction != nil { // as if the packet had been doubled on its way
				double := *res.Transaction
				double.ID += "9"
				b.gateway.Put(double)
			}
			return res, err
		})
		var wrong faults
		b.gateway.OnAdjust(func(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
			for _, a := range r.Adjustments {
				for _, tx := range b.gateway.Transactions() {
					if a.Action == payment.ActionRelease && tx.ID != a.ID && tx.Kind == payment.KindAuthorisation && tx.Live() {
						wrong.add("a release was sent while another authorisation of the charge was live")
					}
				}
			}
			return b.gateway.Memory.Adjust(ctx, r)
		})
		c := b.untilState(b.place(s, 1250), charge.StateReleased)
		require.Len(t, b.live(c), 1)
		require.Empty(t, wrong.list)
	})
}

// An attempt in doubt is asked for at the site it was sent to, whatever the
// settings say by now.
func TestDoubtIsAskedForWhereItWasSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		var moved sync.Once
		site := ""
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			site = r.Access.Site
			_, err := b.gateway.Memory.Charge(ctx, r)
			moved.Do(func() {
				view, verr := b.settings.ViewFulfiller(b.ctx, platform, s.fulfiller.ID, "memory")
				if verr == nil {
					_, verr = b.settings.SaveFulfiller(b.ctx, platform, s.fulfiller.ID, "memory", settings.Edit{
						Seen: view.Version, Set: payment.Settings{"site": "site-elsewhere"},
					})
				}
				if verr != nil {
					err = verr
				}
			})
			return payment.ChargeResult{Outcome: payment.OutcomeUnknown, Reason: "lost"}, err
		})
		var wrong faults
		b.gateway.OnQuery(func(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
			for _, l := range r.Lookups {
				if l.Reference != "" && r.Access.Site != site {
					wrong.add("asked at " + r.Access.Site + ", sent to " + site)
				}
			}
			return b.gateway.Memory.Query(ctx, r)
		})
		c := b.until(b.place(s, 1250), "asked for", func(c *charge.Charge) bool {
			return b.countEvidence(c.ID, charge.ClassLook) > 0 || c.Case != charge.CaseNone
		})
		require.Equal(t, site, c.Attempts[0].Site)
		require.Empty(t, wrong.list)
	})
}

// Who decided from a version that has moved sends nothing.
func TestOvertakenVisitSendsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.untilState(b.place(s, 900), charge.StateReleased)
		before := b.gateway.Count(paymenttest.VerbAdjust)
		placed := make(chan charge.OrderID, 1)
		var once sync.Once
		var wrong faults
		b.gateway.OnQuery(func(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
			res, err := b.gateway.Memory.Query(ctx, r)
			if len(r.Lookups) > 0 && r.Lookups[0].Reference != "" {
				once.Do(func() { // the platform cancels while the gateway answers the look before the release
					if _, _, err := b.orders.Cancel(b.ctx, platform, <-placed, "late"); err != nil {
						wrong.add(err.Error())
					}
				})
			}
			return res, err
		})
		o, cs, _, err := b.orders.Place(b.ctx, b.placement(s, 1250), "test", nil)
		require.NoError(t, err)
		placed <- o.ID
		c := b.untilState(cs[0].ID, charge.StateCancelled)
		require.Empty(t, b.live(c))
		require.Empty(t, wrong.list)
		for _, call := range b.gateway.Calls() {
			if r, ok := call.Request.(payment.AdjustRequest); ok {
				for _, a := range r.Adjustments {
					require.False(t, a.Action == payment.ActionRelease && a.ID == c.Records[0].ID, "released after it was cancelled")
				}
			}
		}
		require.Greater(t, b.gateway.Count(paymenttest.VerbAdjust), before)
	})
}

// overtaken lets others go first, once, with what it is about to commit.
type overtaken struct {
	charge.Store
	once   sync.Once
	before func(charge.Change)
}

func (o *overtaken) Commit(ctx context.Context, c charge.Change) error {
	if c.After.State == charge.StateCharging {
		o.once.Do(func() { o.before(c) })
	}
	return o.Store.Commit(ctx, c)
}

// A claim is won when it is committed, and not before.
func TestOvertakenClaimSendsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.stop(b.engine) // what is placed now stays planned
		id := b.place(s, 1250)
		require.Equal(t, charge.StatePlanned, b.load(id).State)
		cancelled := make(chan error, 1)
		b.engineOn(&overtaken{Store: b.store, before: func(c charge.Change) {
			_, _, err := b.orders.Cancel(b.ctx, platform, c.Before.OrderID, "meanwhile")
			cancelled <- err
		}})
		require.NoError(t, <-cancelled)
		b.untilState(id, charge.StateCancelled)
		// The one after it shows that the first would have been sent by now.
		b.startEngine()
		b.untilState(b.place(s, 900), charge.StateReleased)
		require.Equal(t, 1, b.gateway.Count(paymenttest.VerbCharge))
	})
}

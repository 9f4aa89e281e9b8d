package chargedb_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/charge/chargedb"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/settings/settingsdb"
	"github.com/chargehand/chargehand/shared/payment"
)

var t0 = time.Date(2026, 3, 4, 10, 0, 0, 123456000, time.UTC)

// bed is a store with one link to charge over.
type bed struct {
	t     *testing.T
	ctx   context.Context
	store *chargedb.Store
	link  settings.Link
	n     int
}

func each(t *testing.T, test func(t *testing.T, b *bed)) {
	t.Helper()
	databasetest.Each(t, func(t *testing.T, db *database.DB) { test(t, newBed(t, db)) })
}

func newBed(t *testing.T, db *database.DB) *bed {
	t.Helper()
	b := &bed{t: t, ctx: t.Context(), store: chargedb.New(db, nil)}
	t.Cleanup(b.store.Stop)
	rows := settingsdb.New(db)
	f := settings.Company{ID: id(1), Type: settings.Fulfiller, Reference: "f", Name: "f", CreatedAt: t0}
	c := settings.Company{ID: id(2), Type: settings.SalesChannel, Reference: "c", Name: "c", CreatedAt: t0}
	require.NoError(t, rows.AddCompany(b.ctx, f))
	require.NoError(t, rows.AddCompany(b.ctx, c))
	b.link = settings.Link{
		ID: "00000000-0000-7000-8000-000000000003", FulfillerID: f.ID, ChannelID: c.ID, Plugin: "memory", State: settings.LinkOn,
		StartAt: t0, AfterAbsence: settings.AbsenceAttempt, MaxOrderAgeDays: 30, Version: 1, CreatedAt: t0, UpdatedAt: t0,
	}
	require.NoError(t, rows.AddLink(b.ctx, b.link))
	return b
}

func id(n int) settings.CompanyID {
	return settings.CompanyID(fmt.Sprintf("00000000-0000-7000-8000-%012d", n))
}

// intake is an order of that name with one charge, its attempt started.
func (b *bed) intake(reference string) order.Intake {
	b.n++
	o := order.Order{
		ID: charge.OrderID(fmt.Sprintf("00000000-0000-7000-8001-%012d", b.n)), ChannelID: b.link.ChannelID, Reference: reference,
		PlacedAt: t0, ContentHash: "hash", CreatedAt: t0, CreatedBy: "test",
	}
	c := &charge.Charge{
		ID: charge.ID(fmt.Sprintf("00000000-0000-7000-8002-%012d", b.n)), OrderID: o.ID, ChannelID: b.link.ChannelID,
		FulfillerID: b.link.FulfillerID, LinkID: b.link.ID, Plugin: "memory", Purpose: charge.PurposeOrder,
		Amount: payment.Amount{Minor: 1250, Currency: "GBP"}, Stem: fmt.Sprintf("stem%d", b.n), PlacedAt: t0, CreatedAt: t0, CheckedAt: t0, UpdatedAt: t0, Version: 1,
	}
	c.Plan(t0)
	a := c.Newest()
	a.Stage, a.Settle, a.Mode, a.Endpoint, a.Site, a.User, a.Stored = charge.StageStarted, payment.SettleRecorded, payment.ModeTest, "EU", "site", "user", "1-1-1"
	a.StartedAt, a.SendBefore = t0, t0.Add(15*time.Second)
	c.LeaseOwner, c.LeaseUntil = "host", t0.Add(2*time.Minute)
	c.Apply(facts(t0))
	return order.Intake{Order: o, Charges: []*charge.Charge{c}}
}

func facts(at time.Time) charge.Facts {
	return charge.Facts{Now: at, Clocks: charge.DefaultClocks(), SiteProven: true, RetryAbsent: true}
}

func (b *bed) placed(reference string) *charge.Charge {
	b.t.Helper()
	in := b.intake(reference)
	existing, err := b.store.Intake(b.ctx, in)
	require.NoError(b.t, err)
	require.False(b.t, existing)
	return in.Charges[0]
}

func (b *bed) load(id charge.ID) *charge.Charge {
	b.t.Helper()
	cs, err := b.store.Load(b.ctx, id)
	require.NoError(b.t, err)
	require.Len(b.t, cs, 1)
	return cs[0]
}

// approved is the change that an approval brings.
func approved(c *charge.Charge) charge.Change {
	after := c.Clone()
	tx := payment.Transaction{
		ID: payment.TransactionID("55-9-" + c.Stem), Parent: "1-1-1", Reference: c.Newest().Reference, Kind: payment.KindAuthorisation, Amount: c.Amount,
		Status: payment.StatusSuspended, Outcome: payment.OutcomeApproved, Mode: payment.ModeTest, Site: "site", User: "user", StartedAt: t0.Add(time.Second),
	}
	if err := after.FoldAnswer(charge.Answer{Number: 1, At: t0.Add(time.Second), Result: payment.ChargeResult{Outcome: payment.OutcomeApproved, Transaction: &tx, Reason: "Authorised."}}); err != nil {
		panic(err)
	}
	after.Apply(facts(t0.Add(time.Second)))
	return charge.Change{Before: c, After: after, Evidence: []charge.Evidence{{Number: 1, Class: charge.ClassAnswer, At: t0.Add(time.Second), By: "host", Text: "approved", Body: `{"a":1}`}}}
}

func TestIntakeRoundTrip(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		c := b.placed("A-1")
		require.Empty(t, cmp.Diff(c, b.load(c.ID)))
		o, cs, err := b.store.Order(b.ctx, b.link.ChannelID, "A-1")
		require.NoError(t, err)
		require.Equal(t, t0, o.PlacedAt)
		require.Empty(t, cmp.Diff([]*charge.Charge{c}, cs))
	})
}

func TestReferencesCompareByteForByte(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		for _, reference := range []string{"a-1", "A-1", "a-1 x", "ä-1", "a\u0308-1", "a-1'", `a-1"`, "a-1\\", "😀"} {
			b.placed(reference)
			o, _, err := b.store.Order(b.ctx, b.link.ChannelID, reference)
			require.NoError(t, err)
			require.Equal(t, reference, o.Reference)
		}
		_, _, err := b.store.Order(b.ctx, b.link.ChannelID, "a-1 ")
		require.Equal(t, payment.ErrorNotFound, payment.KindOf(err))
	})
}

func TestIntakeOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		ins := make([]order.Intake, 40)
		for i := range ins {
			ins[i] = b.intake(fmt.Sprintf("A-%d", i%10))
		}
		taken := make([]bool, len(ins))
		errs := make([]error, len(ins))
		var wg sync.WaitGroup
		for i := range ins {
			wg.Go(func() {
				var existing bool
				existing, errs[i] = b.store.Intake(b.ctx, ins[i])
				taken[i] = !existing
			})
		}
		wg.Wait()
		per := map[string]int{}
		for i, in := range ins {
			require.NoError(t, errs[i])
			if taken[i] {
				per[in.Order.Reference]++
			}
		}
		require.Len(t, per, 10)
		for reference, n := range per {
			require.Equal(t, 1, n, reference)
		}
	})
}

func TestCommitRoundTrip(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		change := approved(b.placed("A-1"))
		require.NoError(t, b.store.Commit(b.ctx, change))
		got := b.load(change.After.ID)
		require.Empty(t, cmp.Diff(change.After, got))
		story, err := b.store.Evidence(b.ctx, got.ID)
		require.NoError(t, err)
		require.Len(t, story, 1)
		require.Equal(t, `{"a":1}`, story[0].Body)
		require.Equal(t, charge.TableVersion, story[0].Table)
		require.Equal(t, charge.StateAuthorised, story[0].State)
		entries, err := b.store.Entries(b.ctx, "", 10)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, charge.AccountAuthorised, entries[0].Debit)
		ours, err := b.store.IsOurTransaction(b.ctx, "EU", "site", got.Chosen)
		require.NoError(t, err)
		require.True(t, ours)
		ours, err = b.store.IsOurTransaction(b.ctx, "EU", "other", got.Chosen)
		require.NoError(t, err)
		require.False(t, ours)
	})
}

func TestCommitIsConditional(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		c := b.placed("A-1")
		const writers = 20
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			change := approved(c)
			wg.Go(func() { errs[i] = b.store.Commit(b.ctx, change) })
		}
		wg.Wait()
		n := 0
		for _, err := range errs {
			if err == nil {
				n++
			} else {
				require.ErrorIs(t, err, charge.ErrStale)
			}
		}
		require.Equal(t, 1, n, "of all who decide on one version, one wins")
		story, err := b.store.Evidence(b.ctx, c.ID)
		require.NoError(t, err)
		require.Len(t, story, 1, "and the others leave nothing behind")
		entries, err := b.store.Entries(b.ctx, "", 100)
		require.NoError(t, err)
		require.Len(t, entries, 1)
	})
}

func TestStaleDoesNotFailItsNeighbours(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		stale := approved(b.placed("A-0"))
		require.NoError(t, b.store.Commit(b.ctx, stale))
		var changes []charge.Change
		for i := range 30 {
			changes = append(changes, approved(b.placed(fmt.Sprintf("B-%d", i))))
		}
		errs := make([]error, len(changes))
		var wg sync.WaitGroup
		for i := range changes {
			wg.Go(func() { errs[i] = b.store.Commit(b.ctx, changes[i]) })
		}
		require.ErrorIs(t, b.store.Commit(b.ctx, stale), charge.ErrStale)
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	})
}

func TestClaimDue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		c := b.placed("A-1")
		now := t0.Add(time.Hour)
		next, err := b.store.NextDue(b.ctx)
		require.NoError(t, err)
		require.Equal(t, c.LeaseUntil, next)
		claimed, err := b.store.ClaimDue(b.ctx, "other", t0, t0.Add(time.Minute), 10)
		require.NoError(t, err)
		require.Empty(t, claimed, "a lease that runs is not taken")

		const hosts = 8
		claims := make([][]*charge.Charge, hosts)
		errs := make([]error, hosts)
		var wg sync.WaitGroup
		for i := range hosts {
			wg.Go(func() {
				claims[i], errs[i] = b.store.ClaimDue(b.ctx, fmt.Sprintf("host-%d", i), now, now.Add(time.Minute), 10)
			})
		}
		wg.Wait()
		var owners []string
		for i := range hosts {
			require.NoError(t, errs[i])
			for range claims[i] {
				owners = append(owners, fmt.Sprintf("host-%d", i))
			}
		}
		require.Len(t, owners, 1)
		got := b.load(c.ID)
		require.Equal(t, owners[0], got.LeaseOwner)
		require.Equal(t, c.Version+1, got.Version)
		require.ErrorIs(t, b.store.Commit(b.ctx, approved(c)), charge.ErrStale, "the claim is a fence")
	})
}

func TestPlanned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		in := b.intake("A-1")
		c := in.Charges[0]
		a := c.Newest()
		a.Stage, a.StartedAt, a.SendBefore = charge.StagePlanned, time.Time{}, time.Time{}
		c.LeaseOwner, c.LeaseUntil = "", time.Time{}
		c.Apply(facts(t0))
		_, err := b.store.Intake(b.ctx, in)
		require.NoError(t, err)
		b.placed("A-2")
		ids, err := b.store.Planned(b.ctx, b.link.FulfillerID, 10)
		require.NoError(t, err)
		require.Equal(t, []charge.ID{c.ID}, ids)
		who, err := b.store.PlannedFulfillers(b.ctx)
		require.NoError(t, err)
		require.Equal(t, []settings.CompanyID{b.link.FulfillerID}, who)
		due, err := b.store.ClaimDue(b.ctx, "host", t0.Add(time.Minute), t0.Add(time.Hour), 10)
		require.NoError(t, err)
		require.Empty(t, due, "planned ones go by turn")
	})
}

func TestPauses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		change := approved(b.placed("A-1"))
		change.After.State, change.After.NextCheckAt = charge.StateWaiting, t0.Add(time.Hour)
		p := charge.Pause{Scope: charge.ScopeLink, Key: string(b.link.ID), LinkID: b.link.ID, FulfillerID: b.link.FulfillerID, Plugin: "memory", Code: "20004", Text: "gone", Since: t0, NextProbeAt: t0.Add(time.Minute)}
		change.Pause = &p
		change.Site = &charge.Site{Key: "memory/EU/f/site", ProvenAt: t0}
		require.NoError(t, b.store.Commit(b.ctx, change))
		again := approved(b.placed("A-2"))
		later := p
		later.Since = t0.Add(time.Minute)
		again.Pause = &later
		require.NoError(t, b.store.Commit(b.ctx, again))
		ps, err := b.store.Pauses(b.ctx)
		require.NoError(t, err)
		require.Equal(t, []charge.Pause{p}, ps, "a pause that is there is not begun again")
		p.Probes, p.NextProbeAt = 1, t0.Add(2*time.Minute)
		require.NoError(t, b.store.SavePause(b.ctx, p))
		sites, err := b.store.Sites(b.ctx)
		require.NoError(t, err)
		require.Equal(t, []charge.Site{{Key: "memory/EU/f/site", ProvenAt: t0}}, sites)
		require.NoError(t, b.store.Resume(b.ctx, p, t0.Add(time.Second)))
		ps, err = b.store.Pauses(b.ctx)
		require.NoError(t, err)
		require.Empty(t, ps)
		require.Equal(t, t0.Add(time.Second), b.load(change.After.ID).NextCheckAt, "what waited is due")
	})
}

// However many wait, no transaction makes more than so many of them due, and
// those of other plugins wait for something else.
func TestResumeIsDoneInParts(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db)
		change := approved(b.placed("A-1"))
		change.After.State, change.After.NextCheckAt = charge.StateWaiting, t0.Add(time.Hour)
		require.NoError(t, b.store.Commit(b.ctx, change))
		const n, others = 2*chargedb.WakeMost + 100, 10
		row := map[string]any{}
		require.NoError(t, db.Read(b.ctx).Table("charges").Where("id = ?", string(change.After.ID)).Take(&row).Error)
		rows := make([]map[string]any, n+others)
		for i := range rows {
			rows[i] = maps.Clone(row)
			rows[i]["id"], rows[i]["purpose"] = fmt.Sprintf("00000000-0000-7000-8003-%012d", i), fmt.Sprintf("more-%d", i)
			if i >= n {
				rows[i]["plugin"] = "another"
			}
		}
		require.NoError(t, db.Tx(b.ctx, func(tx *gorm.DB) error { return tx.Table("charges").CreateInBatches(rows, 500).Error }))
		var most atomic.Int64
		require.NoError(t, db.Tx(b.ctx, func(tx *gorm.DB) error {
			return tx.Callback().Update().After("gorm:update").Register("test:most", func(tx *gorm.DB) {
				most.Store(max(most.Load(), tx.RowsAffected))
			})
		}))
		p := charge.Pause{Scope: charge.ScopeEndpoint, Key: "memory/EU", LinkID: b.link.ID, FulfillerID: b.link.FulfillerID, Plugin: "memory"}
		require.NoError(t, b.store.Resume(b.ctx, p, t0.Add(time.Second)))
		require.EqualValues(t, chargedb.WakeMost, most.Load())
		due := func(plugin string) (count int64) {
			q := db.Read(b.ctx).Table("charges").Where("plugin = ? AND next_check_at <= ?", plugin, t0.Add(time.Second))
			require.NoError(t, q.Count(&count).Error)
			return count
		}
		require.EqualValues(t, n+1, due("memory"))
		require.Zero(t, due("another"))
	})
}

func TestSequence(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		const n = 20
		got := make([]int64, n)
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { got[i], errs[i] = b.store.Sequence(b.ctx, b.link.ID, "1-1-1") })
		}
		wg.Wait()
		seen := map[int64]bool{}
		for i, v := range got {
			require.NoError(t, errs[i])
			require.False(t, seen[v], "number %d twice", v)
			seen[v] = true
			require.GreaterOrEqual(t, v, int64(2))
			require.Less(t, v, int64(2+n))
		}
		v, err := b.store.Sequence(b.ctx, b.link.ID, "1-1-2")
		require.NoError(t, err)
		require.Equal(t, int64(2), v, "each stored reference has a series of its own")
	})
}

func TestKnownTransaction(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		change := approved(b.placed("A-1"))
		require.NoError(t, b.store.Commit(b.ctx, change))
		got, err := b.store.KnownTransaction(b.ctx, "EU", "site", t0, "other")
		require.NoError(t, err)
		require.Equal(t, string(change.After.Chosen), got)
		for name, find := range map[string]func() (string, error){
			"its own":      func() (string, error) { return b.store.KnownTransaction(b.ctx, "EU", "site", t0, change.After.ID) },
			"another site": func() (string, error) { return b.store.KnownTransaction(b.ctx, "EU", "else", t0, "other") },
			"older than it": func() (string, error) {
				return b.store.KnownTransaction(b.ctx, "EU", "site", t0.Add(time.Minute), "other")
			},
			"other endpoint": func() (string, error) { return b.store.KnownTransaction(b.ctx, "US", "site", t0, "other") },
		} {
			got, err := find()
			require.NoError(t, err)
			require.Empty(t, got, name)
		}
	})
}

func TestCancelAndList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		c := b.placed("A-1")
		require.NoError(t, b.store.Cancel(b.ctx, c.OrderID, t0.Add(time.Minute), "because"))
		require.NoError(t, b.store.Cancel(b.ctx, c.OrderID, t0.Add(time.Hour), "again"))
		o, _, err := b.store.OrderByID(b.ctx, c.OrderID)
		require.NoError(t, err)
		require.Equal(t, t0.Add(time.Minute), o.CancelledAt)
		require.Equal(t, "because", o.CancelReason)
		second := b.placed("A-2")
		for _, tc := range []struct {
			filter order.Filter
			want   []charge.ID
		}{
			{order.Filter{}, []charge.ID{c.ID, second.ID}},
			{order.Filter{After: c.ID}, []charge.ID{second.ID}},
			{order.Filter{Fulfiller: b.link.FulfillerID}, []charge.ID{c.ID, second.ID}},
			{order.Filter{Fulfiller: b.link.ChannelID}, nil},
			{order.Filter{Channel: b.link.ChannelID}, []charge.ID{c.ID, second.ID}},
			{order.Filter{State: charge.StateSettled}, nil},
			{order.Filter{NeedsPerson: true}, nil},
		} {
			tc.filter.Limit = 10
			got, err := b.store.List(b.ctx, tc.filter)
			require.NoError(t, err)
			var ids []charge.ID
			for _, g := range got {
				ids = append(ids, g.ID)
			}
			require.Equal(t, tc.want, ids, "%+v", tc.filter)
		}
		names, err := b.store.OrderNames(b.ctx, []charge.OrderID{c.OrderID, second.OrderID, c.OrderID})
		require.NoError(t, err)
		require.Equal(t, map[charge.OrderID]string{c.OrderID: "A-1", second.OrderID: "A-2"}, names)
	})
}

func TestWhateverAGatewaySendsIsWritten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bed) {
		change := approved(b.placed("A-1"))
		long := strings.Repeat("ä€x", 500)
		r := &change.After.Records[0]
		r.Scheme, r.Code, r.Message, r.User, r.Card, r.Expiry, r.Site = long, long, long, long, long, long, long
		r.Reference, r.Parent = payment.Reference(long), payment.TransactionID(long)
		r.Amount = payment.Amount{}
		change.After.Attempts[0].Code, change.After.Attempts[0].Reason, change.After.Text = long, long, long
		require.NoError(t, b.store.Commit(b.ctx, change))
		entries, err := b.store.Entries(b.ctx, "", 10)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, change.After.Amount, entries[0].Amount, "what it left out is what was sent")
	})
}

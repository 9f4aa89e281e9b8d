package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// reluctant refuses the first commits of an answer, and notes which pauses are
// written.
type reluctant struct {
	charge.Store
	refuse atomic.Int64
	mu     sync.Mutex
	pauses []charge.Pause
}

func (r *reluctant) begun() []charge.Pause {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.pauses)
}

func (r *reluctant) Commit(ctx context.Context, c charge.Change) error {
	if n := c.After.Newest(); n.Stage == charge.StageAnswered && n.Outcome == payment.OutcomeNotSent && r.refuse.Add(-1) >= 0 {
		return errors.New("not now")
	}
	if c.Pause != nil {
		r.mu.Lock()
		r.pauses = append(r.pauses, *c.Pause)
		r.mu.Unlock()
	}
	return r.Store.Commit(ctx, c)
}

// One call that did not get through is one, however often its answer has to be
// written.
func TestOneMissIsCountedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.stop(b.engine)
		id := b.place(s, 1250)
		store := &reluctant{Store: b.store}
		store.refuse.Store(4)
		var calls atomic.Int64
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
			if calls.Add(1) == 1 {
				return payment.ChargeResult{}, &payment.Error{Kind: payment.ErrorUnavailable, Text: "no connection", NotSent: true}
			}
			return b.gateway.Memory.Charge(ctx, r)
		})
		b.engineOn(store)
		c := b.untilState(id, charge.StateReleased)
		require.Len(t, c.Attempts, 2)
		require.Negative(t, store.refuse.Load(), "the answer was written at a later try")
		require.Empty(t, store.begun())
	})
}

// leave switches a link off and takes its card away, as for a retailer who has
// left: its settings are not complete any more.
func (b *bed) leave(s shop) {
	b.t.Helper()
	off := settings.LinkOff
	l, err := b.settings.Link(b.ctx, platform, s.link.ID)
	require.NoError(b.t, err)
	_, err = b.settings.ChangeLink(b.ctx, platform, l.ID, settings.LinkChange{Seen: l.Version, State: &off})
	require.NoError(b.t, err)
	view, err := b.settings.ViewLink(b.ctx, platform, l.ID)
	require.NoError(b.t, err)
	_, err = b.settings.SaveLink(b.ctx, platform, l.ID, settings.Edit{Seen: view.Version, Remove: []string{"stored"}})
	require.NoError(b.t, err)
	_, err = b.settings.Effective(b.ctx, l.ID)
	require.Error(b.t, err)
}

// neighbour is another sales channel of the same fulfiller.
func (b *bed) neighbour(s shop, name string) shop {
	b.t.Helper()
	var err error
	s.channel, err = b.settings.CreateCompany(b.ctx, platform, settings.NewCompany{Type: settings.SalesChannel, Reference: "channel-" + name, Name: name})
	require.NoError(b.t, err)
	s.link, err = b.settings.CreateLink(b.ctx, platform, settings.NewLink{FulfillerID: s.fulfiller.ID, ChannelID: s.channel.ID, Plugin: "memory"})
	require.NoError(b.t, err)
	b.useStored(&s, "1-1-"+name)
	on := settings.LinkOn
	s.link, err = b.settings.Link(b.ctx, platform, s.link.ID)
	require.NoError(b.t, err)
	s.link, err = b.settings.ChangeLink(b.ctx, platform, s.link.ID, settings.LinkChange{Seen: s.link.Version, State: &on})
	require.NoError(b.t, err)
	return s
}

// A link whose settings are not complete any more can't be preflighted: what
// was paused by it goes on for the others.
func TestPauseDoesNotHangOnOneLink(t *testing.T) {
	t.Parallel()
	for scope, fault := range map[charge.Scope]func() (payment.ChargeResult, error){
		charge.ScopeEndpoint: func() (payment.ChargeResult, error) {
			return payment.ChargeResult{}, &payment.Error{Kind: payment.ErrorUnavailable, Text: "no connection", NotSent: true}
		},
		charge.ScopeSite: func() (payment.ChargeResult, error) {
			return payment.ChargeResult{Outcome: payment.OutcomeRejected, Fault: payment.FaultSite, Code: "401", Reason: "User or password are wrong."}, nil
		},
	} {
		t.Run(string(scope), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, db *database.DB) {
				b := newBed(t, db, roomy)
				s := b.shop("a", nil)
				other := b.neighbour(s, "b")
				b.gateway.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) { return fault() })
				b.gateway.OnPreflight(func(context.Context, payment.PreflightRequest) (payment.PreflightReport, error) {
					return payment.PreflightReport{}, &payment.Error{Kind: payment.ErrorUnavailable, Text: "not now"}
				})
				b.place(s, 1250)
				b.untilPaused()
				require.Equal(t, scope, b.engine.Pauses()[0].Scope)
				id := b.place(other, 900)
				require.Equal(t, charge.StateWaiting, b.load(id).State)
				b.gateway.OnCharge(nil)
				b.leave(s)
				b.untilState(id, charge.StateReleased)
			})
		})
	}
}

// Settings that are not complete are the company's to mend, and are waited for
// no longer than another fault of the set-up.
func TestIncompleteSettingsRunOutOfPatience(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.stop(b.engine)
		id := b.place(s, 1250)
		b.leave(s)
		var later atomic.Int64
		b.now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		b.startEngine()
		c := b.until(id, "waiting for its settings", func(c *charge.Charge) bool {
			return c.State == charge.StateWaiting && !c.MendSince.IsZero()
		})
		require.Equal(t, charge.ProduceWait, c.Produce)
		require.Contains(t, c.Text, "missing")
		later.Store(int64(quick().SetupPatience + time.Hour))
		c = b.untilState(id, charge.StateRejected)
		require.Equal(t, charge.ProduceNo, c.Produce)
		require.Empty(t, b.gateway.Charges())
	})
}

// Credentials that an old site refuses say nothing of the site that the company
// has moved to.
func TestRefusedAtTheOldSiteLeavesTheNewOneAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.DB) {
		b := newBed(t, db, roomy)
		s := b.shop("a", nil)
		b.stop(b.engine)
		var later atomic.Int64
		b.now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		var lost sync.Once
		b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (res payment.ChargeResult, err error) {
			lost.Do(func() {
				res = payment.ChargeResult{Outcome: payment.OutcomeUnknown, Reason: "lost"}
				err = b.move(s, "site-new")
			})
			if res.Outcome == "" {
				return b.gateway.Memory.Charge(ctx, r)
			}
			return res, err
		})
		store := &reluctant{Store: b.store}
		b.startEngineOn(store)
		id := b.place(s, 1250)
		c := b.untilState(id, charge.StateReleased)
		require.Equal(t, "site-a", c.Attempts[0].Site)
		require.Equal(t, "site-new", c.Newest().Site)
		b.gateway.OnQuery(func(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
			if r.Access.Site == "site-a" {
				return payment.QueryResult{}, &payment.Error{Kind: payment.ErrorUnauthorized, Text: "user or password are wrong"}
			}
			return b.gateway.Memory.Query(ctx, r)
		})
		later.Store(int64(quick().WatchAfter + time.Hour))
		b.until(id, "refused", func(*charge.Charge) bool { return b.countEvidence(id, charge.ClassFailed) > 0 })
		for _, p := range store.begun() {
			require.Contains(t, p.Key, "site-a")
		}
		require.NotEmpty(t, store.begun())
		b.untilState(b.place(s, 900), charge.StateReleased)
	})
}

// move has a fulfiller charge at another site, with the card confirmed there.
func (b *bed) move(s shop, site string) error {
	view, err := b.settings.ViewFulfiller(b.ctx, platform, s.fulfiller.ID, "memory")
	if err != nil {
		return err
	}
	_, err = b.settings.SaveFulfiller(b.ctx, platform, s.fulfiller.ID, "memory", settings.Edit{Seen: view.Version, Set: payment.Settings{"site": site}})
	if err != nil {
		return err
	}
	report, err := b.settings.Preflight(b.ctx, platform, s.link.ID)
	if err != nil {
		return err
	}
	_, err = b.settings.ConfirmCard(b.ctx, platform, s.link.ID, report.Place.Stored, report.Card)
	return err
}

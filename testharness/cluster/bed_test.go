package cluster

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/charge/chargedb"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/engine"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/settings/settingsdb"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

var platform = settings.Actor{Kind: settings.ActorPlatform, Name: "test"}

// quick are the money clocks for a gateway without lag. What bounds a call is
// long enough for a cluster that loses a node.
func quick() charge.Clocks {
	c := charge.DefaultClocks()
	c.SendWindow, c.AnswerLimit, c.CallSlack, c.LeaseSlack = 20*time.Second, 200*time.Millisecond, 2*time.Second, time.Second
	c.FirstLook, c.MinLooks, c.AbsenceRecorded, c.AbsenceAtOnce = 20*time.Millisecond, 3, 100*time.Millisecond, 200*time.Millisecond
	c.Handoff, c.Follow, c.RetryFirst, c.RetryMost = 10*time.Second, time.Hour, 20*time.Millisecond, time.Second
	return c
}

// bed is one gateway in memory, and hosts without their doors that charge there.
type bed struct {
	t       *testing.T
	ctx     context.Context
	gateway *paymenttest.Fake
	hosts   []*host
	shop    shop
	held    atomic.Bool // no host starts anything
}

// host is one host on one node.
type host struct {
	db       *database.DB
	store    *chargedb.Store
	settings *settings.Service
	orders   *order.Service
	engine   *engine.Engine
	calls    atomic.Int64
}

type shop struct{ fulfiller, channel string }

// Gateway implements engine.Gateways and settings.Gateways.
func (b *bed) Gateway(string) (payment.Gateway, error) { return b.gateway, nil }

// counted counts a host's calls.
type counted struct {
	payment.Gateway
	calls *atomic.Int64
}

// Charge implements payment.Gateway.
func (c counted) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	c.calls.Add(1)
	return c.Gateway.Charge(ctx, r)
}

type gateways struct{ gateway payment.Gateway }

// Gateway implements engine.Gateways.
func (g gateways) Gateway(string) (payment.Gateway, error) { return g.gateway, nil }

// newBed starts a host on each of the nodes, with one shop to charge for.
func newBed(t *testing.T, dsns []string) *bed {
	t.Helper()
	b := &bed{t: t, ctx: t.Context(), gateway: paymenttest.NewFake()}
	for i, dsn := range dsns {
		b.hosts = append(b.hosts, b.start(i, dsn))
	}
	b.openShop()
	return b
}

func (b *bed) start(number int, dsn string) *host {
	t := b.t
	h := &host{db: open(t, dsn)}
	clock := database.NewClock(h.db, database.ClockConfig{})
	require.NoError(t, clock.Start(b.ctx))
	t.Cleanup(clock.Stop)
	master, err := settings.ParseMasterKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	require.NoError(t, err)
	h.settings, err = settings.New(settings.Config{Store: settingsdb.New(h.db), Gateways: b, Master: master})
	require.NoError(t, err)
	h.store = chargedb.New(h.db, nil)
	t.Cleanup(h.store.Stop)
	namer, err := charge.NewNamer("test", make([]byte, charge.MinNamerKey))
	require.NoError(t, err)
	h.engine, err = engine.New(engine.Config{
		Store: h.store, Settings: h.settings, Gateways: gateways{counted{b.gateway, &h.calls}}, Clocks: quick(),
		Limits: turn.Limits{Plugin: 16, Site: 16}, Owner: fmt.Sprintf("host-%d", number), Now: clock.Now,
		Poll: 100 * time.Millisecond, Logger: hclog.NewNullLogger(),
		Ready: func() error {
			if b.held.Load() {
				return fmt.Errorf("held by the test")
			}
			return clock.Check()
		},
	})
	require.NoError(t, err)
	require.NoError(t, h.engine.Start(b.ctx))
	t.Cleanup(func() {
		limited, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		h.engine.Stop(limited)
	})
	h.orders = order.New(order.Config{Store: h.store, Companies: h.settings, Engine: h.engine, Namer: namer, Now: clock.Now})
	return h
}

// openShop makes a fulfiller with a channel and a link that charges, and waits
// until every host knows it.
func (b *bed) openShop() {
	t, s := b.t, b.hosts[0].settings
	b.shop = shop{"fulfiller", "channel"}
	f, err := s.CreateCompany(b.ctx, platform, settings.NewCompany{Type: settings.Fulfiller, Reference: b.shop.fulfiller, Name: "f"})
	require.NoError(t, err)
	c, err := s.CreateCompany(b.ctx, platform, settings.NewCompany{Type: settings.SalesChannel, Reference: b.shop.channel, Name: "c"})
	require.NoError(t, err)
	l, err := s.CreateLink(b.ctx, platform, settings.NewLink{FulfillerID: f.ID, ChannelID: c.ID, Plugin: "memory"})
	require.NoError(t, err)
	values := paymenttest.Settings()
	values["site"] = "site"
	delete(values, "stored")
	_, err = s.SaveFulfiller(b.ctx, platform, f.ID, "memory", settings.Edit{Set: values})
	require.NoError(t, err)
	b.gateway.Put(payment.Transaction{
		ID: "1-1-1", Kind: payment.KindAccountCheck, Outcome: payment.OutcomeApproved, Site: "site", StartedAt: time.Now().Add(-time.Hour),
	})
	view, err := s.ViewLink(b.ctx, platform, l.ID)
	require.NoError(t, err)
	_, err = s.SaveLink(b.ctx, platform, l.ID, settings.Edit{Seen: view.Version, Set: payment.Settings{"stored": "1-1-1"}})
	require.NoError(t, err)
	report, err := s.Preflight(b.ctx, platform, l.ID)
	require.NoError(t, err)
	require.True(t, report.Passed, "%v", report.Findings)
	_, err = s.ConfirmCard(b.ctx, platform, l.ID, report.Place.Stored, report.Card)
	require.NoError(t, err)
	l, err = s.Link(b.ctx, platform, l.ID)
	require.NoError(t, err)
	on := settings.LinkOn
	_, err = s.ChangeLink(b.ctx, platform, l.ID, settings.LinkChange{Seen: l.Version, State: &on})
	require.NoError(t, err)
	for _, h := range b.hosts {
		require.Eventually(t, func() bool {
			eff, err := h.settings.Effective(b.ctx, l.ID)
			return err == nil && eff.Link.State == settings.LinkOn && eff.CardConfirmed
		}, patience, 10*time.Millisecond)
	}
}

// place posts order number i at a host, again and again until it is accepted, as
// a platform does. It reports how often that took another try.
func (b *bed) place(h *host, i int) (again int, err error) {
	p := order.Placement{
		Channel: b.shop.channel, Reference: fmt.Sprintf("order-%d", i), PlacedAt: time.Now(),
		Parts: []order.Part{{Fulfiller: b.shop.fulfiller, Amount: payment.Amount{Minor: int64(1000 + i), Currency: "GBP"}}},
	}
	until := time.Now().Add(patience)
	for ; ; again++ {
		_, _, _, err = h.orders.Place(b.ctx, p, "test", nil)
		if err == nil || time.Now().After(until) || b.ctx.Err() != nil {
			return again, err
		}
		<-time.After(50 * time.Millisecond)
	}
}

// placeAll posts orders from..to at the hosts by turn, many at a time.
func (b *bed) placeAll(from, to int, hosts ...*host) {
	b.t.Helper()
	const posters = 24
	errs := make([]error, posters)
	var all sync.WaitGroup
	for w := range posters {
		all.Go(func() {
			for i := from + w; i < to && errs[w] == nil; i += posters {
				_, errs[w] = b.place(hosts[i%len(hosts)], i)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(b.t, err)
	}
}

// charges reads all charges as a host sees them.
func (b *bed) charges(h *host) []*charge.Charge {
	b.t.Helper()
	var list []*charge.Charge
	var after charge.ID
	for {
		page, err := h.store.List(b.ctx, order.Filter{After: after, Limit: 500})
		require.NoError(b.t, err)
		if len(page) == 0 {
			return list
		}
		list, after = append(list, page...), page[len(page)-1].ID
	}
}

// untilAll waits until all charges are in a state.
func (b *bed) untilAll(n int, state charge.State) []*charge.Charge {
	b.t.Helper()
	var list []*charge.Charge
	deadline := time.Now().Add(patience)
	for {
		list = b.charges(b.hosts[0])
		count := map[charge.State]int{}
		for _, c := range list {
			count[c.State]++
		}
		if count[state] == n && len(list) == n {
			return list
		}
		if time.Now().After(deadline) {
			require.FailNow(b.t, "not all charges came to be "+string(state), "%v", count)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// onceEach checks what must hold of every charge, whatever happened: no reference
// was sent twice, and one authorisation is alive.
func (b *bed) onceEach(list []*charge.Charge, alive int) {
	b.t.Helper()
	sent := map[payment.Reference]int{}
	for _, r := range b.gateway.Charges() {
		sent[r.Reference]++
		require.Equal(b.t, 1, sent[r.Reference], "%s was sent again", r.Reference)
	}
	live := map[payment.Reference]int{}
	for _, t := range b.gateway.Transactions() {
		if t.Live() {
			live[t.Reference]++
		}
	}
	for _, c := range list {
		n := 0
		for _, r := range c.References() {
			n += live[r]
		}
		require.Equal(b.t, alive, n, "live authorisations of charge %s", c.ID)
	}
}

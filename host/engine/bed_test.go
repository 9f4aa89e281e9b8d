package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/charge/chargedb"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/host/engine"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/settings/settingsdb"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

var platform = settings.Actor{Kind: settings.ActorPlatform, Name: "test"}

// patience is how long a test waits for what must come. It is never waited
// out where the code is right.
const patience = time.Minute

// quick are money clocks for a gateway without lag, in the proportions of the
// real ones where a test depends on them.
func quick() charge.Clocks {
	c := charge.DefaultClocks()
	// Long enough for a commit on a busy machine: what is too late is not sent,
	// and that is not what most tests are about.
	c.SendWindow, c.AnswerLimit, c.CallSlack, c.LeaseSlack = 5*time.Second, 200*time.Millisecond, time.Second, 200*time.Millisecond
	c.FirstLook, c.MinLooks, c.AbsenceRecorded, c.AbsenceAtOnce = 20*time.Millisecond, 3, 100*time.Millisecond, 200*time.Millisecond
	c.Handoff, c.Follow, c.RetryFirst, c.RetryMost = 3*time.Second, 50*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond
	c.ProbeFirst, c.ProbeMost = 50*time.Millisecond, 200*time.Millisecond
	return c
}

// bed is a whole host without its doors: a real database, real settings, the
// engine, and a gateway in memory.
type bed struct {
	t        *testing.T
	ctx      context.Context
	db       *database.DB
	gateway  *paymenttest.Fake
	settings *settings.Service
	store    *chargedb.Store
	engine   *engine.Engine
	orders   *order.Service
	limits   turn.Limits
	placed   atomic.Int64
	// Of the engines to come; what is nil is the machine's clock and the gateway.
	now, wall func() time.Time
	ready     func() error
	plugins   engine.Gateways
}

type gateways struct{ gateway payment.Gateway }

func (g gateways) Gateway(string) (payment.Gateway, error) { return g.gateway, nil }

func newBed(t *testing.T, db *database.DB, limits turn.Limits) *bed {
	t.Helper()
	b := &bed{t: t, ctx: t.Context(), db: db, gateway: paymenttest.NewFake(), limits: limits, now: time.Now}
	b.plugins = gateways{b.gateway}
	master, err := settings.ParseMasterKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	require.NoError(t, err)
	b.settings, err = settings.New(settings.Config{Store: settingsdb.New(db), Gateways: gateways{b.gateway}, Master: master})
	require.NoError(t, err)
	b.store = chargedb.New(db, nil)
	t.Cleanup(b.store.Stop)
	b.startEngine()
	return b
}

// startEngine starts an engine, the first or the next after a crash.
func (b *bed) startEngine() {
	b.t.Helper()
	b.startEngineOn(b.store)
}

func (b *bed) startEngineOn(store charge.Store) {
	b.t.Helper()
	b.engine = b.engineOn(store)
	namer, err := charge.NewNamer("test", make([]byte, charge.MinNamerKey))
	require.NoError(b.t, err)
	b.orders = order.New(order.Config{Store: b.store, Companies: b.settings, Engine: b.engine, Namer: namer, Now: b.now})
}

var engines atomic.Int64

func (b *bed) anotherEngine() *engine.Engine {
	b.t.Helper()
	return b.engineOn(b.store)
}

func (b *bed) engineOn(store charge.Store) *engine.Engine {
	b.t.Helper()
	e, err := engine.New(engine.Config{
		Store: store, Settings: b.settings, Gateways: b.plugins, Clocks: quick(), Limits: b.limits,
		Owner: fmt.Sprintf("host-%d", engines.Add(1)), Now: b.now, Poll: 50 * time.Millisecond, Logger: hclog.NewNullLogger(),
		Wall: b.wall, Ready: b.ready,
	})
	require.NoError(b.t, err)
	require.NoError(b.t, e.Start(b.ctx))
	b.t.Cleanup(func() { b.stop(e) })
	return e
}

func (b *bed) stop(e *engine.Engine) {
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e.Stop(limited)
}

// crash ends an engine without letting it write down what it was doing.
func (b *bed) crash(e *engine.Engine) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	e.Stop(gone)
}

// shop is a fulfiller with one sales channel and a link that charges.
type shop struct {
	fulfiller, channel settings.Company
	link               settings.Link
}

func (b *bed) shop(name string, change map[string]string) shop {
	b.t.Helper()
	var s shop
	var err error
	s.fulfiller, err = b.settings.CreateCompany(b.ctx, platform, settings.NewCompany{Type: settings.Fulfiller, Reference: "fulfiller-" + name, Name: name})
	require.NoError(b.t, err)
	s.channel, err = b.settings.CreateCompany(b.ctx, platform, settings.NewCompany{Type: settings.SalesChannel, Reference: "channel-" + name, Name: name})
	require.NoError(b.t, err)
	s.link, err = b.settings.CreateLink(b.ctx, platform, settings.NewLink{FulfillerID: s.fulfiller.ID, ChannelID: s.channel.ID, Plugin: "memory"})
	require.NoError(b.t, err)

	values := paymenttest.Settings()
	values["site"], values["stored"] = "site-"+name, "1-1-"+name
	for k, v := range change {
		values[k] = v
	}
	stored := values["stored"]
	delete(values, "stored")
	_, err = b.settings.SaveFulfiller(b.ctx, platform, s.fulfiller.ID, "memory", settings.Edit{Set: values})
	require.NoError(b.t, err)
	b.useStored(&s, stored)
	on := settings.LinkOn
	s.link, err = b.settings.Link(b.ctx, platform, s.link.ID)
	require.NoError(b.t, err)
	s.link, err = b.settings.ChangeLink(b.ctx, platform, s.link.ID, settings.LinkChange{Seen: s.link.Version, State: &on})
	require.NoError(b.t, err)
	return s
}

// useStored gives a link its stored reference, with the card confirmed. The
// gateway holds the transaction behind it, which is the control for looks.
func (b *bed) useStored(s *shop, stored string) {
	b.t.Helper()
	b.gateway.Put(payment.Transaction{
		ID: payment.TransactionID(stored), Kind: payment.KindAccountCheck, Outcome: payment.OutcomeApproved,
		Site: "site-" + s.fulfiller.Name, StartedAt: time.Now().Add(-time.Hour),
	})
	view, err := b.settings.ViewLink(b.ctx, platform, s.link.ID)
	require.NoError(b.t, err)
	_, err = b.settings.SaveLink(b.ctx, platform, s.link.ID, settings.Edit{Seen: view.Version, Set: payment.Settings{"stored": stored}})
	require.NoError(b.t, err)
	report, err := b.settings.Preflight(b.ctx, platform, s.link.ID)
	require.NoError(b.t, err)
	require.True(b.t, report.Passed, "%v", report.Findings)
	_, err = b.settings.ConfirmCard(b.ctx, platform, s.link.ID, report.Place.Stored, report.Card)
	require.NoError(b.t, err)
}

func (b *bed) placement(s shop, minor int64) order.Placement {
	return order.Placement{
		Channel: s.channel.Reference, Reference: fmt.Sprintf("order-%d", b.placed.Add(1)), PlacedAt: time.Now(),
		Parts: []order.Part{{Fulfiller: s.fulfiller.Reference, Amount: payment.Amount{Minor: minor, Currency: "GBP"}}},
	}
}

func (b *bed) place(s shop, minor int64) charge.ID {
	b.t.Helper()
	_, cs, created, err := b.orders.Place(b.ctx, b.placement(s, minor), "test", nil)
	require.NoError(b.t, err)
	require.True(b.t, created)
	return cs[0].ID
}

func (b *bed) load(id charge.ID) *charge.Charge {
	b.t.Helper()
	cs, err := b.store.Load(b.ctx, id)
	require.NoError(b.t, err)
	require.Len(b.t, cs, 1)
	return cs[0]
}

// until waits for a charge to be as it must become.
func (b *bed) until(id charge.ID, what string, is func(*charge.Charge) bool) *charge.Charge {
	b.t.Helper()
	var c *charge.Charge
	ok := func() bool { c = b.load(id); return is(c) }
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			story, err := b.store.Evidence(b.ctx, id)
			require.NoError(b.t, err)
			for _, e := range story {
				b.t.Logf("%s %s %s %s", e.At.Format("05.000"), e.State, e.Class, e.Text)
			}
			require.Failf(b.t, "it did not become "+what, "it is %s (%s), act due %s, case %q, attempts %+v, records %+v", c.State, c.Reason, c.NextCheckAt, c.Case, c.Attempts, c.Records)
		}
		<-time.After(10 * time.Millisecond)
	}
	return c
}

func (b *bed) untilState(id charge.ID, s charge.State) *charge.Charge {
	b.t.Helper()
	return b.until(id, string(s), func(c *charge.Charge) bool { return c.State == s })
}

// untilPaused waits until this host knows of a pause.
func (b *bed) untilPaused() {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return len(b.engine.Pauses()) > 0 }, patience, time.Millisecond)
}

// countEvidence counts what is written down of one class.
func (b *bed) countEvidence(id charge.ID, class charge.Class) int {
	b.t.Helper()
	story, err := b.store.Evidence(b.ctx, id)
	require.NoError(b.t, err)
	n := 0
	for _, e := range story {
		if e.Class == class {
			n++
		}
	}
	return n
}

// settle lets the gateway settle all that is due.
func (b *bed) settle() {
	for _, t := range b.gateway.Transactions() {
		b.gateway.Edit(t.ID, func(t *payment.Transaction) {
			if t.Status == payment.StatusDue {
				t.Status = payment.StatusSettled
			}
		})
	}
}

// live lists what the gateway holds that takes, or may still take, money.
func (b *bed) live(c *charge.Charge) []payment.Transaction {
	var live []payment.Transaction
	for _, t := range b.gateway.Transactions() {
		for _, r := range c.References() {
			if t.Reference == r && t.Live() {
				live = append(live, t)
			}
		}
	}
	return live
}

// balance sums the ledger of a charge by account.
func (b *bed) balance(id charge.ID) map[charge.Account]int64 {
	b.t.Helper()
	entries, err := b.store.Entries(b.ctx, "", 10000)
	require.NoError(b.t, err)
	sum := map[charge.Account]int64{}
	for _, e := range entries {
		if e.ChargeID == id {
			sum[e.Debit] += e.Amount.Minor
			sum[e.Credit] -= e.Amount.Minor
		}
	}
	for account, minor := range sum {
		if minor == 0 {
			delete(sum, account)
		}
	}
	return sum
}

func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	databasetest.Each(t, test)
}

var roomy = turn.Limits{Plugin: 32, Site: 24}

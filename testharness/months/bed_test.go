package months

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/charge/chargedb"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/host/engine"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/plugin/trustpayments"
	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/settings/settingsdb"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

var platform = settings.Actor{Kind: settings.ActorPlatform, Name: "test"}

// bed is a host without its doors, with the real money clocks, in front of the
// simulated gateway. All of it lives in one bubble.
type bed struct {
	t        *testing.T
	gateway  *gateway.Gateway
	settings *settings.Service
	store    *chargedb.Store
	orders   *order.Service
	engine   *engine.Engine
	link     settings.Link
	placed   int
}

type plugins struct{ gateway payment.Gateway }

func (p plugins) Gateway(string) (payment.Gateway, error) { return p.gateway, nil }

// inBubble runs a test in virtual time that begins at start.
func inBubble(t *testing.T, start string, change map[string]string, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		at, err := time.ParseInLocation(time.DateTime, start, time.UTC)
		require.NoError(t, err)
		if d := time.Until(at); d > 0 {
			<-time.After(d)
		}
		test(newBed(t, change))
	})
}

func newBed(t *testing.T, change map[string]string) *bed {
	t.Helper()
	b := &bed{t: t}
	internet := newNetwork()
	var err error
	b.gateway, err = gateway.New(gateway.Config{Seed: 7})
	require.NoError(t, err)
	dir := t.TempDir()
	server, err := b.gateway.Start(t.Context(), gateway.Listen{Dir: dir, Open: internet.listen})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	plugin, err := trustpayments.New(trustpayments.Config{Webservices: webservices.Config{
		URLEU: server.JSONURL(), CAFile: filepath.Join(dir, "ca.pem"), Dial: internet.dial,
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}})
	require.NoError(t, err)
	t.Cleanup(plugin.Close)

	db := databasetest.SQLite(t)
	master, err := settings.ParseMasterKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	require.NoError(t, err)
	b.store = chargedb.New(db, nil)
	t.Cleanup(b.store.Stop)
	b.settings, err = settings.New(settings.Config{Store: settingsdb.New(db), Gateways: plugins{plugin}, Master: master})
	require.NoError(t, err)
	b.engine, err = engine.New(engine.Config{
		Store: b.store, Settings: b.settings, Gateways: plugins{plugin}, Clocks: charge.DefaultClocks(),
		Limits: turn.Limits{Plugin: 32, Site: 24}, Owner: "host", Now: time.Now, Poll: time.Hour, Logger: hclog.NewNullLogger(),
	})
	require.NoError(t, err)
	require.NoError(t, b.engine.Start(t.Context()))
	t.Cleanup(func() { b.engine.Stop(t.Context()) })
	namer, err := charge.NewNamer("test", make([]byte, charge.MinNamerKey))
	require.NoError(t, err)
	b.orders = order.New(order.Config{Store: b.store, Companies: b.settings, Engine: b.engine, Namer: namer, Now: time.Now})
	b.open(change)
	return b
}

// open makes a fulfiller with one sales channel, and stores the card of its
// retailer.
func (b *bed) open(change map[string]string) {
	b.t.Helper()
	ctx := b.t.Context()
	fulfiller, err := b.settings.CreateCompany(ctx, platform, settings.NewCompany{Type: settings.Fulfiller, Reference: "fulfiller", Name: "A fulfiller"})
	require.NoError(b.t, err)
	channel, err := b.settings.CreateCompany(ctx, platform, settings.NewCompany{Type: settings.SalesChannel, Reference: "channel", Name: "A channel"})
	require.NoError(b.t, err)
	b.link, err = b.settings.CreateLink(ctx, platform, settings.NewLink{FulfillerID: fulfiller.ID, ChannelID: channel.ID, Plugin: trustpayments.Name})
	require.NoError(b.t, err)
	stored, err := b.gateway.Enter(gateway.Entered{
		Site: gateway.DefaultSite, Card: "4111111111111111", Amount: 1, Currency: "GBP", CredentialsOnFile: "1",
	})
	require.NoError(b.t, err)
	values := payment.Settings{
		"sitereference": gateway.DefaultSite, "username": gateway.DefaultUser, "password": gateway.DefaultPassword,
	}
	for k, v := range change {
		values[k] = v
	}
	_, err = b.settings.SaveFulfiller(ctx, platform, fulfiller.ID, trustpayments.Name, settings.Edit{Set: values})
	require.NoError(b.t, err)
	_, err = b.settings.SaveLink(ctx, platform, b.link.ID, settings.Edit{
		Set: payment.Settings{"storedreference": stored.TransactionReference},
	})
	require.NoError(b.t, err)
	report, err := b.settings.Preflight(ctx, platform, b.link.ID)
	require.NoError(b.t, err)
	require.True(b.t, report.Passed, "%v", report.Findings)
	_, err = b.settings.ConfirmCard(ctx, platform, b.link.ID, report.Place.Stored, report.Card)
	require.NoError(b.t, err)
	on := settings.LinkOn
	b.link, err = b.settings.Link(ctx, platform, b.link.ID)
	require.NoError(b.t, err)
	_, err = b.settings.ChangeLink(ctx, platform, b.link.ID, settings.LinkChange{Seen: b.link.Version, State: &on})
	require.NoError(b.t, err)
}

// place takes an order in, and waits until nothing moves any more without time
// passing.
func (b *bed) place(minor int64) charge.ID {
	b.t.Helper()
	_, id := b.placeOrder(minor)
	return id
}

func (b *bed) placeOrder(minor int64) (charge.OrderID, charge.ID) {
	b.t.Helper()
	b.placed++
	o, cs, created, err := b.orders.Place(b.t.Context(), order.Placement{
		Channel: "channel", Reference: fmt.Sprintf("order-%d", b.placed), PlacedAt: time.Now(),
		Parts: []order.Part{{Fulfiller: "fulfiller", Amount: payment.Amount{Minor: minor, Currency: "GBP"}}},
	}, "test", nil)
	require.NoError(b.t, err)
	require.True(b.t, created)
	synctest.Wait()
	return o.ID, cs[0].ID
}

// pass lets time pass.
func (b *bed) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (b *bed) load(id charge.ID) *charge.Charge {
	b.t.Helper()
	cs, err := b.store.Load(b.t.Context(), id)
	require.NoError(b.t, err)
	require.Len(b.t, cs, 1)
	return cs[0]
}

// in requires a charge to be in a state now.
func (b *bed) in(id charge.ID, want charge.State) *charge.Charge {
	b.t.Helper()
	c := b.load(id)
	if c.State != want {
		b.tell(id)
	}
	require.Equal(b.t, want, c.State)
	return c
}

// tell writes a charge's story to the test's log.
func (b *bed) tell(id charge.ID) {
	b.t.Helper()
	for _, e := range b.story(id) {
		b.t.Logf("%s %s %s %s", e.At.Format(time.DateTime), e.State, e.Class, e.Text)
	}
}

func (b *bed) story(id charge.ID) []charge.Evidence {
	b.t.Helper()
	story, err := b.store.Evidence(b.t.Context(), id)
	require.NoError(b.t, err)
	return story
}

// looks are the times at which a charge was looked for.
func (b *bed) looks(id charge.ID) []time.Time {
	b.t.Helper()
	var at []time.Time
	for _, e := range b.story(id) {
		if e.Class == charge.ClassLook {
			at = append(at, e.At)
		}
	}
	return at
}

func (b *bed) fault(f gateway.Fault) {
	b.t.Helper()
	_, err := b.gateway.AddFaults(f)
	require.NoError(b.t, err)
}

// authorisations are what the gateway holds of a charge.
func (b *bed) authorisations(c *charge.Charge) []gateway.Entry {
	var list []gateway.Entry
	for _, e := range b.gateway.Ledger() {
		for _, r := range c.References() {
			if e.OrderReference == string(r) && e.Type == "AUTH" {
				list = append(list, e)
			}
		}
	}
	return list
}

// debits are those of them that take money, now or with the next batch.
func (b *bed) debits(c *charge.Charge) []gateway.Entry {
	var list []gateway.Entry
	for _, e := range b.authorisations(c) {
		if e.ErrorCode == "0" && e.SettleStatus != gateway.StatusSuspended && e.SettleStatus != gateway.StatusCancelled {
			list = append(list, e)
		}
	}
	return list
}

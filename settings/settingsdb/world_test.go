package settingsdb_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/settings/settingsdb"
	"github.com/chargehand/chargehand/shared/payment"
)

const (
	plugin   = "fakepay"
	password = "correct-horse-battery"
	card     = "411111######1111"
)

var root = settings.System("test")

type unused = payment.Gateway

// gateway is a plugin with a schema like that of a real one. Fields are
// guarded by mu.
type gateway struct {
	unused // what is not implemented is not called

	mu     sync.Mutex
	down   error
	schema []payment.Field
	report payment.PreflightReport
	asked  int
	seen   payment.PreflightRequest
}

func newGateway() *gateway {
	return &gateway{
		schema: []payment.Field{
			{Name: "endpoint", Label: "Gateway", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Default: "EU", Choices: []payment.Choice{{Value: "EU"}, {Value: "US"}}},
			{Name: "site", Label: "Site reference", Kind: payment.FieldText, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=50,printascii"},
			{Name: "user", Label: "User name", Kind: payment.FieldText, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=255"},
			{Name: "password", Label: "Password", Kind: payment.FieldSecret, Owner: payment.OwnerFulfiller, Required: true, Rule: "min=8"},
			{Name: "stored", Label: "Stored reference", Kind: payment.FieldText, Owner: payment.OwnerLink, Required: true, Rule: "max=25"},
			{Name: "retries", Label: "Retries", Kind: payment.FieldInteger, Owner: payment.OwnerLink, Rule: "min=0,max=5"},
		},
		report: payment.PreflightReport{
			Findings: []payment.Finding{{Check: "card", Level: payment.LevelOK, Text: "found"}},
			Mode:     payment.ModeTest, Card: card, Scheme: "VISA", Expiry: "2030-12", Currency: "GBP",
		},
	}
}

func (g *gateway) Describe(context.Context) (payment.Description, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return payment.Description{Name: plugin, Settings: g.schema}, g.down
}

// ValidateSettings knows one rule: a site is "test_..." or "live_...".
func (g *gateway) ValidateSettings(_ context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	v := r.Settings
	out := payment.SettingsReport{Profile: payment.Profile{
		Endpoint: v["endpoint"], Site: v["site"], User: v["user"], Mode: payment.ModeTest, Stored: payment.TransactionID(v["stored"]), Settle: payment.SettleRecorded,
	}}
	if s := v["site"]; s != "" && !strings.HasPrefix(s, "test_") && !strings.HasPrefix(s, "live_") {
		out.Problems = append(out.Problems, payment.FieldProblem{Field: "site", Label: "Site reference", Rule: "site", Text: "no such site for " + v["password"]})
	}
	if v["user"] == "nobody" {
		out.Problems = append(out.Problems, payment.FieldProblem{Field: "user", Label: "User name", Rule: "user", Text: "it is nobody"})
	}
	return out, g.down
}

func (g *gateway) Preflight(_ context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = r
	return g.report, g.down
}

func (g *gateway) change(do func(*gateway)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	do(g)
}

// Gateway implements settings.Gateways.
func (g *gateway) Gateway(name string) (payment.Gateway, error) {
	if name != plugin {
		return nil, &payment.Error{Kind: payment.ErrorNotFound}
	}
	return g, nil
}

// ours is the set of transactions that are charges.
type ours map[payment.TransactionID]bool

func (o ours) IsOurTransaction(_ context.Context, _, _ string, id payment.TransactionID) (bool, error) {
	if id == "broken" {
		return false, errors.New("the books are closed")
	}
	return o[id], nil
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is a fulfiller with two sales channels, none of them set up.
type world struct {
	*settings.Service

	db        *database.DB
	store     *settingsdb.Store
	master    *settings.MasterKey
	gateway   *gateway
	ours      ours
	clock     *clock
	fulfiller settings.Company
	channels  [2]settings.Company
	links     [2]settings.Link
}

func newMaster(t *testing.T) *settings.MasterKey {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	m, err := settings.ParseMasterKey(base64.StdEncoding.EncodeToString(key))
	require.NoError(t, err)
	return m
}

func setup(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{
		db: db, store: settingsdb.New(db), master: newMaster(t), gateway: newGateway(), ours: ours{},
		clock: &clock{t: time.Date(2030, 1, 2, 3, 4, 5, 678_901_000, time.UTC)},
	}
	w.Service = w.another(t, w.master)
	ctx := t.Context()
	var err error
	w.fulfiller, err = w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.Fulfiller, Reference: "maker"})
	require.NoError(t, err)
	for i, name := range []string{"shop", "stall"} {
		w.channels[i], err = w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.SalesChannel, Reference: name})
		require.NoError(t, err)
		w.links[i], err = w.CreateLink(ctx, root, settings.NewLink{FulfillerID: w.fulfiller.ID, ChannelID: w.channels[i].ID, Plugin: plugin})
		require.NoError(t, err)
	}
	return w
}

// another is a second host on the same database.
func (w *world) another(t *testing.T, master settings.KeyWrapper) *settings.Service {
	t.Helper()
	s, err := settings.New(settings.Config{Store: w.store, Gateways: w.gateway, Charges: w.ours, Master: master, Now: w.clock.now})
	require.NoError(t, err)
	return s
}

func credentials() payment.Settings {
	return payment.Settings{"site": "test_one", "user": "ws@example.com", "password": password}
}

// ready sets both links up, confirms their cards and switches them on.
func (w *world) ready(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	_, err := w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Set: credentials()})
	require.NoError(t, err)
	for i, stored := range []payment.TransactionID{"1-1-1", "2-2-2"} {
		_, err := w.SaveLink(ctx, root, w.links[i].ID, settings.Edit{Set: payment.Settings{"stored": string(stored)}})
		require.NoError(t, err)
		w.confirm(t, w.links[i].ID, stored)
		on := settings.LinkOn
		w.links[i], err = w.ChangeLink(ctx, root, w.links[i].ID, settings.LinkChange{Seen: w.links[i].Version, State: &on})
		require.NoError(t, err)
	}
}

func (w *world) confirm(t *testing.T, id settings.LinkID, stored payment.TransactionID) {
	t.Helper()
	_, err := w.Preflight(t.Context(), root, id)
	require.NoError(t, err)
	_, err = w.ConfirmCard(t.Context(), root, id, stored, card)
	require.NoError(t, err)
}

func (w *world) as(c settings.Company) settings.Actor {
	return settings.Actor{Kind: settings.ActorCompany, Company: c.ID, Name: "key of " + c.Reference}
}

func requireKind(t *testing.T, kind payment.ErrorKind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, payment.KindOf(err), "%v", err)
}

// problems gives "link index/field/rule" of a refusal.
func (w *world) problems(t *testing.T, err error) []string {
	t.Helper()
	var bad *settings.Invalid
	require.ErrorAs(t, err, &bad)
	requireKind(t, payment.ErrorInvalid, err)
	require.NotContains(t, err.Error(), password)
	var out []string
	for _, p := range bad.Problems {
		at := ""
		for i, l := range w.links {
			if p.Link == l.ID {
				at = []string{"0:", "1:"}[i]
			}
		}
		out = append(out, at+p.Field+"/"+p.Rule)
	}
	return out
}

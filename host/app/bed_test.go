package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/config"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// patience is how long a test waits for what must come. It is never waited out
// where the code is right.
const patience = 20 * time.Second

// gatewayPassword stands in no other word, so that it is found wherever it gets.
const gatewayPassword = "Corr3ct-h0rse^battery"

// bed is a whole host with everything around it: a database of its own, the
// plugin as a process, and the gateway simulator.
type bed struct {
	t       *testing.T
	dir     string
	keys    map[string]any // of the configuration
	log     *sink
	gateway *gateway.Gateway
	app     *App
	url     string
	key     string       // of the platform
	skew    atomic.Int64 // nanoseconds that this host's wall clock is ahead
	doc     *document

	mu      sync.Mutex
	secrets []string     // must be in no answer and no log line
	heard   bytes.Buffer // all answers
}

// onBoth runs a test on SQLite, and on MariaDB if there is a server.
func onBoth(t *testing.T, test func(t *testing.T, driver string)) {
	t.Helper()
	for _, driver := range []string{database.DriverSQLite, database.DriverMySQL} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			test(t, driver)
		})
	}
}

// newBed starts a host. change overrides its configuration.
func newBed(t *testing.T, driver string, change map[string]any) *bed {
	t.Helper()
	b := prepare(t, driver, change)
	b.migrate()
	b.key = b.platformKey()
	require.NoError(t, b.start())
	return b
}

// prepare makes all that a host needs, and starts none.
func prepare(t *testing.T, driver string, change map[string]any) *bed {
	t.Helper()
	dir, err := os.MkdirTemp("", "app") //nolint:usetesting // the path must be short for sockets
	require.NoError(t, err)
	dir, err = filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	b := &bed{t: t, dir: dir, log: &sink{}, secrets: []string{gatewayPassword}}
	t.Cleanup(b.checkSecrets)

	b.gateway, err = gateway.New(gateway.Config{
		Sites: []gateway.Site{{Reference: gateway.DefaultSite}},
		Users: []gateway.User{{
			Name: gateway.DefaultUser, Password: gatewayPassword, Sites: []string{gateway.DefaultSite}, Addresses: []string{"127.0.0.0/8", "::1/128"},
		}},
	})
	require.NoError(t, err)
	server, err := b.gateway.Start(t.Context(), gateway.Listen{Dir: b.file("gateway")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })

	b.installPlugin(nil)
	for _, name := range []string{"master.key", "reference.key"} {
		require.NoError(t, newKeyFile(b.file(name)))
		content, err := os.ReadFile(b.file(name))
		require.NoError(t, err)
		b.secrets = append(b.secrets, strings.TrimSpace(string(content)))
	}
	b.keys = map[string]any{
		"environment": "test", "listen": "127.0.0.1:0", "poll": "50ms", "stop_within": "20s",
		"database.driver": driver, "database.path": b.file("chargehand.db"),
		"plugins.dir": b.file("plugins"), "state_file": b.file("chargehand.state"),
		"keys.master_file": b.file("master.key"), "keys.reference_file": b.file("reference.key"),
		// Quick, but in the order that the real ones have.
		"clocks.scale": 100, "clocks.send_window": "2s", "clocks.answer_limit": "3s", "clocks.call_slack": "3500ms",
		"clocks.absence_recorded": "6s", "clocks.handoff": "3s", "clocks.follow": "1s",
	}
	if driver == database.DriverMySQL {
		b.keys["database.dsn"] = databasetest.EmptyMySQL(t)
	}
	maps.Copy(b.keys, change)
	b.setEnv(server.JSONURL(), b.file("gateway/ca.pem"))
	return b
}

func (b *bed) file(name string) string { return filepath.Join(b.dir, name) }

// setEnv tells the plugin where the simulator is.
func (b *bed) setEnv(url, ca string) {
	content, err := json.Marshal(map[string]any{"plugins": map[string]any{"env": map[string]any{pluginName: map[string]string{
		"TRUSTPAYMENTS_EU_URL": url, "TRUSTPAYMENTS_CA_FILE": ca,
	}}}})
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(b.file("chargehand.yaml"), content, 0o600)) // JSON is YAML
}

// installPlugin puts the plugin there, with a manifest that change may spoil.
func (b *bed) installPlugin(change func(manifest map[string]string)) {
	b.t.Helper()
	own := b.file("plugins/" + pluginName)
	require.NoError(b.t, os.MkdirAll(own, 0o700))
	if _, err := os.Lstat(filepath.Join(own, pluginName)); err != nil {
		require.NoError(b.t, os.Link(pluginBinary, filepath.Join(own, pluginName)))
	}
	m := map[string]string{"name": pluginName, "version": "1", "sha256": pluginSum, "path": pluginName}
	if change != nil {
		change(m)
	}
	content, err := json.Marshal(m)
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(own, pluginName+".json"), content, 0o600))
}

func (b *bed) config() config.Config {
	b.t.Helper()
	keys := maps.Clone(b.keys)
	if keys["environment_kind"] == "production" {
		maps.DeleteFunc(keys, func(key string, _ any) bool { return strings.HasPrefix(key, "clocks.") }) // quick ones are refused there
	}
	cfg, err := config.Load(b.file("chargehand.yaml"), keys, func(string) (string, bool) { return "", false })
	require.NoError(b.t, err)
	return cfg
}

// withDatabase does something to the database while no host has it.
func (b *bed) withDatabase(do func(db *database.DB)) {
	b.t.Helper()
	db, err := OpenDatabase(context.Background(), b.config(), hclog.NewNullLogger())
	require.NoError(b.t, err)
	do(db)
	require.NoError(b.t, db.Close())
}

func (b *bed) migrate() {
	b.t.Helper()
	b.withDatabase(func(db *database.DB) { require.NoError(b.t, database.Migrate(context.Background(), db)) })
}

// platformKey makes a platform's key, as an operator does.
func (b *bed) platformKey() string {
	b.t.Helper()
	var key string
	b.withDatabase(func(db *database.DB) {
		service, err := Settings(b.config(), db, nil, noGateways{})
		require.NoError(b.t, err)
		_, secret, err := service.CreateKey(context.Background(), settings.System("test"), settings.NewKey{Kind: settings.ActorPlatform, Name: "test"})
		require.NoError(b.t, err)
		key = secret.Reveal()
	})
	b.secret(key)
	return key
}

type noGateways struct{}

// Gateway implements settings.Gateways.
func (noGateways) Gateway(string) (payment.Gateway, error) {
	return nil, errors.New("no plugin runs here")
}

// start starts the host. Without an error it runs until the test ends, or stop.
func (b *bed) start() error {
	b.t.Helper()
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	host, err := StartAt(limited, b.config(), "test", b.log.logger(), func() time.Time { return time.Now().Add(time.Duration(b.skew.Load())) })
	if err != nil {
		require.Nil(b.t, host)
		return err
	}
	b.app, b.url = host, host.URL()
	b.t.Cleanup(b.stop)
	if b.doc == nil {
		b.doc = readDocument(b)
	}
	return nil
}

// stop stops the host gracefully.
func (b *bed) stop() {
	if b.app == nil {
		return
	}
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b.app.Stop(limited)
	b.app = nil
	client.CloseIdleConnections()
}

// secret notes what must be shown to nobody.
func (b *bed) secret(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.secrets = append(b.secrets, s)
}

// checkSecrets looks for secrets in all that the host said.
func (b *bed) checkSecrets() {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.log.String()
	for _, s := range b.secrets {
		// Of an API key the last part alone is secret.
		s = s[strings.LastIndex(s, "_")+1:]
		require.NotContains(b.t, said, s, "a secret is in the log")
		require.NotContains(b.t, b.heard.String(), s, "a secret is in an answer")
	}
}

// rows counts the rows of each table.
func (b *bed) rows() map[string]int64 {
	b.t.Helper()
	db := b.app.db.Read(context.Background())
	tables, err := db.Migrator().GetTables()
	require.NoError(b.t, err)
	counts := map[string]int64{}
	for _, table := range tables {
		var n int64
		require.NoError(b.t, db.Table(table).Count(&n).Error)
		counts[table] = n
	}
	require.Contains(b.t, counts, "orders")
	return counts
}

// eventually waits for what must come.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, patience, 10*time.Millisecond, what)
}

// sink keeps what is logged.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: s, JSONFormat: true})
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// String is all that was logged.
func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// errors are the lines of level error.
func (s *sink) errors() []string {
	var lines []string
	for line := range strings.Lines(s.String()) {
		if strings.Contains(line, `"@level":"error"`) {
			lines = append(lines, line)
		}
	}
	return lines
}

// shop is a fulfiller with one sales channel and a link that charges.
type shop struct {
	fulfiller, channel, link         string // ids
	fulfillerKey, channelKey         string
	fulfillerReference, channelNamed string
	stored                           string
}

// shop makes one, as people would.
func (b *bed) shop(name string) shop {
	b.t.Helper()
	s := shop{fulfillerReference: "fulfiller-" + name, channelNamed: "channel-" + name}
	s.fulfiller = b.create("/v1/companies", map[string]any{"type": "fulfiller", "reference": s.fulfillerReference, "name": "F " + name})
	s.channel = b.create("/v1/companies", map[string]any{"type": "sales_channel", "reference": s.channelNamed, "name": "C " + name})
	s.fulfillerKey, s.channelKey = b.companyKey(s.fulfiller), b.companyKey(s.channel)
	s.link = b.create("/v1/links", map[string]any{"fulfiller_id": s.fulfiller, "channel_id": s.channel, "plugin": pluginName})
	b.must(200, b.do(s.fulfillerKey, "PUT", "/v1/companies/"+s.fulfiller+"/settings/"+pluginName, map[string]any{
		"version": 0, "reason": "test",
		"values": map[string]string{"sitereference": gateway.DefaultSite, "username": gateway.DefaultUser, "password": gatewayPassword},
	}))
	s.stored = b.storeCard(s, "GBP")
	b.must(200, b.do(s.fulfillerKey, "PATCH", "/v1/links/"+s.link, map[string]any{"state": "on"}))
	return s
}

// storeCard mints a stored reference, saves it on the link, and confirms the
// card that the preflight shows.
func (b *bed) storeCard(s shop, currency string) string {
	b.t.Helper()
	entry, err := b.gateway.Enter(gateway.Entered{
		Site: gateway.DefaultSite, Card: "4111111111111111", Currency: currency, Type: "ACCOUNTCHECK", CredentialsOnFile: "1",
	})
	require.NoError(b.t, err)
	path := "/v1/links/" + s.link
	seen := b.must(200, b.do(s.fulfillerKey, "GET", path+"/settings", nil)).object()["version"]
	b.must(200, b.do(s.fulfillerKey, "PUT", path+"/settings", map[string]any{
		"version": seen, "values": map[string]string{"storedreference": entry.TransactionReference},
	}))
	report := b.must(200, b.do(s.fulfillerKey, "POST", path+"/preflight", nil)).object()
	require.Equal(b.t, true, report["passed"], "%v", report)
	b.must(200, b.do(s.fulfillerKey, "POST", path+"/confirm-card", map[string]any{"stored": report["stored"], "card": report["card"]}))
	return entry.TransactionReference
}

func (b *bed) create(path string, body map[string]any) string {
	b.t.Helper()
	id, ok := b.must(201, b.do(b.key, "POST", path, body)).object()["id"].(string)
	require.True(b.t, ok)
	return id
}

// companyKey makes a company's key. The one answer that shows it is not held
// against the secrets.
func (b *bed) companyKey(company string) string {
	b.t.Helper()
	a := b.must(201, b.quietly(b.key, "POST", "/v1/companies/"+company+"/keys", map[string]any{"name": "test"}))
	key, ok := a.object()["key"].(string)
	require.True(b.t, ok)
	b.secret(key)
	return key
}

// order is the body of an order of one part, placed a little ago.
func (s shop) order(reference string, minor any, currency string) map[string]any {
	return map[string]any{
		"channel": s.channelNamed, "reference": reference, "placed_at": time.Now().UTC().Format(time.RFC3339Nano),
		"parts": []any{map[string]any{"fulfiller": s.fulfillerReference, "amount": map[string]any{"minor": minor, "currency": currency}}},
	}
}

// place posts an order and gives it with its charge.
func (b *bed) place(s shop, reference string, minor int64, header ...string) (order, charge map[string]any) {
	b.t.Helper()
	order = b.must(202, b.do(b.key, "POST", "/v1/orders", s.order(reference, minor, "GBP"), header...)).object()
	return order, firstCharge(b.t, order)
}

func firstCharge(t *testing.T, order map[string]any) map[string]any {
	t.Helper()
	list, ok := order["charges"].([]any)
	require.True(t, ok)
	require.NotEmpty(t, list)
	c, ok := list[0].(map[string]any)
	require.True(t, ok)
	return c
}

// until waits for a charge to be in one of the states.
func (b *bed) until(id any, states ...string) map[string]any {
	b.t.Helper()
	var c map[string]any
	eventually(b.t, fmt.Sprintf("the charge is %v", states), func() bool {
		c = b.must(200, b.do(b.key, "GET", fmt.Sprintf("/v1/charges/%s", id), nil)).object()
		for _, s := range states {
			if c["state"] == s {
				return true
			}
		}
		return false
	})
	return c
}

// authorisations counts the calls that reserved money at the gateway.
func (b *bed) authorisations() int {
	n := 0
	for _, e := range b.gateway.Ledger() {
		if e.Type == "AUTH" && e.Parent != "" {
			n++
		}
	}
	return n
}

// newKeyFile makes a key file, as the command does.
func newKeyFile(path string) error {
	_, err := settings.CreateMasterKeyFile(path)
	return err
}

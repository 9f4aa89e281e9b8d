package crash

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/stand"
)

// envDSN names the environment variable with the server's DSN.
const envDSN = "CHARGEHAND_TEST_MYSQL_DSN"

// kit is what all runs share: the programs, and the settings of the companies,
// made once for each kind of database and copied for each run.
type kit struct {
	dir string
	env []string
	// sqlite and server are nil where there are no runs on them.
	sqlite *template
	server *template
	admin  *sql.DB
	dsn    *mysql.Config
	spare  chan string // databases that no run uses
	made   []string
	// pace is what all clocks of the next runs are multiplied by.
	pace atomic.Int32
}

// template is a database with the companies in it, and the host that made them.
type template struct {
	host *stand.Host
	// content is the SQLite file; name is the database on the server.
	content []byte
	name    string
}

// openKit builds the programs and makes the templates. The caller closes it,
// whatever is returned.
func openKit(ctx context.Context, dsn string) (k *kit, err error) {
	k = &kit{env: stand.Environment(os.Environ())}
	k.pace.Store(1)
	// A short name: sockets lie below it.
	if k.dir, err = os.MkdirTemp("", "crash"); err != nil {
		return k, err
	}
	if err := k.build(ctx); err != nil {
		return k, err
	}
	if k.sqlite, err = k.prepare(ctx, "sqlite"); err != nil {
		return k, err
	}
	if k.sqlite.content, err = os.ReadFile(filepath.Join(k.dir, "sqlite", databaseFile)); err != nil || dsn == "" {
		return k, err
	}
	if err := k.reach(ctx, dsn); err != nil {
		return k, err
	}
	k.server, err = k.prepare(ctx, "server")
	return k, err
}

func (k *kit) close() error {
	var errs []error
	for _, name := range k.made {
		_, err := k.admin.Exec("DROP DATABASE " + name)
		errs = append(errs, err)
	}
	if k.admin != nil {
		errs = append(errs, k.admin.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(k.dir))...)
}

func (k *kit) bin() string { return filepath.Join(k.dir, "chargehand") }

// build builds a host that can be ended at its steps, and the plugin as it is.
func (k *kit) build(ctx context.Context) error {
	const module = "github.com/chargehand/chargehand/"
	folder := filepath.Join(k.dir, "plugins", stand.Plugin)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	plugin := filepath.Join(folder, stand.Plugin)
	for _, args := range [][]string{
		{"-tags", "crashpoints", "-o", k.bin(), module + "host/cmd/chargehand"},
		{"-o", plugin, module + "plugin/trustpayments/cmd/trustpayments"},
	} {
		out, err := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("go build %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	manifest, err := stand.Run(ctx, k.bin(), k.env, "plugin", "manifest", plugin)
	if err != nil {
		return err
	}
	return os.WriteFile(plugin+".json", []byte(manifest), 0o600)
}

func (k *kit) reach(ctx context.Context, dsn string) error {
	var err error
	if k.dsn, err = mysql.ParseDSN(dsn); err != nil {
		return errors.New(envDSN + " can't be read: write user:password@tcp(host:3306)/name")
	}
	server := k.dsn.Clone()
	server.DBName = ""
	connector, err := mysql.NewConnector(server)
	if err != nil {
		return err
	}
	k.admin = sql.OpenDB(connector)
	k.spare = make(chan string, 2*atOnce)
	return k.admin.PingContext(ctx)
}

// create makes an empty database on the server.
func (k *kit) create(ctx context.Context) (string, error) {
	name := "chargehand_crash_" + strings.ToLower(rand.Text()[:12])
	if _, err := k.admin.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	k.made = append(k.made, name)
	return name, nil
}

func (k *kit) onServer(name string) map[string]any {
	dsn := k.dsn.Clone()
	dsn.DBName = name
	return map[string]any{"driver": "mysql", "dsn": dsn.FormatDSN()}
}

const databaseFile = "chargehand.db"

func inFile(dir string) map[string]any {
	return map[string]any{"driver": "sqlite", "path": filepath.Join(dir, databaseFile)}
}

// The sites of the shops.
const (
	siteRecorded = "test_recorded"
	siteAtOnce   = "test_atonce"
	siteRecur    = "test_recur"
	siteMended   = "test_mended"
	siteSlow     = "test_slow"
	// The fulfiller of the last moves from one site to the other.
	siteOld = "test_old"
	siteNew = "test_new"
)

// shops are made in one order everywhere, so that every simulator gives the
// stored references that stand in the template's settings.
func shops() []stand.Shop {
	return []stand.Shop{
		{Fulfiller: "f-recorded", Channel: "recorded", Site: siteRecorded},
		{Fulfiller: "f-at-once", Channel: "at-once", Site: siteAtOnce, Settle: "at_once"},
		{Fulfiller: "f-recur", Channel: "recur", Site: siteRecur},
		{Fulfiller: "f-mended", Channel: "mended", Site: siteMended},
		{Fulfiller: "f-slow", Channel: "slow", Site: siteSlow},
		{Fulfiller: "f-moved", Channel: "moved", Site: siteOld},
	}
}

// simulator starts a gateway of a run's own, in this process.
func simulator(ctx context.Context, dir string) (*stand.Simulator, *gateway.Server, error) {
	g, err := gateway.New(gateway.Config{Seed: 1, Calls: 100_000})
	if err != nil {
		return nil, nil, err
	}
	server, err := g.Start(ctx, gateway.Listen{Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	s := &stand.Simulator{Info: server.Info(filepath.Join(dir, "ca.pem"))}
	var sites []string
	for _, shop := range shops() {
		sites = append(sites, shop.Site)
	}
	err = s.AddSites(ctx, append(sites, siteNew)...)
	return s, server, err
}

// prepare sets the companies up in a new database, once.
func (k *kit) prepare(ctx context.Context, kind string) (*template, error) {
	dir := filepath.Join(k.dir, kind)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	t := &template{}
	database := inFile(dir)
	if kind == "server" {
		var err error
		if t.name, err = k.create(ctx); err != nil {
			return nil, err
		}
		database = k.onServer(t.name)
	}
	s, server, err := simulator(ctx, filepath.Join(dir, "gateway"))
	if err != nil {
		return nil, err
	}
	defer server.Close()
	t.host, err = stand.StartHost(ctx, k.config(dir, database, s, maxPace))
	defer t.host.Process.Stop()
	if err != nil {
		return nil, err
	}
	list := shops()
	for i := range list {
		if err := stand.OpenShop(ctx, t.host.API, s, &list[i]); err != nil {
			return nil, fmt.Errorf("set %s up: %w", list[i].Channel, err)
		}
	}
	return t, recurring(ctx, t.host, s)
}

// recurring lets one fulfiller charge as a series with numbers.
func recurring(ctx context.Context, h *stand.Host, s *stand.Simulator) error {
	return saveFulfiller(ctx, h.API, "f-recur", 1, map[string]string{
		"sitereference": siteRecur, "username": s.User().Name, "password": s.User().Password, "accounttype": "RECUR",
	})
}

// saveFulfiller changes a fulfiller's settings of that version.
func saveFulfiller(ctx context.Context, api *client.Client, reference string, version int64, values map[string]string) error {
	companies, err := api.Companies(ctx)
	if err != nil {
		return err
	}
	for _, c := range companies {
		if c.Reference == reference {
			_, err = api.SaveFulfiller(ctx, c.ID, stand.Plugin, version, values)
			return err
		}
	}
	return fmt.Errorf("the fulfiller %s is not there", reference)
}

// config is a small host with quick clocks, which all keep their order. pace is
// what they are multiplied by.
func (k *kit) config(dir string, database map[string]any, s *stand.Simulator, pace int) stand.HostConfig {
	clocks := map[string]any{}
	for name, d := range map[string]time.Duration{
		// A lease ends 2 s after its attempt began.
		"send_window": sendWindow, "answer_limit": time.Second, "call_slack": 1100 * time.Millisecond, "lease_slack": 200 * time.Millisecond,
		// An absence is believed 2.3 s after it, or 3.2 s where the gateway
		// settles by itself. What is late at the gateway is there 3.6 s after it
		// at the latest; the last look comes after 5.2 s.
		"first_look": 100 * time.Millisecond, "absence_recorded": 600 * time.Millisecond, "absence_at_once": 1500 * time.Millisecond,
		"watch_after": 4500 * time.Millisecond,
		"handoff":     700 * time.Millisecond, "follow": 400 * time.Millisecond, "retry_first": 50 * time.Millisecond, "retry_most": 400 * time.Millisecond,
		"probe_first": 150 * time.Millisecond, "probe_most": 300 * time.Millisecond, "setup_patience": time.Hour,
		"doubt_person": 10 * time.Minute, "release_overdue": 10 * time.Minute, "settle_overdue": time.Hour,
	} {
		clocks[name] = (d * time.Duration(pace)).String()
	}
	return stand.HostConfig{
		Bin: k.bin(), Dir: dir, Env: k.env,
		Settings: map[string]any{
			"environment": "crash", "database": database, "clocks": clocks,
			// Some orders have to wait for their turn.
			"limits": map[string]any{"in_flight": 5, "site_in_flight": 4},
			"poll":   "150ms", "stop_within": "3s", "log": map[string]any{"level": "info"},
		},
		PluginEnv: map[string]any{stand.Plugin: map[string]any{
			"TRUSTPAYMENTS_EU_URL": s.Info.JSONURL, "TRUSTPAYMENTS_CA_FILE": s.Info.CAFile,
		}},
	}
}

package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/charge/chargedb"
	"github.com/chargehand/chargehand/host/config"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/engine"
	"github.com/chargehand/chargehand/host/httpapi"
	"github.com/chargehand/chargehand/host/metrics"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/host/pluginhost"
	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/host/restore/restoredb"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/settings/settingsdb"
)

// App is one host.
type App struct {
	cfg      config.Config
	version  string
	log      hclog.Logger
	db       *database.DB
	clock    *database.Clock
	state    *restore.File
	watch    *restore.Watch
	store    *chargedb.Store
	settings *settings.Service
	plugins  *pluginhost.Host
	engine   *engine.Engine
	server   *http.Server
	listener net.Listener
	failed   chan error
	// stopping ends when Stop begins.
	stopping context.Context
	stop     context.CancelFunc
}

// Ids are made at the rate of orders, and none of them is a secret. It is set
// for the whole program, so it is set before anything runs.
func init() { uuid.EnableRandPool() }

// Start brings a host up and returns once it takes orders in. What was begun
// before an error is ended again.
func Start(ctx context.Context, cfg config.Config, version string, log hclog.Logger) (*App, error) {
	return StartAt(ctx, cfg, version, log, time.Now)
}

// StartAt is Start with another wall clock, for runs in which hosts disagree
// about the time.
func StartAt(ctx context.Context, cfg config.Config, version string, log hclog.Logger, wall func() time.Time) (a *App, err error) {
	a = &App{cfg: cfg, version: version, log: log, failed: make(chan error, 1)}
	a.stopping, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			a.Stop(context.WithoutCancel(ctx))
			a = nil
		}
	}()
	if a.db, err = OpenDatabase(ctx, cfg, log); err != nil {
		return a, err
	}
	if err = database.CheckSchema(ctx, a.db); err != nil {
		return a, err
	}
	a.clock = database.NewClock(a.db, database.ClockConfig{Wall: wall, Logger: log.Named("clock")})
	if err = a.clock.Start(ctx); err != nil {
		return a, err
	}
	namer, err := Namer(cfg)
	if err != nil {
		return a, err
	}
	host, _ := os.Hostname()
	owner := host + "/" + uuid.Must(uuid.NewV7()).String()
	guard, err := a.guard(ctx, namer, owner)
	if err != nil {
		return a, err
	}
	m := metrics.New(version)
	if err = a.startPlugins(ctx, m); err != nil {
		return a, err
	}
	a.store = chargedb.Counted(a.db, m.Commit, restoredb.NewCounter(a.watch))
	if a.settings, err = Settings(cfg, a.db, a.store, a.plugins); err != nil {
		return a, err
	}
	a.engine, err = engine.New(engine.Config{
		Store: a.store, Settings: a.settings, Gateways: a.plugins, Clocks: cfg.Clocks,
		Limits: turn.Limits{Plugin: cfg.Limits.InFlight, Site: cfg.Limits.SiteInFlight, SiteRate: cfg.Limits.SiteRate},
		Owner:  owner, Poll: cfg.Poll, Now: a.clock.Now, Wall: wall, Ready: a.clock.Check,
		Logger: log.Named("engine"), Observer: m, Gate: guard, Mode: mode(cfg),
	})
	if err != nil {
		return a, err
	}
	if err = a.engine.Start(ctx); err != nil {
		return a, err
	}
	a.gauges(m)
	orders := order.New(order.Config{Store: a.store, Companies: a.settings, Engine: a.engine, Namer: namer, Now: a.clock.Now})
	err = a.serve(ctx, httpapi.New(httpapi.Config{
		Version: version, Orders: orders, Charges: order.NewViews(a.store, a.engine.Next), Engine: a.engine,
		Settings: a.settings, Plugins: pluginList{a.plugins}, Health: a.checks(), Trouble: trouble,
		Metrics: m.Handler(), Stopping: a.stopping, Logger: log.Named("api"), Now: time.Now,
	}))
	return a, err
}

// OpenDatabase opens the database that the configuration names.
func OpenDatabase(ctx context.Context, cfg config.Config, log hclog.Logger) (*database.DB, error) {
	return database.Open(ctx, database.Config{
		Driver: cfg.Database.Driver, Path: cfg.Database.Path, DSN: cfg.Database.DSN, Logger: log.Named("database"),
	})
}

// Settings makes the settings service. Without plugins nothing can be
// validated, but keys and companies can be made.
func Settings(cfg config.Config, db *database.DB, charges settings.Charges, gateways settings.Gateways) (*settings.Service, error) {
	master, err := masterKey(cfg)
	if err != nil {
		return nil, err
	}
	return settings.New(settings.Config{Store: settingsdb.New(db), Gateways: gateways, Charges: charges, Master: master, Mode: mode(cfg), Now: time.Now})
}

func masterKey(cfg config.Config) (*settings.MasterKey, error) {
	if cfg.MasterKey != "" {
		return settings.ParseMasterKey(cfg.MasterKey.Reveal())
	}
	return settings.MasterKeyFromFile(cfg.MasterKeyFile)
}

// Namer makes what makes the references.
func Namer(cfg config.Config) (*charge.Namer, error) {
	key, err := ReadKey(cfg.ReferenceKeyFile)
	if err != nil {
		return nil, fmt.Errorf("reference key: %w", err)
	}
	return charge.NewNamer(cfg.Environment, key)
}

func (a *App) startPlugins(ctx context.Context, m *metrics.Metrics) error {
	var err error
	a.plugins, err = pluginhost.New(pluginhost.Config{
		Dir: a.cfg.PluginDir, Store: a.cfg.PluginStore, Logger: a.log.Named("plugins"), Env: a.cfg.PluginEnv, Observer: m,
		Confine: confine.Config{Launcher: a.cfg.PluginLauncher, Mode: a.cfg.PluginConfine, Guarded: guarded(a.cfg)},
	})
	if err != nil {
		return err
	}
	return a.plugins.Start(ctx)
}

// guarded are the files that no plugin may read.
func guarded(cfg config.Config) []string {
	list := []string{cfg.File, cfg.StateFile, cfg.MasterKeyFile, cfg.ReferenceKeyFile, cfg.TLSKey}
	if cfg.Database.Driver == "sqlite" {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			list = append(list, cfg.Database.Path+suffix)
		}
	}
	return list
}

func (a *App) gauges(m *metrics.Metrics) {
	m.Plugins(func() []metrics.Plugin {
		var list []metrics.Plugin
		for _, s := range a.plugins.Status() {
			p := metrics.Plugin{Name: s.Name, InFlight: s.InFlight, Ready: s.State == pluginhost.StateReady, Quarantined: s.State == pluginhost.StateQuarantined}
			if p.Ready {
				p.Age = time.Since(s.StartedAt)
			}
			list = append(list, p)
		}
		return list
	})
	m.Gauge("chargehand_pauses", "Pauses in force.", func() float64 { return float64(len(a.engine.Pauses())) })
	m.Gauge("chargehand_charging_stopped", "1 while charging is stopped because the database was put back, or seems so.", func() float64 {
		if a.watch.Stopped() != "" {
			return 1
		}
		return 0
	})
	m.Gauge("chargehand_calls_in_flight", "Calls to charge that are under way.", func() float64 {
		n := 0
		for _, p := range a.plugins.Status() {
			n += a.engine.InFlight(p.Name)
		}
		return float64(n)
	})
}

// Limits on what a client may hold open.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 75 * time.Second // above the longest "Prefer: wait"
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
)

func (a *App) serve(ctx context.Context, h http.Handler) error {
	secure, err := a.tls()
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for the API: %w", err)
	}
	a.listener = l
	a.server = &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, TLSConfig: secure,
		ErrorLog: a.log.Named("http").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	go func() {
		var err error
		if secure != nil {
			err = a.server.ServeTLS(l, "", "")
		} else {
			err = a.server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("the API has stopped: %w", err)
		}
	}()
	a.log.Info("ready", "address", a.URL(), "environment", a.cfg.Environment, "version", a.version)
	if a.cfg.ListenFile != "" {
		return writeFile(a.cfg.ListenFile, []byte(a.URL()+"\n"))
	}
	return nil
}

// tls is nil for plain HTTP. The certificate is read before anybody is told
// that the host is ready.
func (a *App) tls() (*tls.Config, error) {
	if a.cfg.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(a.cfg.TLSCert, a.cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("certificate for the API (tls.cert, tls.key): %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// URL is where the API is.
func (a *App) URL() string {
	scheme := "http"
	if a.cfg.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + a.listener.Addr().String()
}

// Failed tells when the host can't go on.
func (a *App) Failed() <-chan error { return a.failed }

// Stop ends the host, waiting for calls in flight until ctx ends.
func (a *App) Stop(ctx context.Context) {
	a.stop()
	if a.server != nil {
		if err := a.server.Shutdown(ctx); err != nil {
			a.log.Warn("requests were still open", "error", err)
		}
	}
	if a.engine != nil {
		a.engine.Stop(ctx)
	}
	if a.plugins != nil {
		a.plugins.Stop(ctx)
	}
	if a.store != nil {
		a.store.Stop()
	}
	if a.watch != nil {
		a.watch.Stop(ctx)
	}
	if a.state != nil {
		if err := a.state.Close(); err != nil {
			a.log.Warn("the state file did not close", "error", err)
		}
	}
	if a.clock != nil {
		a.clock.Stop()
	}
	if a.db != nil {
		if err := a.db.Close(); err != nil {
			a.log.Warn("the database did not close", "error", err)
		}
	}
	if a.cfg.ListenFile != "" {
		_ = os.Remove(a.cfg.ListenFile)
	}
}

// writeFile puts a file there whole or not at all.
func writeFile(path string, content []byte) error {
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp, path)
}

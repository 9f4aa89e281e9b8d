package config

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/shared/payment"
)

// Config is the whole configuration of a host.
type Config struct {
	// File is where the configuration was read from; empty for no file.
	File string
	// Environment is the name of this environment; it is part of every
	// reference that goes to a gateway, and never changes.
	Environment string
	// Production: real goods depend on the answers, so test money never says
	// "produce". Where it is false, no live card is charged.
	Production bool
	Listen     string // address of the API
	ListenFile string // file that receives the address once the host is ready; empty for none
	TLSCert    string // files for HTTPS; empty for HTTP behind a proxy
	TLSKey     string
	Database   Database
	// StateFile is where this host remembers how far the database was.
	StateFile string
	PluginDir string
	// PluginStore is the folder for the host's copies of plugins; empty for one
	// in PluginDir.
	PluginStore string
	// PluginEnv holds, by plugin, what is added to its environment.
	PluginEnv map[string]map[string]string
	// PluginConfine says whether plugins have to be confined.
	PluginConfine confine.Mode
	// PluginLauncher is what plugins are started through, to be confined. It is
	// no key: the command that serves sets it.
	PluginLauncher string
	// Files with the keys, 32 bytes in base64 each, readable by the host alone.
	MasterKeyFile string
	// MasterKey is the key itself; it wins over the file.
	MasterKey        payment.Secret
	ReferenceKeyFile string
	Limits           Limits
	Clocks           charge.Clocks
	Poll             time.Duration
	StopWithin       time.Duration
	LogLevel         string
}

// Database says where the data is.
type Database struct{ Driver, Path, DSN string }

// Limits are the calls in flight.
type Limits struct {
	InFlight     int
	SiteInFlight int
	SiteRate     float64
}

// key is one entry of the configuration.
type key struct {
	name   string
	value  any // the default
	help   string
	secret bool
}

// keys lists every entry but the environment of plugins. The manual is made
// from it, and so is what is accepted.
func keys() []key {
	k := []key{
		{"environment", "", "name of this environment; part of every reference, never changes", false},
		{"environment_kind", "test", "test (no live card is charged) or production (test money never says produce); never changes", false},
		{"listen", "127.0.0.1:8420", "address of the API", false},
		{"listen_file", "", "file that receives the API's address once the host is ready", false},
		{"tls.cert", "", "certificate file for HTTPS; empty for HTTP behind a proxy", false},
		{"tls.key", "", "key file for HTTPS", false},
		{"database.driver", "sqlite", "sqlite (one host) or mysql (MySQL, MariaDB)", false},
		{"database.path", "chargehand.db", "file of the SQLite database", false},
		{"database.dsn", "", "data source name of the MySQL or MariaDB database", true},
		{"state_file", "chargehand.state", "file where this host remembers how far the database was; one for each host, out of the database's backups", false},
		{"plugins.dir", "plugins", "folder with a manifest for each plugin", false},
		{"plugins.confine", "best_effort", "keep plugins from the host's files and other programs: best_effort (as far as the kernel can), required or off", false},
		{"plugins.store", "", "folder for the host's own copies of plugins, which are what it runs; .store in plugins.dir if empty", false},
		{"keys.master", "", "the key that seals the companies' secrets itself, in base64; best from the environment", true},
		{"keys.master_file", "", "file with the key that seals the companies' secrets", false},
		{"keys.reference_file", "", "file with the key that makes the references; keep it out of the database's backups", false},
		{"limits.in_flight", 32, "calls in flight for each plugin: also how much doubt a crash leaves", false},
		{"limits.site_in_flight", 24, "of these for each site", false},
		{"limits.site_rate", 0.0, "calls begun in a second for each site; 0 is any number", false},
		{"clocks.scale", 1.0, "all money clocks are divided by it; for gateways that live faster than the real one", false},
		{"poll", "1s", "longest time between two looks for what is due", false},
		{"stop_within", "105s", "how long a graceful stop waits for calls in flight; above the longest call", false},
		{"log.level", "info", "trace, debug, info, warn or error", false},
	}
	defaults := charge.DefaultClocks()
	for _, name := range clockNames() {
		k = append(k, key{"clocks." + name, "", fmt.Sprintf("money clock; %s divided by the scale if empty", *clock(&defaults, name)), false})
	}
	return k
}

// Load reads the configuration. Overrides win over everything; they come from
// flags, by name of the key.
func Load(path string, overrides map[string]any, getenv func(string) (string, bool)) (Config, error) {
	k := koanf.New(".")
	layer := map[string]any{}
	for _, key := range keys() {
		layer[key.name] = key.value
	}
	if err := k.Load(confmap.Provider(layer, "."), nil); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	if path != "" {
		if err := loadFile(k, path); err != nil {
			return Config{}, err
		}
	}
	layer = map[string]any{}
	for _, key := range keys() {
		if v, ok := getenv(envName(key.name)); ok {
			layer[key.name] = v
		}
	}
	for name, v := range overrides {
		if _, ok := find(name); !ok {
			return Config{}, unknown("configuration", name)
		}
		layer[name] = v
	}
	if err := k.Load(confmap.Provider(layer, "."), nil); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	c, err := build(k)
	c.File = path
	return c, err
}

func loadFile(k *koanf.Koanf, path string) error {
	f := koanf.New(".")
	if err := f.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	for _, name := range f.Keys() {
		if _, ok := find(name); !ok && name != "plugins.env" && !strings.HasPrefix(name, "plugins.env.") {
			return unknown("configuration file "+path, name)
		}
	}
	return k.Merge(f)
}

func unknown(where, name string) error {
	return fmt.Errorf("%s: there is no key %q; `chargehand config --keys` lists all", where, name)
}

func envName(key string) string {
	return "CHARGEHAND_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func build(k *koanf.Koanf) (Config, error) {
	t := &typed{k: k}
	c := Config{
		Environment: t.text("environment"), Production: t.text("environment_kind") == "production", StateFile: t.text("state_file"), Listen: t.text("listen"), ListenFile: t.text("listen_file"),
		TLSCert: t.text("tls.cert"), TLSKey: t.text("tls.key"),
		Database:  Database{Driver: t.text("database.driver"), Path: t.text("database.path"), DSN: t.text("database.dsn")},
		PluginDir: t.text("plugins.dir"), PluginStore: t.text("plugins.store"), PluginEnv: t.variables("plugins.env"), PluginConfine: confine.Mode(t.text("plugins.confine")),
		MasterKey: payment.Secret(t.text("keys.master")), MasterKeyFile: t.text("keys.master_file"), ReferenceKeyFile: t.text("keys.reference_file"),
		Limits: Limits{InFlight: t.integer("limits.in_flight"), SiteInFlight: t.integer("limits.site_in_flight"), SiteRate: t.number("limits.site_rate")},
		Poll:   t.duration("poll"), StopWithin: t.duration("stop_within"), LogLevel: t.text("log.level"),
	}
	if kind := t.text("environment_kind"); kind != "test" && kind != "production" {
		t.refuse("environment_kind", "test or production")
	}
	scale := t.number("clocks.scale")
	if t.err == nil && scale <= 0 {
		t.refuse("clocks.scale", "more than 0")
	}
	if t.err != nil {
		return c, t.err
	}
	c.Clocks = charge.DefaultClocks().Scaled(scale)
	for _, name := range clockNames() {
		if t.text("clocks."+name) != "" {
			*clock(&c.Clocks, name) = t.duration("clocks." + name)
		}
	}
	if t.err != nil {
		return c, t.err
	}
	return c, c.validate()
}

var environmentName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (c Config) validate() error {
	switch {
	case c.Environment == "":
		return fmt.Errorf("configuration: environment is missing; name it once and for good, for example production")
	case !environmentName.MatchString(c.Environment):
		return fmt.Errorf("configuration: environment is %q; it must be 1 to 64 letters, digits, dots, hyphens and underscores, since it is part of every reference for good", c.Environment)
	case c.StateFile == "":
		return fmt.Errorf("configuration: state_file is missing; name a file that stays with this host and out of the database's backups")
	case c.Database.Driver != "sqlite" && c.Database.Driver != "mysql":
		return fmt.Errorf("configuration: database.driver is %q; it must be sqlite or mysql", c.Database.Driver)
	case c.Database.Driver == "mysql" && c.Database.DSN == "":
		return fmt.Errorf("configuration: database.dsn is missing")
	case c.Database.Driver == "sqlite" && c.Database.Path == "":
		return fmt.Errorf("configuration: database.path is missing")
	case !isAddress(c.Listen):
		return fmt.Errorf("configuration: listen is %q; it must be an address with a port, such as 127.0.0.1:8420", c.Listen)
	case c.Limits.SiteRate < 0:
		return fmt.Errorf("configuration: limits.site_rate must not be less than 0; 0 is any number")
	case c.Limits.InFlight < 1 || c.Limits.SiteInFlight < 1:
		return fmt.Errorf("configuration: limits.in_flight and limits.site_in_flight must be at least 1")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return fmt.Errorf("configuration: tls.cert and tls.key go together")
	case !c.PluginConfine.Valid():
		return fmt.Errorf("configuration: plugins.confine is %q; it must be best_effort, required or off", c.PluginConfine)
	case !slices.Contains([]string{"trace", "debug", "info", "warn", "error"}, c.LogLevel):
		return fmt.Errorf("configuration: log.level is %q; it must be trace, debug, info, warn or error", c.LogLevel)
	}
	if err := c.Clocks.Validate(); err != nil || !c.Production {
		return err
	}
	if err := c.Clocks.ValidateReal(); err != nil {
		return fmt.Errorf("configuration: environment_kind is production: %w: take clocks.scale and what is shorter out", err)
	}
	return nil
}

func isAddress(s string) bool {
	_, port, err := net.SplitHostPort(s)
	return err == nil && port != ""
}

// Environ is the process environment as Load takes it.
func Environ(name string) (string, bool) { return os.LookupEnv(name) }

// Redacted prints what is in force, secrets left out.
func (c Config) Redacted() map[string]any {
	dsn := ""
	if c.Database.DSN != "" {
		dsn = "********"
	}
	clocks := map[string]string{}
	for _, name := range clockNames() {
		clocks[name] = clock(&c.Clocks, name).String()
	}
	env := map[string][]string{}
	for plugin, vars := range c.PluginEnv {
		for name := range vars {
			env[plugin] = append(env[plugin], name) // values may be secrets
		}
		sort.Strings(env[plugin])
	}
	return map[string]any{
		"environment": c.Environment, "environment_kind": c.kind(), "state_file": c.StateFile, "listen": c.Listen, "listen_file": c.ListenFile,
		"tls":      map[string]string{"cert": c.TLSCert, "key": c.TLSKey},
		"database": map[string]string{"driver": c.Database.Driver, "path": c.Database.Path, "dsn": dsn},
		"plugins":  map[string]any{"dir": c.PluginDir, "store": c.PluginStore, "env": env, "confine": c.PluginConfine},
		"keys":     map[string]string{"master_file": c.MasterKeyFile, "reference_file": c.ReferenceKeyFile},
		"limits":   map[string]any{"in_flight": c.Limits.InFlight, "site_in_flight": c.Limits.SiteInFlight, "site_rate": c.Limits.SiteRate},
		"clocks":   clocks, "poll": c.Poll.String(), "stop_within": c.StopWithin.String(), "log": map[string]string{"level": c.LogLevel},
	}
}

func (c Config) kind() string {
	if c.Production {
		return "production"
	}
	return "test"
}

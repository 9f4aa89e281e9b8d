package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/config"
	"github.com/chargehand/chargehand/host/pluginhost/confine"
)

func nothing(string) (string, bool) { return "", false }

func variables(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func written(t *testing.T, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chargehand.yaml")
	require.NoError(t, os.WriteFile(path, []byte(yaml), 0o600))
	return path
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	path := written(t, "environment: production\n")
	c, err := config.Load(path, nil, nothing)
	require.NoError(t, err)
	want := config.Config{
		File: path, Environment: "production", Listen: "127.0.0.1:8420", StateFile: "chargehand.state", Database: config.Database{Driver: "sqlite", Path: "chargehand.db"},
		PluginDir: "plugins", PluginEnv: map[string]map[string]string{}, PluginConfine: confine.BestEffort, Limits: config.Limits{InFlight: 32, SiteInFlight: 24},
		Clocks: charge.DefaultClocks(), Poll: time.Second, StopWithin: 105 * time.Second, LogLevel: "info",
	}
	require.Empty(t, cmp.Diff(want, c))
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	t.Parallel()
	path := written(t, "environment: file\nlisten: 127.0.0.1:1\npoll: 1s\n")
	env := variables(map[string]string{"CHARGEHAND_LISTEN": "127.0.0.1:2", "CHARGEHAND_POLL": "2s", "CHARGEHAND_LIMITS_SITE_RATE": "2.5"})
	c, err := config.Load(path, map[string]any{"poll": "3s"}, env)
	require.NoError(t, err)
	require.Equal(t, "file", c.Environment)
	require.Equal(t, "127.0.0.1:2", c.Listen)
	require.Equal(t, 3*time.Second, c.Poll)
	require.InDelta(t, 2.5, c.Limits.SiteRate, 0)
}

func TestClocks(t *testing.T) {
	t.Parallel()
	c, err := config.Load(written(t, "environment: x\nclocks: {scale: 10, absence_recorded: 90s}\n"), nil, nothing)
	require.NoError(t, err)
	want := charge.DefaultClocks().Scaled(10)
	want.AbsenceRecorded = 90 * time.Second
	require.Empty(t, cmp.Diff(want, c.Clocks))
}

// What YAML reads as a number or a truth value reaches the plugin as it was
// written, and the other variables beside it do too.
func TestPluginEnvironment(t *testing.T) {
	t.Parallel()
	c, err := config.Load(written(t, "environment: x\nplugins:\n  env:\n    trustpayments: {A: text, B: 5, C: true}\n    other: {}\n"), nil, nothing)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(map[string]map[string]string{"trustpayments": {"A": "text", "B": "5", "C": "true"}, "other": {}}, c.PluginEnv))
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for name, test := range map[string]struct {
		yaml  string
		env   map[string]string
		flags map[string]any
		want  string
	}{
		"empty":                {yaml: "", want: "environment is missing; name it once and for good"},
		"no yaml":              {yaml: "environment: [", want: "chargehand.yaml: yaml"},
		"no mapping":           {yaml: "hello", want: "chargehand.yaml: "},
		"unknown key":          {yaml: "environment: x\ncolour: red", want: `there is no key "colour"; ` + "`chargehand config --keys` lists all"},
		"unknown nested":       {yaml: "environment: x\nlimits: {inflight: 3}", want: `there is no key "limits.inflight"`},
		"unknown clock":        {yaml: "environment: x\nclocks: {first: 3s}", want: `there is no key "clocks.first"`},
		"unknown flag":         {yaml: "environment: x", flags: map[string]any{"databse.path": "y"}, want: `there is no key "databse.path"`},
		"section as value":     {yaml: "environment: x\nlimits: 3", want: `there is no key "limits"`},
		"value as section":     {yaml: "environment: {name: x}", want: `there is no key "environment.name"`},
		"list":                 {yaml: "environment: [x, y]", want: `environment is "[x y]"; it must be one value`},
		"driver":               {yaml: "environment: x\ndatabase: {driver: postgres}", want: `database.driver is "postgres"; it must be sqlite or mysql`},
		"no dsn":               {yaml: "environment: x\ndatabase: {driver: mysql}", want: "database.dsn is missing"},
		"dsn as list":          {yaml: "environment: x\ndatabase: {driver: mysql, dsn: [" + secret + "]}", want: "database.dsn must be one value"},
		"no path":              {yaml: "environment: x\ndatabase: {path: ''}", want: "database.path is missing"},
		"listen":               {yaml: "environment: x\nlisten: localhost", want: `listen is "localhost"; it must be an address with a port`},
		"listen without port":  {yaml: "environment: x\nlisten: 'localhost:'", want: "must be an address with a port"},
		"in flight in words":   {yaml: "environment: x\nlimits: {in_flight: many}", want: `limits.in_flight is "many"; it must be a whole number`},
		"in flight fraction":   {yaml: "environment: x\nlimits: {in_flight: 12.5}", want: `limits.in_flight is "12.5"; it must be a whole number`},
		"in flight none":       {yaml: "environment: x\nlimits: {in_flight: 0}", want: "must be at least 1"},
		"site in flight none":  {yaml: "environment: x\nlimits: {site_in_flight: -1}", want: "must be at least 1"},
		"rate in words":        {yaml: "environment: x\nlimits: {site_rate: fast}", want: `limits.site_rate is "fast"; it must be a number`},
		"rate negative":        {yaml: "environment: x\nlimits: {site_rate: -1}", want: "limits.site_rate must not be less than 0"},
		"rate not a number":    {yaml: "environment: x", env: map[string]string{"CHARGEHAND_LIMITS_SITE_RATE": "NaN"}, want: "limits.site_rate"},
		"scale":                {yaml: "environment: x\nclocks: {scale: 0}", want: `clocks.scale is "0"; it must be more than 0`},
		"scale in words":       {yaml: "environment: x\nclocks: {scale: quick}", want: `clocks.scale is "quick"; it must be a number`},
		"scale in production":  {yaml: "environment: x\nenvironment_kind: production\nclocks: {scale: 10}", want: "environment_kind is production: money clocks: answer_limit is 7s; a real gateway needs at least 1m10s"},
		"clock in production":  {yaml: "environment: x\nenvironment_kind: production\nclocks: {absence_at_once: 59m}", want: "absence_at_once is 59m0s; a real gateway needs at least 1h0m0s"},
		"clock":                {yaml: "environment: x\nclocks: {first_look: soon}", want: `clocks.first_look is "soon"; it must be a time such as 1s or 5m`},
		"clock without unit":   {yaml: "environment: x\nclocks: {first_look: 5}", want: `clocks.first_look is "5"`},
		"poll":                 {yaml: "environment: x\npoll: -1s", want: `poll is "-1s"; it must be a time`},
		"stop":                 {yaml: "environment: x", env: map[string]string{"CHARGEHAND_STOP_WITHIN": "0"}, want: "stop_within"},
		"certificate alone":    {yaml: "environment: x\ntls: {cert: a.pem}", want: "tls.cert and tls.key go together"},
		"mode of confinement":  {yaml: "environment: x\nplugins: {confine: maybe}", want: `plugins.confine is "maybe"; it must be best_effort, required or off`},
		"log level":            {yaml: "environment: x\nlog: {level: loud}", want: `log.level is "loud"; it must be trace, debug, info, warn or error`},
		"plugin env no map":    {yaml: "environment: x\nplugins: {env: {trustpayments: " + secret + "}}", want: "plugins.env.trustpayments can't be read"},
		"plugin env list":      {yaml: "environment: x\nplugins: {env: {trustpayments: {A: [" + secret + "]}}}", want: "plugins.env.trustpayments.A can't be read"},
		"plugin env no plugin": {yaml: "environment: x\nplugins: {env: " + secret + "}", want: "plugins.env can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(written(t, test.yaml), test.flags, variables(test.env))
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "configuration")
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestFileMissing(t *testing.T) {
	t.Parallel()
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil, nothing)
	require.ErrorContains(t, err, "none.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The manual names every key that is accepted, and each is accepted from the
// environment under the name that the manual gives.
func TestManualIsComplete(t *testing.T) {
	t.Parallel()
	manual := config.Manual()
	for _, name := range []string{"environment", "database.dsn", "keys.master_file", "limits.site_rate", "clocks.absence_recorded"} {
		require.Contains(t, "\n"+manual, "\n"+name+" ")
		require.Contains(t, manual, "CHARGEHAND_"+strings.ToUpper(strings.ReplaceAll(name, ".", "_")))
	}
	for line := range strings.Lines(manual) {
		name, _, _ := strings.Cut(line, " ")
		if strings.HasPrefix(name, "plugins.env") {
			continue
		}
		_, err := config.Load("", map[string]any{name: []string{"wrong"}}, nothing)
		require.ErrorContains(t, err, name+" ", "the manual lists a key that is read by nobody")
	}
}

// What machines get says the same.
func TestKeys(t *testing.T) {
	t.Parallel()
	all := map[string]config.Key{}
	for _, k := range config.Keys() {
		require.NotEmpty(t, k.Help, k.Key)
		require.NotContains(t, all, k.Key)
		all[k.Key] = k
		require.Regexp(t, "(?m)^"+regexp.QuoteMeta(k.Key)+" +"+regexp.QuoteMeta(k.Help), config.Manual())
	}
	require.Len(t, all, strings.Count(config.Manual(), "\n"))
	for want, name := range map[string]string{
		`{"key":"limits.in_flight","env":"CHARGEHAND_LIMITS_IN_FLIGHT","default":32,"help":"calls in flight for each plugin: also how much doubt a crash leaves"}`: "limits.in_flight",
		`{"key":"database.dsn","env":"CHARGEHAND_DATABASE_DSN","default":null,"help":"data source name of the MySQL or MariaDB database","secret":true}`:           "database.dsn",
		`{"key":"plugins.env.NAME.VARIABLE","default":null,"help":"added to the environment of that plugin","secret":true}`:                                        "plugins.env.NAME.VARIABLE",
	} {
		text, err := json.Marshal(all[name])
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	c, err := config.Load(written(t, `
environment: x
database: {driver: mysql, dsn: "user:hunter2@tcp(db:3306)/chargehand"}
plugins: {env: {trustpayments: {TOKEN: hunter2}}}
`), nil, nothing)
	require.NoError(t, err)
	shown := c.Redacted()
	require.NotContains(t, strings.Join(flat(shown), " "), "hunter2")
	require.Equal(t, map[string]string{"driver": "mysql", "path": "chargehand.db", "dsn": "********"}, shown["database"])
	require.Equal(t, map[string]any{"dir": "plugins", "store": "", "env": map[string][]string{"trustpayments": {"TOKEN"}}, "confine": confine.BestEffort}, shown["plugins"])
}

func flat(v any) []string {
	switch v := v.(type) {
	case map[string]any:
		var all []string
		for name, value := range v {
			all = append(append(all, name), flat(value)...)
		}
		return all
	case map[string]string:
		var all []string
		for name, value := range v {
			all = append(all, name, value)
		}
		return all
	case map[string][]string:
		var all []string
		for name, values := range v {
			all = append(append(all, name), values...)
		}
		return all
	case string:
		return []string{v}
	}
	return nil
}

package conformance_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chargehand/chargehand/testharness/conformance"
)

// binaries are the folder of the plugins, built once.
var binaries string

const module = "github.com/chargehand/chargehand/"

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests wait for processes more than they work.
	err := flag.Set("test.parallel", "4")
	if err == nil {
		binaries, err = os.MkdirTemp("", "conformance")
	}
	for name, source := range map[string]string{
		"trustpayments": "plugin/trustpayments/cmd/trustpayments", "example": "plugin/example/cmd/example",
		"rogue": "testharness/conformance/internal/rogue",
	} {
		if err == nil {
			var output []byte
			output, err = exec.Command("go", "build", "-o", filepath.Join(binaries, name), module+source).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, output)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the plugins:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(binaries)
		os.Exit(code)
	}))
}

func profile(t *testing.T, name string) conformance.Profile {
	t.Helper()
	p, err := conformance.ReadProfile(name)
	require.NoError(t, err)
	return p
}

// examine runs the kit on a plugin, in a folder of its own for all it makes.
func examine(t *testing.T, cfg conformance.Config) conformance.Report {
	t.Helper()
	temp, err := os.MkdirTemp("", "c") //nolint:usetesting // The path of a socket must be short.
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(temp)) })
	cfg.Temp = temp
	kit, err := conformance.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	report, err := kit.Run(ctx)
	require.NoError(t, err)
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left, "the kit leaves nothing behind")
	return report
}

func reasons(r conformance.Report) string {
	var b strings.Builder
	for _, result := range r.Results {
		if result.Verdict != conformance.Passed {
			_ = result.Print(&b)
		}
	}
	return b.String()
}

func TestPlugins(t *testing.T) {
	t.Parallel()
	passes := func(t *testing.T, name string, settings map[string]string) {
		p := profile(t, name)
		maps.Copy(p.Settings, settings)
		r := examine(t, conformance.Config{Plugin: filepath.Join(binaries, name), Profile: p, StartLimit: time.Minute, CallLimit: 20 * time.Second})
		s := r.Summary()
		require.Equal(t, s.Cases, s.Passed, reasons(r))
		require.Len(t, conformance.Cases(p), s.Cases+len(r.LeftOut)-len(p.Never))
	}
	for _, name := range conformance.Profiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passes(t, name, nil)
		})
	}
	t.Run("trustpayments in XML", func(t *testing.T) {
		t.Parallel()
		passes(t, "trustpayments", map[string]string{"format": "xml"})
	})
}

// doubts are the cases in which what a charge came to is not known.
func doubts(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, c := range conformance.Cases(profile(t, "example")) {
		if strings.HasPrefix(c.Name, "doubt.") && c.Name != "doubt.refused" {
			names = append(names, c.Name)
		}
	}
	require.Len(t, names, 15)
	return names
}

// wrongs are what a rogue can do wrong, with the cases that are meant to find
// it.
func wrongs(t *testing.T) map[string][]string {
	t.Helper()
	doubts := doubts(t)
	return map[string][]string{
		"babbles":                      nil, // what is on standard error is the plugin's own business
		"prints first":                 {"handshake.line", "handshake.start", "handshake.version"},
		"exits":                        {"handshake.line", "handshake.start", "handshake.version", "handshake.cookie", "describe.command"},
		"never starts":                 {"handshake.line", "handshake.start"},
		"without a word":               {"handshake.cookie", "describe.command"},
		"without the kit":              {"describe.command", "calls.no-deadline", "process.sigterm", "process.orphan"},
		"prints":                       {"process.stdout"},
		"logs secrets":                 {"process.log-secrets"},
		"tells secrets":                {"answers.secrets"},
		"shows secrets":                {"describe.schema"},
		"changes its mind":             {"describe.again", "describe.command"},
		"takes all settings":           {"settings.missing", "settings.wrong"},
		"wants all settings":           {"settings.partial"},
		"passes without an answer":     {"preflight.doubt"},
		"resends":                      {"charge.once", "charge.ledger"},
		"queries":                      {"charge.once", "doubt.late"}, // the query has to wait as well
		"declines what is lost":        doubts,
		"approves what is lost":        doubts,
		"denies what is lost":          append([]string{"charge.ledger"}, doubts...),
		"fails without a kind":         {"outcome.declined"},
		"releases what is held":        {"outcome.held"},
		"gives no reason":              {"answers.form"},
		"has no end of patience":       {"doubt.late"},
		"has no hurry":                 {"send-before.past", "send-before.connecting"},
		"forgets deadlines":            {"calls.deadline", "calls.cancel"},
		"goes where the settings lead": {"charge.invalid", "query.invalid"},
		"panics":                       {"outcome.declined"},
		"crashes":                      {"outcome.declined", "process.survives"},
		"hangs":                        {"outcome.declined"},
		"takes turns":                  {"calls.hundred"},
		"mixes up":                     {"calls.hundred", "adjust.hundred"},
		"takes silence for absence":    {"query.doubt"},
		"finds one of many":            {"query.hundred", "calls.hundred", "adjust.hundred"},
		"believes in releases":         {"adjust.doubt"},
		"releases in turn":             {"adjust.hundred", "adjust.invalid"},
		"unordered":                    {"adjust.each", "adjust.hundred"},
		"dies of SIGTERM":              {"process.sigterm"},
		"stays":                        {"process.orphan"},
		"lingers":                      {"process.shutdown"},
		"litters":                      {"process.litter"},
		"leaves a child":               {"process.litter"},
	}
}

// The proof that the kit can fail: each rogue fails the cases that are meant
// for what is wrong with it, and no other. What does not meet in one case is
// put into one rogue, to save time; each wrong is in exactly one.
func TestRogues(t *testing.T) {
	t.Parallel()
	wrongs := wrongs(t)
	tried := 0
	for _, rogue := range []struct {
		wrongs []string
		only   string // cases to run, if not all
	}{
		{wrongs: []string{"prints first"}},
		{wrongs: []string{"exits"}},
		{wrongs: []string{"never starts"}, only: `^handshake\.(line|start)|^outcome`},
		{wrongs: []string{"without a word"}, only: `^handshake|^describe`},
		{wrongs: []string{"without the kit"}},
		{wrongs: []string{
			"babbles", "prints", "logs secrets", "tells secrets", "shows secrets", "changes its mind", "wants all settings", "gives no reason",
			"passes without an answer", "queries", "litters", "believes in releases", "takes silence for absence", "panics", "mixes up",
		}},
		{wrongs: []string{
			"forgets deadlines", "dies of SIGTERM", "releases what is held", "finds one of many", "leaves a child",
			"takes all settings", "fails without a kind",
		}},
		{wrongs: []string{"declines what is lost", "stays", "goes where the settings lead", "unordered"}},
		{wrongs: []string{"approves what is lost", "has no hurry", "crashes"}},
		{wrongs: []string{"denies what is lost", "takes turns"}},
		{wrongs: []string{"resends", "has no end of patience", "releases in turn"}},
		{wrongs: []string{"hangs", "lingers"}},
	} {
		tried += len(rogue.wrongs)
		t.Run(strings.Join(rogue.wrongs, ","), func(t *testing.T) {
			t.Parallel()
			p := profile(t, "example")
			p.Environment["ROGUE"] = strings.Join(rogue.wrongs, ",")
			cfg := conformance.Config{Plugin: filepath.Join(binaries, "rogue"), Profile: p, CallLimit: 15 * time.Second, StartLimit: time.Minute}
			if slices.Contains(rogue.wrongs, "never starts") {
				cfg.StartLimit = 5 * time.Second
			}
			if rogue.only != "" {
				cfg.Run = regexp.MustCompile(rogue.only)
			}
			want := map[string]bool{}
			for _, wrong := range rogue.wrongs {
				require.Contains(t, wrongs, wrong)
				for _, name := range wrongs[wrong] {
					want[name] = true
				}
			}
			r := examine(t, cfg)
			// The end of a call's time is noticed by the plugin or by its connection,
			// whichever comes first: only the plugin can lie about it.
			lies := strings.Contains(t.Name(), "what_is_lost")
			found := slices.DeleteFunc(slices.Clone(r.Summary().Failed), func(name string) bool {
				return lies && (name == "calls.deadline" || name == "calls.cancel")
			})
			require.ElementsMatch(t, slices.Collect(maps.Keys(want)), found, reasons(r))
			for _, result := range r.Results {
				if result.Verdict == conformance.Failed {
					require.NotEmpty(t, result.Reason)
					require.NotEmpty(t, result.Look)
				}
			}
		})
	}
	require.Len(t, wrongs, tried)
}

package pluginhost

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// Config is what a Host needs to know.
type Config struct {
	// Dir is the folder of plugins. Each has a manifest, NAME.json, in it or in
	// a folder NAME below it. Required.
	Dir string
	// Logger takes the host's own lines and those of the plugins. Required.
	Logger hclog.Logger
	// Env adds environment variables, by plugin. It wins over what is passed on
	// from the host's own environment. Secrets don't belong there.
	Env map[string]map[string]string
	// Store is the folder for the host's own copies of binaries; .store in Dir
	// if empty. Hosts on one machine may share it if they share Dir.
	Store string
	// SocketDir is where each generation gets its socket folder; the system's
	// folder for temporary files if empty. Its path has to be short.
	SocketDir string
	// Confine says how processes are confined. Its zero value starts them as they
	// are.
	Confine confine.Config
	// Now is the clock for what Status shows, and for the pause between two
	// replacements that nobody asked for; time.Now if nil.
	Now func() time.Time
	// Observer counts what happens; nil if nobody does.
	Observer Observer
	// Timing is for tests; its zero values are right.
	Timing Timing

	launcher *confine.Launcher
}

// Observer is told what happens, for metrics. It must not block.
type Observer interface {
	// Started: a process was started, and came up or did not.
	Started(plugin string, up bool)
	// Exited: a process has ended, for one of the reasons Exit...
	Exited(plugin, reason string)
	// Restarted: a process that failed is about to be replaced.
	Restarted(plugin string)
	// Called: a call is over. outcome is "ok", "not_sent" if it was proven not to
	// have reached the plugin or the gateway, or else the kind of its error.
	Called(plugin, method, outcome string, took time.Duration)
}

// Why a process ended.
const (
	ExitFailedStart = "failed_start" // it did not come up
	ExitCrashed     = "crashed"      // by itself
	ExitHung        = "hung"         // it left probes unanswered
	ExitReplaced    = "replaced"     // by an upgrade, a roll-back, a restart, or for a file that it could not read
	ExitStopped     = "stopped"      // with the host
)

// Timing holds the limits and pauses. Zero values mean the defaults.
type Timing struct {
	// Start is how long a process may take until it can be called: 10 s.
	Start time.Duration
	// Drain is how long the end waits for calls in flight: 90 s, which is more
	// than the longest charge takes.
	Drain time.Duration
	// HungDrain is the same for a process that no longer answers: 5 s.
	HungDrain time.Duration
	// Kill is how long a process may take to end when asked: 5 s.
	Kill time.Duration
	// ProbeEvery is how often a process is probed: 5 s.
	ProbeEvery time.Duration
	// Probe is how long it may take to answer: 2 s.
	Probe time.Duration
	// Healthy is how long a process has to run for its failures to be
	// forgotten: 60 s.
	Healthy time.Duration
	// Backoff is the pause before the second new start in a row, the first is
	// made at once: 0.25 s. It doubles up to MaxBackoff: 30 s.
	Backoff    time.Duration
	MaxBackoff time.Duration
	// Failures within Within quarantine a plugin: 5 in 10 minutes.
	Failures int
	Within   time.Duration
	// Look is how often the folder of a plugin in quarantine is looked at for
	// another binary: 2 s.
	Look time.Duration
}

// nobody is an Observer.
type nobody struct{}

func (nobody) Started(string, bool)                         {}
func (nobody) Exited(string, string)                        {}
func (nobody) Restarted(string)                             {}
func (nobody) Called(string, string, string, time.Duration) {}

// probeMisses is how many probes in a row must go unanswered for a process to
// count as hung.
const probeMisses = 3

func (t Timing) withDefaults() Timing {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&t.Start, 10 * time.Second},
		{&t.Drain, 90 * time.Second},
		{&t.HungDrain, 5 * time.Second},
		{&t.Kill, 5 * time.Second},
		{&t.ProbeEvery, 5 * time.Second},
		{&t.Probe, 2 * time.Second},
		{&t.Healthy, time.Minute},
		{&t.Backoff, 250 * time.Millisecond},
		{&t.MaxBackoff, 30 * time.Second},
		{&t.Within, 10 * time.Minute},
		{&t.Look, 2 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	if t.Failures <= 0 {
		t.Failures = 5
	}
	return t
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Dir == "":
		return c, fmt.Errorf("plugin host: no folder of plugins is configured")
	case c.Logger == nil:
		return c, fmt.Errorf("plugin host: no logger was given")
	}
	for plugin, variables := range c.Env {
		for name, value := range variables {
			if err := checkVariable(name, value); err != nil {
				return c, fmt.Errorf("plugin host: environment of plugin %s: %w", plugin, err)
			}
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.SocketDir == "" {
		c.SocketDir = os.TempDir()
	}
	if c.Store == "" {
		c.Store = filepath.Join(c.Dir, ".store")
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	c.Timing = c.Timing.withDefaults()
	var err error
	c.launcher, err = confine.New(c.Confine)
	return c, err
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// checkVariable refuses what would not reach a plugin, or would take the place
// of what host and plugin tell each other.
func checkVariable(name, value string) error {
	switch {
	case !variableName.MatchString(name):
		return fmt.Errorf("%q is no name of an environment variable", name)
	case strings.HasPrefix(name, "PLUGIN_"), name == pluginrpc.LifelineEnv, name == pluginrpc.Handshake().MagicCookieKey:
		return fmt.Errorf("%s is set by the host itself; take it out", name)
	case strings.ContainsRune(value, 0):
		return fmt.Errorf("the value of %s has a zero byte in it", name)
	}
	return nil
}

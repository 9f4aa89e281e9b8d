package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/stand"
)

// world is all that runs for a demo: the simulator, the host and, started by
// the host, the plugin.
type world struct {
	cfg       Config
	screen    *screen
	dir       string // everything written lies in here
	env       []string
	simulator *simulator
	host      *stand.Host
	api       *client.Client         // the host's, with a key of the platform
	links     map[channelName]string // ids
}

// startLimit is how long a process may take until it answers.
const startLimit = 20 * time.Second

// open starts everything and returns once it answers. The caller closes the
// world, whatever open returned.
func open(ctx context.Context, cfg Config, s *screen) (*world, error) {
	w := &world{cfg: cfg, screen: s, links: map[channelName]string{}}
	chargehand, testharness := w.bin("chargehand"), w.bin("testharness")
	if err := stand.MustExist(chargehand, testharness, w.bin("plugins")); err != nil {
		return w, err
	}
	// Outside a folder that others can read: the keys lie in it.
	dir, err := os.MkdirTemp("", "chargehand-demo-")
	if err != nil {
		return w, fmt.Errorf("make a folder for the demo: %w", err)
	}
	w.dir = dir
	w.env = stand.Environment(os.Environ())
	if w.simulator, err = startSimulator(ctx, testharness, filepath.Join(dir, "gateway"), w.env); err != nil {
		return w, err
	}
	err = w.startHost(ctx, chargehand)
	return w, err
}

func (w *world) bin(name string) string { return filepath.Join(w.cfg.Bin, name) }

// startHost starts the host and keeps the way to it.
func (w *world) startHost(ctx context.Context, bin string) error {
	var err error
	w.host, err = stand.StartHost(ctx, stand.HostConfig{
		Bin: bin, Dir: w.dir, Env: w.env, Settings: w.hostConfig(),
		PluginEnv: map[string]any{plugin: map[string]any{
			"TRUSTPAYMENTS_EU_URL": w.simulator.Info.JSONURL, "TRUSTPAYMENTS_CA_FILE": w.simulator.Info.CAFile,
		}},
	})
	w.api = w.host.API
	return err
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

// hostConfig is a small host with its clocks made quick.
//
// The real gateway may take a minute over one call, so that doubt about it
// lasts eleven and a half minutes until an absence is believed: 15 s to send,
// 70 s to answer, and looks for 10 min. The simulator answers at once, or
// after the two or three seconds of a fault. Divided by 100, all clocks keep
// their order; some have times of their own beside that, because the machine
// is no faster for it:
//
//   - 2 s to send, 3 s to answer and looks for 6 s are just above what the
//     faults take, and make an absence of 11 s;
//   - whoever has written an outcome has 3 s to go on with it, as the gateway
//     may be slow then;
//   - whether a charge has settled is asked each second, since the demo winds
//     the gateway's clock forward and waits.
func (w *world) hostConfig() map[string]any {
	return map[string]any{
		"environment": "demo",
		"database":    map[string]any{"driver": "sqlite", "path": w.file("chargehand.db")},
		"clocks": map[string]any{
			"scale": 100, "send_window": "2s", "answer_limit": "3s", "call_slack": "3500ms",
			"absence_recorded": "6s", "handoff": "3s", "follow": "1s",
		},
		"poll":        "200ms",
		"stop_within": "5s",
		"log":         map[string]any{"level": "info"},
	}
}

// plugin is the name of the plugin that charges.
const plugin = "trustpayments"

// close ends everything in order and removes what was written. After a failure
// the logs are kept, and the folder they are in is told.
func (w *world) close(failed bool) error {
	if w.host != nil {
		w.host.Process.Stop()
	}
	if w.simulator != nil {
		w.simulator.Process.Stop()
	}
	switch {
	case w.dir == "":
	case failed:
		w.screen.say("\nThe logs of all processes are kept in %s", w.dir)
	default:
		if err := os.RemoveAll(w.dir); err != nil {
			return fmt.Errorf("remove what was written: %w", err)
		}
	}
	return nil
}

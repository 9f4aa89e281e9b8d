package stand

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/chargehand/chargehand/testharness/client"
)

// Host is a host in a process of its own, and the way to its API with a key of
// the platform.
type Host struct {
	Process *Process
	Address string // of the API
	Key     string // of the platform
	API     *client.Client

	cfg  HostConfig
	file string // with the configuration
	keys string // folder
}

// HostConfig says which host to start.
type HostConfig struct {
	// Bin is the chargehand program, Dir the folder that gets everything that
	// is written: configuration, keys, log.
	Bin, Dir string
	Env      []string
	// Settings are the host's configuration. The address, the keys and the
	// folder of plugins beside Bin are added to it.
	Settings map[string]any
	// PluginEnv is what each plugin gets into its environment.
	PluginEnv map[string]any
	// Beside is a host that has been prepared: this one shares its keys and its
	// database. Nil for the first.
	Beside *Host
}

// StartHost prepares a host, starts it, and waits until it is ready. The caller
// stops its process, whatever is returned.
func StartHost(ctx context.Context, cfg HostConfig) (*Host, error) {
	h, err := PrepareHost(ctx, cfg)
	if err == nil {
		h.Process, err = h.Launch()
	}
	if err != nil {
		return h, err
	}
	return h, h.Process.Until(ctx, startLimit, h.Find)
}

// PrepareHost brings the schema and the keys about, as an operator does, or
// takes those of the host that it stands beside.
func PrepareHost(ctx context.Context, cfg HostConfig) (*Host, error) {
	h := &Host{cfg: cfg, file: filepath.Join(cfg.Dir, "chargehand.yaml"), keys: cfg.Dir}
	if cfg.Beside != nil {
		h.Key, h.keys = cfg.Beside.Key, cfg.Beside.keys
	}
	settings := map[string]any{
		"listen": "127.0.0.1:0", "listen_file": h.addressFile(),
		"state_file": filepath.Join(cfg.Dir, "chargehand.state"),
		"plugins":    map[string]any{"dir": filepath.Join(filepath.Dir(cfg.Bin), "plugins"), "env": cfg.PluginEnv},
		"keys":       map[string]any{"master_file": h.key("master"), "reference_file": h.key("reference")},
	}
	for k, v := range cfg.Settings {
		settings[k] = v
	}
	b, err := yaml.Marshal(settings)
	if err != nil {
		return h, fmt.Errorf("write the host's configuration: %w", err)
	}
	if err := os.WriteFile(h.file, b, 0o600); err != nil {
		return h, fmt.Errorf("write the host's configuration: %w", err)
	}
	if cfg.Beside != nil {
		return h, nil
	}
	for _, args := range [][]string{
		{"key", "new", h.key("master")},
		{"key", "new", h.key("reference")},
		{"migrate", "--config", h.file},
	} {
		if _, err := Run(ctx, cfg.Bin, cfg.Env, args...); err != nil {
			return h, err
		}
	}
	h.Key, err = Run(ctx, cfg.Bin, cfg.Env, "key", "create", "--config", h.file, "--platform", "--name", "harness")
	return h, err
}

func (h *Host) key(name string) string { return filepath.Join(h.keys, name+".key") }
func (h *Host) addressFile() string    { return filepath.Join(h.cfg.Dir, "address") }

// Launch starts a process of a host that is prepared, for the first time or
// again, and leaves it to the caller. Who started the last one has ended it.
func (h *Host) Launch() (*Process, error) { return h.LaunchBy(h.cfg.Bin, "serve") }

// LaunchBy is Launch with another program that runs a host by the same
// configuration.
func (h *Host) LaunchBy(bin string, args ...string) (*Process, error) {
	// One that was killed has left the address behind that it had.
	if err := os.Remove(h.addressFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("start a host: %w", err)
	}
	return Start(h.cfg.Dir, "host", bin, h.cfg.Env, append(args, "--config", h.file)...)
}

// Command runs another command of the program by the host's configuration, to
// its end, and gives what it printed.
func (h *Host) Command(ctx context.Context, args ...string) (string, error) {
	return Run(ctx, h.cfg.Bin, h.cfg.Env, append(args, "--config", h.file)...)
}

// Where reads the address that the running host has told.
func (h *Host) Where() (string, error) {
	b, err := os.ReadFile(h.addressFile())
	return strings.TrimSpace(string(b)), err
}

// Find finds the running host's address, and asks whether it is ready.
func (h *Host) Find(ctx context.Context) error {
	address, err := h.Where()
	if err != nil {
		return err
	}
	h.Address, h.API = address, client.New(address, h.Key)
	return h.API.Ready(ctx)
}

// Environment leaves the host's settings of whoever starts a run out of it.
func Environment(all []string) []string {
	var env []string
	for _, v := range all {
		if !strings.HasPrefix(v, "CHARGEHAND_") {
			env = append(env, v)
		}
	}
	return env
}

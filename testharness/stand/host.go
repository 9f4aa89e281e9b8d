package stand

import (
	"context"
	"fmt"
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
}

// StartHost brings the schema and the keys about, as an operator does, and
// starts the host. The caller stops its process, whatever is returned.
func StartHost(ctx context.Context, cfg HostConfig) (*Host, error) {
	h := &Host{}
	in := func(name string) string { return filepath.Join(cfg.Dir, name) }
	settings := map[string]any{
		"listen": "127.0.0.1:0", "listen_file": in("address"),
		"plugins": map[string]any{"dir": filepath.Join(filepath.Dir(cfg.Bin), "plugins"), "env": cfg.PluginEnv},
		"keys":    map[string]any{"master_file": in("master.key"), "reference_file": in("reference.key")},
	}
	for k, v := range cfg.Settings {
		settings[k] = v
	}
	b, err := yaml.Marshal(settings)
	if err != nil {
		return h, fmt.Errorf("write the host's configuration: %w", err)
	}
	file := in("chargehand.yaml")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return h, fmt.Errorf("write the host's configuration: %w", err)
	}
	for _, args := range [][]string{
		{"key", "new", in("master.key")},
		{"key", "new", in("reference.key")},
		{"migrate", "--config", file},
	} {
		if _, err := Run(ctx, cfg.Bin, cfg.Env, args...); err != nil {
			return h, err
		}
	}
	if h.Key, err = Run(ctx, cfg.Bin, cfg.Env, "key", "create", "--config", file, "--platform", "--name", "harness"); err != nil {
		return h, err
	}
	if h.Process, err = Start(cfg.Dir, "host", cfg.Bin, cfg.Env, "serve", "--config", file); err != nil {
		return h, err
	}
	return h, h.Process.Until(ctx, startLimit, func(ctx context.Context) error {
		b, err := os.ReadFile(in("address"))
		if err != nil {
			return err
		}
		h.Address = strings.TrimSpace(string(b))
		h.API = client.New(h.Address, h.Key)
		return h.API.Ready(ctx)
	})
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

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"
)

type pluginCmd struct {
	List     pluginListCmd     `cmd:"" help:"List the plugins of a running host."`
	Upgrade  pluginUpgradeCmd  `cmd:"" help:"Replace a plugin of a running host by another version, while calls run."`
	Rollback pluginRollbackCmd `cmd:"" help:"Go back to the version of a plugin that was in force before."`
	Restart  pluginRestartCmd  `cmd:"" help:"Start a new process of a plugin; this ends a quarantine."`
	Manifest pluginManifestCmd `cmd:"" help:"Print the manifest of a plugin binary, which pins what the host will run."`
}

type pluginListCmd struct{}

func (pluginListCmd) Help() string { return "Example: chargehand plugin list" }

type pluginView struct {
	Name       string    `json:"name"`
	Title      string    `json:"title"`
	Version    string    `json:"version"`
	SHA256     string    `json:"sha256"`
	Previous   *release  `json:"previous,omitempty"`
	State      string    `json:"state"`
	PID        int       `json:"pid"`
	Generation int       `json:"generation"`
	Restarts   int       `json:"restarts"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	Confined   bool      `json:"confined"`
	InFlight   int       `json:"in_flight"`
	LastError  string    `json:"last_error,omitempty"`
	Advice     string    `json:"advice,omitempty"`
}

type release struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// Run implements the command.
func (pluginListCmd) Run(c *cli) error {
	var p page[pluginView]
	if err := c.call("GET", "/v1/plugins", nil, &p); err != nil {
		return err
	}
	return c.show(p.Items, func() {
		table("NAME\tVERSION\tSTATE\tPID\tGENERATION\tRESTARTS\tCONFINED\tLAST ERROR", func(w *tabwriter.Writer) {
			for _, v := range p.Items {
				confined := "no"
				if v.Confined {
					confined = "yes"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", v.Name, v.Version, v.State, v.PID, v.Generation, v.Restarts, confined, v.LastError)
			}
		})
		for _, v := range p.Items {
			if v.Advice != "" {
				fmt.Printf("\n%s is %s: %s\n", v.Name, v.State, v.Advice)
			}
		}
	})
}

type pluginUpgradeCmd struct {
	Name string `arg:"" help:"The plugin's name."`
	From string `help:"Where the new version lies on the host's machine: the folder of its manifest, the manifest, or the binary beside it. It must belong to the host's user or to root. Without it, what is installed in the folder of plugins." type:"path" placeholder:"DIR|FILE"`
}

func (pluginUpgradeCmd) Help() string {
	return "The new process is started and checked beside the old one; if it is no good the old one goes on.\n\n" +
		"Example: chargehand plugin upgrade trustpayments --from /opt/chargehand/new/trustpayments"
}

// Run implements the command.
func (k pluginUpgradeCmd) Run(c *cli) error {
	return c.replacePlugin(k.Name, "upgrade", map[string]string{"from": k.From})
}

type pluginRollbackCmd struct {
	Name string `arg:"" help:"The plugin's name."`
}

func (pluginRollbackCmd) Help() string {
	return "Done twice it leads forwards again.\n\nExample: chargehand plugin rollback trustpayments"
}

// Run implements the command. It says which version is to go: of two people who
// roll back at a time, one is refused.
func (k pluginRollbackCmd) Run(c *cli) error {
	var p page[pluginView]
	if err := c.call("GET", "/v1/plugins", nil, &p); err != nil {
		return err
	}
	from := ""
	for _, v := range p.Items {
		if v.Name == k.Name {
			from = v.SHA256
		}
	}
	return c.replacePlugin(k.Name, "rollback", map[string]string{"from": from})
}

type pluginRestartCmd struct {
	Name string `arg:"" help:"The plugin's name."`
}

func (pluginRestartCmd) Help() string { return "Example: chargehand plugin restart trustpayments" }

// Run implements the command.
func (k pluginRestartCmd) Run(c *cli) error { return c.replacePlugin(k.Name, "restart", nil) }

type pluginChange struct {
	Changed  bool     `json:"changed"`
	Version  string   `json:"version"`
	SHA256   string   `json:"sha256"`
	Previous *release `json:"previous,omitempty"`
	Draining int      `json:"draining"`
}

func (c *cli) replacePlugin(name, verb string, body any) error {
	if !c.JSON {
		fmt.Fprintf(os.Stderr, "%s of %s: a new process is started and checked ...\n", verb, name)
	}
	var change pluginChange
	if err := c.call("POST", "/v1/plugins/"+url.PathEscape(name)+"/"+verb, body, &change); err != nil {
		return err
	}
	return c.show(change, func() {
		if !change.Changed {
			fmt.Printf("version %s (%.12s) is in force already; nothing was done\n", change.Version, change.SHA256)
			return
		}
		fmt.Printf("version %s (%.12s) is in force\n", change.Version, change.SHA256)
		if change.Draining > 0 {
			fmt.Printf("the old process ends after %d calls in flight\n", change.Draining)
		}
		if change.Previous != nil {
			fmt.Printf("`chargehand plugin rollback %s` goes back to version %s (%.12s)\n", name, change.Previous.Version, change.Previous.SHA256)
		}
	})
}

type pluginManifestCmd struct {
	Binary string `arg:"" type:"existingfile" help:"The plugin's binary."`
}

func (pluginManifestCmd) Help() string {
	return "Example: chargehand plugin manifest plugins/trustpayments/trustpayments > plugins/trustpayments/trustpayments.json"
}

// describeLimit is how long a plugin may take to describe itself.
const describeLimit = 10 * time.Second

// Run implements the command.
func (k pluginManifestCmd) Run() error {
	f, err := os.Open(k.Binary)
	if err != nil {
		return fmt.Errorf("read the plugin: %w", err)
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("read the plugin: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), describeLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, k.Binary, "describe").Output() //nolint:gosec // the operator names the plugin to install
	if err != nil {
		return fmt.Errorf("%s does not describe itself, so it is no plugin: %w", k.Binary, err)
	}
	var d struct {
		Plugin struct{ Name, Version string }
	}
	if err := json.Unmarshal(out, &d); err != nil || d.Plugin.Name == "" {
		return &exitError{exitFailed, k.Binary + " does not describe itself as a plugin does"}
	}
	return printJSON(map[string]string{
		"name": d.Plugin.Name, "version": d.Plugin.Version, "sha256": hex.EncodeToString(sum.Sum(nil)), "path": filepath.Base(k.Binary),
	})
}

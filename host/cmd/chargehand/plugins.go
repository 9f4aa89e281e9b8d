package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"
)

type pluginCmd struct {
	List     pluginListCmd     `cmd:"" help:"List the plugins of a running host."`
	Manifest pluginManifestCmd `cmd:"" help:"Print the manifest of a plugin binary, which pins what the host will run."`
}

type pluginListCmd struct{}

func (pluginListCmd) Help() string { return "Example: chargehand plugin list" }

type pluginView struct {
	Name       string    `json:"name"`
	Title      string    `json:"title"`
	Version    string    `json:"version"`
	State      string    `json:"state"`
	PID        int       `json:"pid"`
	Generation int       `json:"generation"`
	Restarts   int       `json:"restarts"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	Confined   bool      `json:"confined"`
	LastError  string    `json:"last_error,omitempty"`
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

package main

import (
	"context"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/host/app"
	"github.com/chargehand/chargehand/host/config"
)

// hostCommand is a host as "chargehand serve" runs it, but for its clock.
type hostCommand struct {
	Config      string        `required:"" type:"path" help:"Configuration file of the host."`
	ClockOffset time.Duration `help:"What its clock is ahead of the machine's; behind, if less than zero."`
	Launcher    string        `type:"path" help:"The program chargehand, which plugins are started through."`
}

// Help is shown by --help.
func (*hostCommand) Help() string {
	return "Example: testharness host --config chargehand.yaml --clock-offset=-3s"
}

// Run runs the host until the context ends.
func (c *hostCommand) Run(ctx context.Context) error {
	cfg, err := config.Load(c.Config, nil, config.Environ)
	if err != nil {
		return err
	}
	cfg.PluginLauncher = c.Launcher
	log := hclog.New(&hclog.LoggerOptions{
		Name: "chargehand", Level: hclog.LevelFromString(cfg.LogLevel), JSONFormat: true, Output: os.Stderr,
	})
	host, err := app.StartAt(ctx, cfg, version, log, func() time.Time { return time.Now().Add(c.ClockOffset) })
	if err != nil {
		return err
	}
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-host.Failed():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.StopWithin)
	defer cancel()
	host.Stop(limited)
	return failed
}

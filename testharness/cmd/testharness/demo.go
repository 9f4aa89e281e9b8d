package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chargehand/chargehand/testharness/demo"
)

// binFlag says where the programs are that a run starts.
type binFlag struct {
	Bin string `help:"Folder with chargehand, testharness and plugins; the one of this program, if not given." type:"path" placeholder:"DIR"`
}

func (f binFlag) config() (demo.Config, error) {
	cfg := demo.Config{Bin: f.Bin, Out: os.Stdout, Err: os.Stderr, Now: time.Now}
	if cfg.Bin != "" {
		return cfg, nil
	}
	self, err := os.Executable()
	if err != nil {
		return cfg, fmt.Errorf("find the folder of this program: %w; name it with --bin", err)
	}
	cfg.Bin = filepath.Dir(self)
	return cfg, nil
}

type demoCommand struct {
	binFlag
	JSON bool `name:"json" help:"Print the summary alone; people read along on standard error."`
}

// Help is shown by --help.
func (*demoCommand) Help() string {
	return "Starts the gateway simulator and a host, posts orders while things go wrong, and compares both ledgers. " +
		"Ends by itself within a minute: 0 only if every order came to its end and the ledgers agree.\n\n" +
		"Example: testharness demo --json"
}

// Run plays the demo.
func (c *demoCommand) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	cfg.JSON = c.JSON
	return demo.Run(ctx, cfg)
}

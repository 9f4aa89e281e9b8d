package main

import (
	"context"

	"github.com/chargehand/chargehand/testharness/demo"
)

type runCommand struct {
	binFlag
}

// Help is shown by --help.
func (*runCommand) Help() string {
	return "Starts what the demo starts, prints addresses, keys and commands to try, and stays until Ctrl-C.\n\n" +
		"Example: testharness run"
}

// Run stays until the context ends.
func (c *runCommand) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return demo.Stay(ctx, cfg)
}

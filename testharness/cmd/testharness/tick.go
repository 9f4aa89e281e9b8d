package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway"
)

type tickCommand struct {
	adminFlags
	Duration gateway.Duration `arg:"" help:"How far to move the clock: 24h, 90m."`
}

// Help is shown by --help.
func (*tickCommand) Help() string {
	return `Every midnight (UTC) that passes runs a settlement batch: 24h take a payment of today to settling (10), 48h
to settled (100). Prints the new time.

Example:
  testharness tick --admin http://127.0.0.1:40001 48h`
}

// Run moves the clock.
func (c *tickCommand) Run(ctx context.Context, k *kong.Kong) error {
	var answer gateway.TickAnswer
	if err := c.call(ctx, http.MethodPost, "/tick", gateway.TickRequest{Duration: c.Duration}, &answer); err != nil {
		return fmt.Errorf("tick: %w", err)
	}
	if _, err := fmt.Fprintln(k.Stdout, answer.Now.Format(time.RFC3339)); err != nil {
		return fmt.Errorf("print time: %w", err)
	}
	return nil
}

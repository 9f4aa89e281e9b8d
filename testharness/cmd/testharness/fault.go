package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway"
)

type faultCommand struct {
	Add   faultAddCommand   `cmd:"" help:"Add faults."`
	List  faultListCommand  `cmd:"" help:"List the faults and how often each matched and acted."`
	Clear faultClearCommand `cmd:"" help:"Delete all faults."`
}

type faultAddCommand struct {
	adminFlags
	Fault string `arg:"" help:"A fault or a list of faults as JSON, or @FILE."`
}

// Help is shown by --help.
func (*faultAddCommand) Help() string {
	text := `Conditions: sitereference, type, orderreference (with * and ?), amount (minor units), nth, times, chance, seed.
More: delay, spread, code, acquirerresponsecode, unrecorded, status, processed; on notifications event, copies, variant,
signed.
Effects:`
	for _, effect := range gateway.Effects() {
		text += " " + string(effect)
	}
	return text + `

Example:
  testharness fault add --admin http://127.0.0.1:40001 '{"effect":"process_then_drop","type":"AUTH","times":1}'
  testharness fault add --admin http://127.0.0.1:40001 @faults.json`
}

// Run adds the faults and prints their ids.
func (c *faultAddCommand) Run(ctx context.Context, k *kong.Kong) error {
	script := []byte(c.Fault)
	if len(c.Fault) > 0 && c.Fault[0] == '@' {
		var err error
		if script, err = os.ReadFile(c.Fault[1:]); err != nil {
			return fmt.Errorf("read faults: %w", err)
		}
	}
	var answer struct {
		IDs []string `json:"ids"`
	}
	if err := c.call(ctx, http.MethodPost, "/faults", json.RawMessage(script), &answer); err != nil {
		return fmt.Errorf("add faults: %w", err)
	}
	for _, id := range answer.IDs {
		if _, err := fmt.Fprintln(k.Stdout, id); err != nil {
			return fmt.Errorf("print ids: %w", err)
		}
	}
	return nil
}

type faultListCommand struct{ adminFlags }

// Help is shown by --help.
func (*faultListCommand) Help() string {
	return `Prints one fault a line, as JSON.

Example:
  testharness fault list --admin http://127.0.0.1:40001`
}

// Run prints the faults.
func (c *faultListCommand) Run(ctx context.Context, k *kong.Kong) error {
	var faults []json.RawMessage
	if err := c.call(ctx, http.MethodGet, "/faults", nil, &faults); err != nil {
		return fmt.Errorf("list faults: %w", err)
	}
	for _, f := range faults {
		if _, err := fmt.Fprintf(k.Stdout, "%s\n", f); err != nil {
			return fmt.Errorf("print faults: %w", err)
		}
	}
	return nil
}

type faultClearCommand struct{ adminFlags }

// Help is shown by --help.
func (*faultClearCommand) Help() string {
	return `Example:
  testharness fault clear --admin http://127.0.0.1:40001`
}

// Run clears the script.
func (c *faultClearCommand) Run(ctx context.Context) error {
	if err := c.call(ctx, http.MethodDelete, "/faults", nil, nil); err != nil {
		return fmt.Errorf("clear faults: %w", err)
	}
	return nil
}

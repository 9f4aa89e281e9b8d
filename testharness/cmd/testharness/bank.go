package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

type bankCommand struct {
	List   bankListCommand   `cmd:"" default:"1" help:"List the bank sessions."`
	Decide bankDecideCommand `cmd:"" help:"Do what the customer of a bank session does."`
}

type bankListCommand struct {
	adminFlags
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (*bankListCommand) Help() string {
	return `Lists the visits to a bank that AUTHs with a redirecturl began, and what became of them.

Example:
  testharness bank list --admin http://127.0.0.1:40001`
}

// Run prints the sessions.
func (c *bankListCommand) Run(ctx context.Context, k *kong.Kong) error {
	if c.JSON {
		var raw json.RawMessage
		if err := c.call(ctx, http.MethodGet, "/bank", nil, &raw); err != nil {
			return fmt.Errorf("bank sessions: %w", err)
		}
		if _, err := fmt.Fprintf(k.Stdout, "%s\n", raw); err != nil {
			return fmt.Errorf("print bank sessions: %w", err)
		}
		return nil
	}
	var sessions []gateway.BankSession
	if err := c.call(ctx, http.MethodGet, "/bank", nil, &sessions); err != nil {
		return fmt.Errorf("bank sessions: %w", err)
	}
	table := tabwriter.NewWriter(k.Stdout, 0, 0, 2, ' ', 0)
	const row = "%s\t%s\t%s\t%s\t%s\t%s\n"
	if _, err := fmt.Fprintf(table, row, "SESSION", "REFERENCE", "ORDER", "AMOUNT", "SETTLE", "DECISION"); err != nil {
		return fmt.Errorf("print bank sessions: %w", err)
	}
	for i := range sessions {
		s := &sessions[i]
		if _, err := fmt.Fprintf(table, row, s.ID, s.TransactionReference, dash(s.OrderReference),
			currency.Format(payment.Amount{Minor: s.Amount, Currency: s.Currency}), fmt.Sprint(s.SettleStatus), dash(string(s.Decision))); err != nil {
			return fmt.Errorf("print bank sessions: %w", err)
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print bank sessions: %w", err)
	}
	return nil
}

type bankDecideCommand struct {
	adminFlags
	Session  string `arg:"" help:"Session id, transaction reference or order reference."`
	Decision string `arg:"" enum:"agree,decline,leave" help:"What the customer does: ${enum}."`
}

// Help is shown by --help.
func (*bankDecideCommand) Help() string {
	return `Declined, the payment is cancelled (3) at once. Agreed, the money moves (100) with the next settlement batch, even if it was
declined before. Who leaves decides nothing. Prints where the customer is sent to, if anywhere.

Example:
  testharness bank decide --admin http://127.0.0.1:40001 K1001-a1 agree`
}

// Run decides.
func (c *bankDecideCommand) Run(ctx context.Context, k *kong.Kong) error {
	var session gateway.BankSession
	in := gateway.BankRequest{ID: c.Session, Decision: gateway.BankDecision(c.Decision)}
	if err := c.call(ctx, http.MethodPost, "/bank", in, &session); err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	if to := session.Redirect(); to != "" {
		if _, err := fmt.Fprintln(k.Stdout, to); err != nil {
			return fmt.Errorf("print address: %w", err)
		}
	}
	return nil
}

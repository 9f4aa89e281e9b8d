package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/shared/currency"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

type ledgerCommand struct {
	adminFlags
	Totals bool `help:"Print counts and sums instead, of forgotten transactions too."`
	JSON   bool `name:"json" help:"Print JSON, with the history of every settle status."`
}

// Help is shown by --help.
func (*ledgerCommand) Help() string {
	return `Prints what really happened at the gateway, which is not always what its answers said.

Example:
  testharness ledger --admin http://127.0.0.1:40001
  testharness ledger --admin http://127.0.0.1:40001 --json | jq '.[] | select(.settlestatus == 2)'`
}

// Run prints the ledger.
func (c *ledgerCommand) Run(ctx context.Context, k *kong.Kong) error {
	if c.Totals {
		return c.totals(ctx, k)
	}
	if c.JSON {
		var raw json.RawMessage
		if err := c.call(ctx, http.MethodGet, "/ledger", nil, &raw); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		if _, err := fmt.Fprintf(k.Stdout, "%s\n", raw); err != nil {
			return fmt.Errorf("print ledger: %w", err)
		}
		return nil
	}
	var entries []gateway.Entry
	if err := c.call(ctx, http.MethodGet, "/ledger", nil, &entries); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	table := tabwriter.NewWriter(k.Stdout, 0, 0, 2, ' ', 0)
	const row = "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n"
	if _, err := fmt.Fprintf(table, row, "STARTED", "REFERENCE", "PARENT", "ORDER", "TYPE", "AMOUNT", "CODE", "SETTLE", "CARD"); err != nil {
		return fmt.Errorf("print ledger: %w", err)
	}
	for i := range entries {
		e := &entries[i]
		if _, err := fmt.Fprintf(table, row, e.Started.Format(time.DateTime), e.TransactionReference, dash(e.Parent), dash(e.OrderReference),
			e.Type, currency.Format(payment.Amount{Minor: e.Amount, Currency: e.Currency}), e.ErrorCode, fmt.Sprint(e.SettleStatus), e.MaskedPAN); err != nil {
			return fmt.Errorf("print ledger: %w", err)
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print ledger: %w", err)
	}
	return nil
}

// totals prints counts and sums.
func (c *ledgerCommand) totals(ctx context.Context, k *kong.Kong) error {
	var totals []gateway.Total
	if err := c.call(ctx, http.MethodGet, "/totals", nil, &totals); err != nil {
		return fmt.Errorf("totals: %w", err)
	}
	if c.JSON {
		return printJSON(k.Stdout, totals)
	}
	rows := [][]string{{"TYPE", "CODE", "SETTLE", "COUNT", "AMOUNT", "FORGOTTEN"}}
	for _, t := range totals {
		rows = append(rows, []string{
			t.Type, t.ErrorCode, fmt.Sprint(t.SettleStatus), fmt.Sprint(t.Count),
			currency.Format(payment.Amount{Minor: t.Amount, Currency: t.Currency}), fmt.Sprint(t.Forgotten),
		})
	}
	return printTable(k.Stdout, rows)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

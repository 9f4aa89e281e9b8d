package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway"
)

type vtCommand struct {
	adminFlags
	Site              string `required:"" help:"Site reference."`
	Card              string `default:"4111111111111111" help:"Number of a test card (${default})."`
	Expiry            string `help:"Expiry date, MM/YYYY (five years ahead if left out)."`
	Amount            int64  `default:"1" help:"Amount in minor units (${default}); 0 for an ACCOUNTCHECK."`
	Currency          string `default:"GBP" help:"Currency, ISO 4217 (${default})."`
	Type              string `default:"AUTH" enum:"AUTH,ACCOUNTCHECK" help:"Request type: ${enum} (${default})."`
	CredentialsOnFile string `default:"1" enum:"0,1,2" help:"1 marks the card as stored for later charges (${default})."`
	OrderReference    string `help:"Order reference."`
}

// Help is shown by --help.
func (*vtCommand) Help() string {
	return `Prints the transaction reference on standard output, and nothing else: it is what later charges name as
their parent.

Example:
  testharness vt --admin http://127.0.0.1:40001 --site test_site12345 --card 4111111111111111 --amount 1 --currency GBP`
}

// Run enters the payment.
func (c *vtCommand) Run(ctx context.Context, k *kong.Kong) error {
	var entry gateway.Entry
	err := c.call(ctx, http.MethodPost, "/vt", gateway.Entered{
		Site: c.Site, Card: c.Card, Expiry: c.Expiry, Amount: c.Amount, Currency: c.Currency, Type: c.Type,
		CredentialsOnFile: c.CredentialsOnFile, OrderReference: c.OrderReference,
	}, &entry)
	if err != nil {
		return fmt.Errorf("virtual terminal: %w", err)
	}
	if entry.ErrorCode != "0" {
		return fmt.Errorf("virtual terminal: %s was not approved: errorcode %s", entry.TransactionReference, entry.ErrorCode)
	}
	if _, err := fmt.Fprintln(k.Stdout, entry.TransactionReference); err != nil {
		return fmt.Errorf("print reference: %w", err)
	}
	return nil
}

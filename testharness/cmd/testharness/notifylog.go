package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// exitBusy is the exit code of a wait that ended before the notifications did.
const exitBusy = 3

// maxLogWait stays below the limit of a call of the admin API.
const maxLogWait = 50 * time.Second

type notifyLogCommand struct {
	adminFlags
	Transaction string           `help:"Only those about this transaction reference."`
	Wait        gateway.Duration `default:"0s" help:"Wait first, at most so long (up to 50s), until none is due or on its way; exit code 3 if some still are."`
	JSON        bool             `name:"json" help:"Print JSON, with every body and try."`
}

// Help is shown by --help.
func (*notifyLogCommand) Help() string {
	return `Prints the newest notifications, oldest first, with times of the settlement clock. States: queued, sent, failed (not
tried again), given_up (after 48 hours), lost and dropped (never sent: a fault, a full queue). FAULTS is what a
script did to it.

Example:
  testharness notify log --wait 10s
  testharness notify log --transaction 55-9-1007 --json`
}

// Run prints the log.
func (c *notifyLogCommand) Run(ctx context.Context, k *kong.Kong) error {
	if time.Duration(c.Wait) > maxLogWait {
		return fmt.Errorf("--wait %s: at most %s", time.Duration(c.Wait), maxLogWait)
	}
	waited := gateway.WaitAnswer{Idle: true}
	if c.Wait > 0 {
		if err := c.call(ctx, http.MethodPost, "/notifications/wait", gateway.WaitRequest{Limit: c.Wait}, &waited); err != nil {
			return fmt.Errorf("wait for notifications: %w", err)
		}
	}
	var log []notify.Notification
	path := "/notifications?transactionreference=" + url.QueryEscape(c.Transaction)
	if err := c.call(ctx, http.MethodGet, path, nil, &log); err != nil {
		return fmt.Errorf("log of notifications: %w", err)
	}
	var err error
	if c.JSON {
		err = printJSON(k.Stdout, log)
	} else {
		err = printTable(k.Stdout, logRows(log))
	}
	if err == nil && !waited.Idle {
		err = exitError{fmt.Errorf("notifications are still on their way after %s: is the receiver slow?", time.Duration(c.Wait)), exitBusy}
	}
	return err
}

func logRows(log []notify.Notification) [][]string {
	rows := [][]string{{"ID", "CREATED", "REFERENCE", "EVENT", "TRANSACTION", "RULE", "STATE", "TRIES", "LAST", "FAULTS"}}
	for i := range log {
		n := &log[i]
		last := "-"
		if len(n.Tries) > 0 {
			try := n.Tries[len(n.Tries)-1]
			if last = try.Error; try.Status != 0 {
				last = strconv.Itoa(try.Status)
			}
		}
		rows = append(rows, []string{
			strconv.FormatInt(n.ID, 10), n.Created.Format(time.DateTime), n.Reference, n.Event, n.Transaction, n.Rule, string(n.State),
			strconv.Itoa(n.Tried), last, dash(strings.Join(n.Faults, ", ")),
		})
	}
	return rows
}

type notifyResendCommand struct {
	adminFlags
	ID   int64 `arg:"" help:"Id of the notification, as the log has it."`
	JSON bool  `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (*notifyResendCommand) Help() string {
	return `Sends it as it was, with the same notificationreference. Prints the id of the new one.

Example:
  testharness notify resend 7`
}

// Run sends it once more.
func (c *notifyResendCommand) Run(ctx context.Context, k *kong.Kong) error {
	var answer gateway.NotificationIDs
	if err := c.call(ctx, http.MethodPost, "/notifications/resend", gateway.ResendRequest{ID: c.ID}, &answer); err != nil {
		return fmt.Errorf("resend: %w", err)
	}
	return printIDs(k, c.JSON, answer)
}

func printIDs(k *kong.Kong, asJSON bool, answer gateway.NotificationIDs) error {
	if asJSON {
		return printJSON(k.Stdout, answer)
	}
	for _, id := range answer.IDs {
		if err := printLine(k.Stdout, strconv.FormatInt(id, 10)); err != nil {
			return err
		}
	}
	return nil
}

type notifyForgeCommand struct {
	adminFlags
	Transaction string `arg:"" help:"Reference of the transaction to make it from."`
	Variant     string `enum:"hash,amount,transaction,paid" default:"hash" help:"What is false: ${enum} (${default})."`
	Signed      bool   `help:"Make the hash fit, as somebody would who knows the password. Not with hash."`
	Event       string `enum:"authorisation,settlement" default:"authorisation" help:"What it pretends to tell of: ${enum} (${default})."`
	Rule        string `help:"Id of the rule whose URL, fields and password it has. Left out: the first of the transaction's site."`
	JSON        bool   `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (*notifyForgeCommand) Help() string {
	return `hash: the truth with a hash made with another password. amount: 1.00 (100 minor units) more. transaction: one that
does not exist. paid: errorcode 0 and settle status 100, whatever it really is. All but the first have the hash of
the truth unless --signed. Prints the id in the log.

Example:
  testharness notify forge 55-9-1007
  testharness notify forge 55-9-1007 --variant paid --signed`
}

// Run sends the lie.
func (c *notifyForgeCommand) Run(ctx context.Context, k *kong.Kong) error {
	var answer gateway.NotificationIDs
	if err := c.call(ctx, http.MethodPost, "/notifications/forge", gateway.Forging{
		Transaction: c.Transaction, Rule: c.Rule, Event: c.Event, Variant: notify.Forgery(c.Variant), Signed: c.Signed,
	}, &answer); err != nil {
		return fmt.Errorf("forge: %w", err)
	}
	return printIDs(k, c.JSON, answer)
}

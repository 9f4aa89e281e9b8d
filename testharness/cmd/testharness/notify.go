package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

type notifyCommand struct {
	Rules  notifyRulesCommand  `cmd:"" help:"Say what is told to which URL."`
	Log    notifyLogCommand    `cmd:"" help:"Print the newest notifications and what became of them."`
	Resend notifyResendCommand `cmd:"" help:"Send a notification of the log once more."`
	Forge  notifyForgeCommand  `cmd:"" help:"Send a notification that is a lie."`
	Listen notifyListenCommand `cmd:"" help:"Take notifications, check their hash and print them."`
}

type notifyRulesCommand struct {
	Add    notifyAddCommand    `cmd:"" help:"Add a rule."`
	List   notifyListCommand   `cmd:"" help:"List the rules."`
	Delete notifyDeleteCommand `cmd:"" help:"Delete a rule. What it queued is still sent."`
}

type notifyAddCommand struct {
	adminFlags
	Site     string         `default:"${site}" help:"Site whose transactions are told of (${default})."`
	URL      string         `name:"url" required:"" help:"Where to: https, or plain http on this machine."`
	Mode     notify.Mode    `enum:"online,offline,failover" default:"offline" help:"When to send, and whether to try again: ${enum} (${default})."`
	On       []string       `help:"Kinds of events: authorisation, settlement. Left out: both."`
	When     []string       `sep:"none" placeholder:"FIELD=VALUE,..." help:"A condition, also FIELD!=VALUE,... Given again: all must hold."`
	Field    []string       `help:"Fields to send. Left out: the usual ones."`
	Password string         `help:"Adds a hash made with it. Left out: none."`
	CAFile   string         `name:"ca-file" type:"existingfile" help:"PEM file with CAs to trust beside the system's."`
	Retry    notify.Spacing `placeholder:"1m 5m 1h" help:"Times between tries; the last one repeats, for 48 hours of the settlement clock."`
	JSON     bool           `name:"json" help:"Print the rule as JSON."`
}

// Help is shown by --help.
func (*notifyAddCommand) Help() string {
	return `Conditions look at the fields of the transaction: requesttypedescription, accounttypedescription,
paymenttypedescription, errorcode, settlestatus, settlestatus_from, currencyiso3a and others. Prints the rule's id.

Example:
  testharness notify rules add --url http://127.0.0.1:9000/ --password s3cret
  testharness notify rules add --url https://shop.example.com/n --on settlement --when settlestatus=100,3 --mode failover
  testharness notify rules add --url http://127.0.0.1:9000/ --when errorcode!=0 --field errorcode --field orderreference`
}

// Run adds the rule and prints its id.
func (c *notifyAddCommand) Run(ctx context.Context, k *kong.Kong) error {
	rule := notify.Rule{
		Site: c.Site, On: c.On, URL: c.URL, Mode: c.Mode, Fields: c.Field, Password: c.Password, CAFile: c.CAFile, Retry: c.Retry,
	}
	for _, text := range c.When {
		condition, err := parseCondition(text)
		if err != nil {
			return err
		}
		rule.When = append(rule.When, condition)
	}
	var added []notify.Rule
	if err := c.call(ctx, http.MethodPost, "/notifications/rules", rule, &added); err != nil {
		return fmt.Errorf("add a notification rule: %w", err)
	}
	if len(added) != 1 {
		return errors.New("add a notification rule: the simulator does not tell its id")
	}
	if c.JSON {
		return printJSON(k.Stdout, added[0])
	}
	return printLine(k.Stdout, added[0].ID)
}

// parseCondition reads FIELD=VALUE,... or FIELD!=VALUE,...
func parseCondition(text string) (notify.Condition, error) {
	name, values, ok := strings.Cut(text, "=")
	if !ok || name == "" || name == "!" {
		return notify.Condition{}, fmt.Errorf("condition %q: write it like errorcode=0,70000 or settlestatus!=3", text)
	}
	list := strings.Split(values, ",")
	if field, not := strings.CutSuffix(name, "!"); not {
		return notify.Condition{Field: field, NotIn: list}, nil
	}
	return notify.Condition{Field: name, In: list}, nil
}

type notifyListCommand struct {
	adminFlags
	JSON bool `name:"json" help:"Print JSON, with everything."`
}

// Help is shown by --help.
func (*notifyListCommand) Help() string {
	return `Example:
  testharness notify rules list
  testharness notify rules list --json`
}

// Run prints the rules.
func (c *notifyListCommand) Run(ctx context.Context, k *kong.Kong) error {
	var rules []notify.Rule
	if err := c.call(ctx, http.MethodGet, "/notifications/rules", nil, &rules); err != nil {
		return fmt.Errorf("list notification rules: %w", err)
	}
	if c.JSON {
		return printJSON(k.Stdout, rules)
	}
	rows := [][]string{{"ID", "SITE", "MODE", "ON", "WHEN", "HASH", "URL"}}
	for i := range rules {
		r := &rules[i]
		hash := "no"
		if r.Password != "" {
			hash = "yes"
		}
		rows = append(rows, []string{r.ID, r.Site, string(r.Mode), dash(strings.Join(r.On, ",")), dash(conditions(r.When)), hash, r.URL})
	}
	return printTable(k.Stdout, rows)
}

func conditions(when []notify.Condition) string {
	out := make([]string, 0, len(when))
	for _, c := range when {
		if len(c.In) > 0 {
			out = append(out, c.Field+"="+strings.Join(c.In, ","))
		}
		if len(c.NotIn) > 0 {
			out = append(out, c.Field+"!="+strings.Join(c.NotIn, ","))
		}
	}
	return strings.Join(out, " ")
}

type notifyDeleteCommand struct {
	adminFlags
	ID string `arg:"" help:"Id of the rule, as the list has it."`
}

// Help is shown by --help.
func (*notifyDeleteCommand) Help() string {
	return `Example:
  testharness notify rules delete n1`
}

// Run deletes the rule.
func (c *notifyDeleteCommand) Run(ctx context.Context) error {
	if err := c.call(ctx, http.MethodDelete, "/notifications/rules/"+c.ID, nil, nil); err != nil {
		return fmt.Errorf("delete a notification rule: %w", err)
	}
	return nil
}

func printJSON(w io.Writer, value any) error {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

func printLine(w io.Writer, text string) error {
	if _, err := fmt.Fprintln(w, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func printTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return fmt.Errorf("print table: %w", err)
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

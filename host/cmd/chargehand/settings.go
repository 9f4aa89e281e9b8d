package main

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
)

type settingsCmd struct {
	Show settingsShowCmd `cmd:"" help:"Show settings; secrets only as set or not."`
	Set  settingsSetCmd  `cmd:"" help:"Change settings."`
}

// owner says whose settings: a fulfiller's for all its links, or a link's own.
type owner struct {
	Company string `help:"The fulfiller's id." xor:"owner" placeholder:"ID"`
	Link    string `help:"The link's id." xor:"owner" placeholder:"ID"`
	Plugin  string `help:"The plugin, with --company." default:"trustpayments"`
}

func (o owner) path() (string, error) {
	switch {
	case o.Link != "":
		return "/v1/links/" + url.PathEscape(o.Link) + "/settings", nil
	case o.Company != "":
		return "/v1/companies/" + url.PathEscape(o.Company) + "/settings/" + url.PathEscape(o.Plugin), nil
	}
	return "", &exitError{exitUsage, "give --company or --link"}
}

type settingsState struct {
	Version int64 `json:"version"`
	Fields  []struct {
		Name  string `json:"name"`
		Label string `json:"label"`
		Kind  string `json:"kind"`
		Value string `json:"value,omitempty"`
		Set   bool   `json:"set"`
		From  string `json:"from,omitempty"`
	} `json:"fields"`
}

func (s settingsState) print() {
	table("FIELD\tNAME\tVALUE\tFROM", func(w *tabwriter.Writer) {
		for _, f := range s.Fields {
			value := f.Value
			if value == "" && f.Set {
				value = "(set)"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Label, f.Name, value, f.From)
		}
	})
	fmt.Printf("version %d\n", s.Version)
}

type settingsShowCmd struct{ owner }

func (settingsShowCmd) Help() string { return "Example: chargehand settings show --link 0190..." }

// Run implements the command.
func (k settingsShowCmd) Run(c *cli) error {
	path, err := k.path()
	if err != nil {
		return err
	}
	var v settingsState
	if err := c.call("GET", path, nil, &v); err != nil {
		return err
	}
	return c.show(v, v.print)
}

type settingsSetCmd struct {
	owner
	Values []string `arg:"" optional:"" help:"FIELD=VALUE; FIELD= takes the value away." placeholder:"FIELD=VALUE"`
	Secret []string `help:"Read this field's value from the standard input, one line each, so that it stands in no history." placeholder:"FIELD"`
	Reason string   `help:"Why, for the history."`
}

func (settingsSetCmd) Help() string {
	return "Example: chargehand settings set --company 0190... sitereference=test_site12345 username=ws@example.com --secret password < password.txt"
}

// Run implements the command.
func (k settingsSetCmd) Run(c *cli) error {
	path, err := k.path()
	if err != nil {
		return err
	}
	values := map[string]*string{}
	for _, pair := range k.Values {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return &exitError{exitUsage, fmt.Sprintf("%q is not of the form FIELD=VALUE", pair)}
		}
		if values[name] = nil; value != "" {
			values[name] = &value
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	for _, name := range k.Secret {
		if !lines.Scan() {
			return &exitError{exitUsage, "the standard input has no line for " + name}
		}
		value := lines.Text()
		values[name] = &value
	}
	var v settingsState
	if err := c.call("GET", path, nil, &v); err != nil {
		return err
	}
	body := map[string]any{"version": v.Version, "values": values, "reason": k.Reason}
	if err := c.call("PUT", path, body, &v); err != nil {
		return err
	}
	return c.show(v, v.print)
}

type preflightCmd struct {
	Link    string `arg:"" help:"The link's id."`
	Confirm string `help:"Confirm that this masked card, as the preflight shows it, is the retailer's." placeholder:"CARD"`
}

func (preflightCmd) Help() string {
	return "Ends with 1 if something has to be mended first.\n\nExample: chargehand preflight 0190... --confirm 411111######1111"
}

// Run implements the command.
func (k preflightCmd) Run(c *cli) error {
	path := "/v1/links/" + url.PathEscape(k.Link)
	var r struct {
		Passed    bool   `json:"passed"`
		Confirmed bool   `json:"confirmed"`
		Mode      string `json:"mode"`
		Stored    string `json:"stored"`
		Card      string `json:"card"`
		Scheme    string `json:"scheme"`
		Expiry    string `json:"expiry"`
		Currency  string `json:"currency"`
		Findings  []struct {
			Level string `json:"level"`
			Text  string `json:"text"`
			Todo  string `json:"todo,omitempty"`
		} `json:"findings"`
	}
	if err := c.call("POST", path+"/preflight", nil, &r); err != nil {
		return err
	}
	if k.Confirm != "" && r.Passed {
		if err := c.call("POST", path+"/confirm-card", map[string]string{"stored": r.Stored, "card": k.Confirm}, nil); err != nil {
			return err
		}
		r.Confirmed = true
	}
	err := c.show(r, func() {
		for _, f := range r.Findings {
			fmt.Printf("%-8s %s\n", f.Level, f.Text)
			if f.Todo != "" {
				fmt.Printf("%-8s %s\n", "", f.Todo)
			}
		}
		if r.Card != "" {
			fmt.Printf("\nCard %s %s, expires %s, %s, %s mode. Confirmed by a person: %t\n", r.Scheme, r.Card, r.Expiry, r.Currency, r.Mode, r.Confirmed)
		}
	})
	if err == nil && !r.Passed {
		return &exitError{exitFailed, ""}
	}
	return err
}

package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

type company struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Reference string `json:"reference"`
	Name      string `json:"name"`
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// all reads every page of a list.
func all[T any](c *cli, path string) ([]T, error) {
	items := []T{}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for after := ""; ; {
		var p page[T]
		if err := c.call("GET", path+sep+"limit=200&after="+url.QueryEscape(after), nil, &p); err != nil {
			return nil, err
		}
		items = append(items, p.Items...)
		if after = p.Next; after == "" {
			return items, nil
		}
	}
}

func table(header string, rows func(w *tabwriter.Writer)) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, header)
	rows(w)
	_ = w.Flush()
}

type companyCmd struct {
	Create companyCreateCmd `cmd:"" help:"Create a company."`
	List   companyListCmd   `cmd:"" help:"List companies."`
	Key    companyKeyCmd    `cmd:"" help:"Create an API key for a company, and print it once."`
}

type companyCreateCmd struct {
	Type      string `arg:"" enum:"fulfiller,sales_channel" help:"fulfiller or sales_channel."`
	Reference string `arg:"" help:"The platform's own name of the company."`
	Name      string `help:"Name for people; the reference if not given."`
}

func (companyCreateCmd) Help() string {
	return "Example: chargehand company create fulfiller printer-1"
}

// Run implements the command.
func (k companyCreateCmd) Run(c *cli) error {
	name := k.Name
	if name == "" {
		name = k.Reference
	}
	var v company
	if err := c.call("POST", "/v1/companies", map[string]string{"type": k.Type, "reference": k.Reference, "name": name}, &v); err != nil {
		return err
	}
	return c.show(v, func() { fmt.Println(v.ID) })
}

type companyListCmd struct{}

func (companyListCmd) Help() string { return "Example: chargehand company list" }

// Run implements the command.
func (companyListCmd) Run(c *cli) error {
	list, err := all[company](c, "/v1/companies")
	if err != nil {
		return err
	}
	return c.show(list, func() {
		table("ID\tTYPE\tREFERENCE\tNAME", func(w *tabwriter.Writer) {
			for _, v := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.ID, v.Type, v.Reference, v.Name)
			}
		})
	})
}

type companyKeyCmd struct {
	Company string `arg:"" help:"The company's id."`
	Name    string `required:"" help:"What the key is for."`
}

func (companyKeyCmd) Help() string { return "Example: chargehand company key 0190... --name console" }

// Run implements the command.
func (k companyKeyCmd) Run(c *cli) error {
	var v struct {
		ID  string `json:"id"`
		Key string `json:"key"`
	}
	if err := c.call("POST", "/v1/companies/"+url.PathEscape(k.Company)+"/keys", map[string]string{"name": k.Name}, &v); err != nil {
		return err
	}
	return c.show(v, func() { fmt.Println(v.Key) })
}

type link struct {
	ID          string    `json:"id"`
	FulfillerID string    `json:"fulfiller_id"`
	ChannelID   string    `json:"channel_id"`
	Plugin      string    `json:"plugin"`
	State       string    `json:"state"`
	StartAt     time.Time `json:"start_at"`
}

type linkCmd struct {
	Create linkCreateCmd `cmd:"" help:"Link a fulfiller and a sales channel; the link begins switched off."`
	List   linkListCmd   `cmd:"" help:"List links."`
	On     linkOnCmd     `cmd:"" help:"Switch charging on."`
	Off    linkOffCmd    `cmd:"" help:"Switch charging off."`
}

type linkCreateCmd struct {
	Fulfiller string `arg:"" help:"The fulfiller's id."`
	Channel   string `arg:"" help:"The sales channel's id."`
	Plugin    string `default:"trustpayments" help:"The plugin that charges."`
	StartAt   string `help:"Charge orders placed from then on (RFC 3339); now, if not given." placeholder:"TIME"`
}

func (linkCreateCmd) Help() string { return "Example: chargehand link create 0190...a 0190...b" }

// Run implements the command.
func (k linkCreateCmd) Run(c *cli) error {
	body := map[string]string{"fulfiller_id": k.Fulfiller, "channel_id": k.Channel, "plugin": k.Plugin}
	if k.StartAt != "" {
		body["start_at"] = k.StartAt
	}
	var v link
	if err := c.call("POST", "/v1/links", body, &v); err != nil {
		return err
	}
	return c.show(v, func() { fmt.Println(v.ID) })
}

type linkListCmd struct{}

func (linkListCmd) Help() string { return "Example: chargehand link list" }

// Run implements the command.
func (linkListCmd) Run(c *cli) error {
	list, err := all[link](c, "/v1/links")
	if err != nil {
		return err
	}
	return c.show(list, func() {
		table("ID\tSTATE\tFULFILLER\tCHANNEL\tPLUGIN\tFROM", func(w *tabwriter.Writer) {
			for _, v := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, v.State, v.FulfillerID, v.ChannelID, v.Plugin, v.StartAt.Format(time.RFC3339))
			}
		})
	})
}

type linkOnCmd struct {
	Link string `arg:"" help:"The link's id."`
}

func (linkOnCmd) Help() string { return "Example: chargehand link on 0190..." }

// Run implements the command.
func (k linkOnCmd) Run(c *cli) error { return switchLink(c, k.Link, "on") }

type linkOffCmd struct {
	Link string `arg:"" help:"The link's id."`
}

func (linkOffCmd) Help() string { return "Example: chargehand link off 0190..." }

// Run implements the command.
func (k linkOffCmd) Run(c *cli) error { return switchLink(c, k.Link, "off") }

func switchLink(c *cli, id, state string) error {
	var v link
	if err := c.call("PATCH", "/v1/links/"+url.PathEscape(id), map[string]string{"state": state}, &v); err != nil {
		return err
	}
	return c.show(v, func() { fmt.Printf("link %s is %s\n", v.ID, v.State) })
}

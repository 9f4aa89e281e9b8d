package main

import (
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"
)

type keyView struct {
	ID         string    `json:"id"`
	Kind       string    `json:"kind"`
	CompanyID  string    `json:"company_id,omitempty"`
	Name       string    `json:"name"`
	CreatedAt  time.Time `json:"created_at"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

type keyListCmd struct{}

func (keyListCmd) Help() string { return "Example: chargehand key list" }

// Run implements the command.
func (keyListCmd) Run(c *cli) error {
	list, err := all[keyView](c, "/v1/keys")
	if err != nil {
		return err
	}
	return c.show(list, func() {
		table("ID\tKIND\tCOMPANY\tNAME\tCREATED\tLAST USED\tREVOKED", func(w *tabwriter.Writer) {
			for _, v := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, v.Kind, orDash(v.CompanyID), v.Name,
					when(v.CreatedAt), when(v.LastUsedAt), when(v.RevokedAt))
			}
		})
	})
}

type keyRevokeCmd struct {
	Key string `arg:"" help:"The key's id."`
}

func (keyRevokeCmd) Help() string { return "Example: chargehand key revoke 0190..." }

// Run implements the command.
func (k keyRevokeCmd) Run(c *cli) error {
	if err := c.call("DELETE", "/v1/keys/"+url.PathEscape(k.Key), nil, nil); err != nil {
		return err
	}
	return c.show(map[string]string{"revoked": k.Key}, func() { fmt.Println("revoked", k.Key) })
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("2006-01-02 15:04")
}

package client

import (
	"context"
	"net/http"
)

// Company is a fulfiller or a sales channel.
type Company struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Reference string `json:"reference"`
	Name      string `json:"name"`
}

// NewCompany is what a company is created from.
type NewCompany struct {
	Type      string `json:"type"`
	Reference string `json:"reference"`
	Name      string `json:"name"`
}

// CreateCompany creates a company.
func (c *Client) CreateCompany(ctx context.Context, n NewCompany) (Company, error) {
	var out Company
	_, err := c.do(ctx, http.MethodPost, "/v1/companies", n, &out)
	return out, err
}

// CreateKey makes an API key of a company. It is shown this once.
func (c *Client) CreateKey(ctx context.Context, company, name string) (string, error) {
	var out struct {
		Key string `json:"key"`
	}
	_, err := c.do(ctx, http.MethodPost, "/v1/companies/"+company+"/keys", map[string]string{"name": name}, &out)
	return out.Key, err
}

// Plugin is one installed plugin.
type Plugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	State   string `json:"state"`
	PID     int    `json:"pid"` // zero if the host does not tell
}

// Plugins lists the installed plugins.
func (c *Client) Plugins(ctx context.Context) ([]Plugin, error) {
	var out page[Plugin]
	_, err := c.do(ctx, http.MethodGet, "/v1/plugins", nil, &out)
	return out.Items, err
}

// RestartPlugin starts a new process of a plugin, which ends a quarantine.
func (c *Client) RestartPlugin(ctx context.Context, name string) error {
	_, err := c.do(ctx, http.MethodPost, "/v1/plugins/"+name+"/restart", struct{}{}, nil)
	return err
}

// Link joins a fulfiller and a sales channel.
type Link struct {
	ID    string `json:"id"`
	State string `json:"state"`
	// Version is what a change names as the state it is based on.
	Version int64 `json:"version"`
}

// CreateLink creates a link, switched off.
func (c *Client) CreateLink(ctx context.Context, fulfiller, channel, plugin string) (Link, error) {
	var out Link
	_, err := c.do(ctx, http.MethodPost, "/v1/links",
		map[string]string{"fulfiller_id": fulfiller, "channel_id": channel, "plugin": plugin}, &out)
	return out, err
}

// SwitchOn lets a link charge.
func (c *Client) SwitchOn(ctx context.Context, link string) error {
	_, err := c.do(ctx, http.MethodPatch, "/v1/links/"+link, map[string]string{"state": "on"}, nil)
	return err
}

// edit is the form of a change of settings.
type edit struct {
	Version int64             `json:"version"`
	Values  map[string]string `json:"values"`
	Reason  string            `json:"reason,omitempty"`
}

// SaveFulfiller changes a fulfiller's settings and gives the version that led to.
func (c *Client) SaveFulfiller(ctx context.Context, company, plugin string, version int64, values map[string]string) (int64, error) {
	return c.save(ctx, "/v1/companies/"+company+"/settings/"+plugin, version, values)
}

// SaveLink changes what a link overrides and gives the version that led to.
func (c *Client) SaveLink(ctx context.Context, link string, version int64, values map[string]string) (int64, error) {
	return c.save(ctx, "/v1/links/"+link+"/settings", version, values)
}

func (c *Client) save(ctx context.Context, path string, version int64, values map[string]string) (int64, error) {
	var out struct {
		Version int64 `json:"version"`
	}
	_, err := c.do(ctx, http.MethodPut, path, edit{Version: version, Values: values, Reason: "set up by the test harness"}, &out)
	return out.Version, err
}

// Report is what a preflight found.
type Report struct {
	Passed   bool      `json:"passed"`
	Mode     string    `json:"mode"`
	Card     string    `json:"card"` // masked
	Scheme   string    `json:"scheme"`
	Expiry   string    `json:"expiry"`
	Currency string    `json:"currency"`
	Stored   string    `json:"stored"`
	Findings []Finding `json:"findings"`
}

// Finding is one thing that a preflight found.
type Finding struct {
	Check string `json:"check"`
	Level string `json:"level"` // ok, warning, problem
	Text  string `json:"text"`
	Todo  string `json:"todo"`
	Code  string `json:"code"`
}

// Preflight tries a link's settings without moving money.
func (c *Client) Preflight(ctx context.Context, link string) (Report, error) {
	var out Report
	_, err := c.do(ctx, http.MethodPost, "/v1/links/"+link+"/preflight", nil, &out)
	return out, err
}

// ConfirmCard says that the masked card behind a stored reference is the right one.
func (c *Client) ConfirmCard(ctx context.Context, link, stored, card string) error {
	_, err := c.do(ctx, http.MethodPost, "/v1/links/"+link+"/confirm-card",
		map[string]string{"stored": stored, "card": card}, nil)
	return err
}

// Companies lists all companies.
func (c *Client) Companies(ctx context.Context) ([]Company, error) {
	return all[Company](ctx, c, "/v1/companies")
}

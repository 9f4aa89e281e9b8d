package trustpayments

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-playground/validator/v10"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// Name is the plugin's name.
const Name = "trustpayments"

// Config is what a Gateway is made from.
type Config struct {
	// Webservices says where the gateway is. It comes from the operator.
	Webservices webservices.Config
	// Version of the plugin's build; empty means "dev".
	Version string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// ConfigFromEnvironment reads what the operator may set for the process.
func ConfigFromEnvironment(getenv func(string) string, version string) Config {
	return Config{Webservices: webservices.FromEnvironment(getenv), Version: version}
}

// Gateway is Trust Payments as a payment.Gateway.
type Gateway struct {
	client  *webservices.Client
	codes   codeTable
	check   *validator.Validate
	version string
	now     func() time.Time
}

var _ payment.Gateway = (*Gateway)(nil)

// New makes a gateway. It reaches no network.
func New(cfg Config) (*Gateway, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Version == "" {
		cfg.Version = "dev"
	}
	if cfg.Webservices.Now == nil {
		cfg.Webservices.Now = cfg.Now
	}
	cfg.Webservices.UserAgent = "chargehand-" + Name + "/" + cfg.Version
	codes, err := loadCodes()
	if err != nil {
		return nil, fmt.Errorf("read the table of codes: %w", err)
	}
	check, err := newValidator()
	if err != nil {
		return nil, fmt.Errorf("set up the rules for settings: %w", err)
	}
	client, err := webservices.New(cfg.Webservices)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to Trust Payments: %w", err)
	}
	return &Gateway{client: client, codes: codes, check: check, version: cfg.Version, now: cfg.Now}, nil
}

// Close drops idle connections.
func (g *Gateway) Close() { g.client.Close() }

// access reads the settings of a call and refuses those that lead elsewhere
// than where the work lies.
func (g *Gateway) access(op string, a payment.Access) (settings, error) {
	s, problems := g.readSettings(a.Settings, true)
	for _, required := range []struct{ name, value string }{
		{fieldSite, s.Site}, {fieldUser, s.User}, {fieldPassword, s.Password},
	} {
		if required.value == "" {
			problems = append(problems, problem(required.name, "required"))
		}
	}
	if len(problems) > 0 {
		return s, invalid(op, problems[0].Field, problems[0].Text)
	}
	if a.Endpoint != s.Region {
		return s, invalid(op, fieldRegion, fmt.Sprintf("the settings lead to the region %s, but the work lies in %q", s.Region, a.Endpoint))
	}
	if a.Site != s.Site {
		return s, invalid(op, fieldSite, fmt.Sprintf("the settings lead to the site %s, but the work lies on %q", s.Site, a.Site))
	}
	return s, nil
}

// call sends requests with the settings' credentials.
func (g *Gateway) call(ctx context.Context, s settings, c webservices.Call) (webservices.Answer, error) {
	c.Region, c.Format, c.User, c.Password = s.Region, s.Format, s.User, payment.Secret(s.Password)
	return g.client.Do(ctx, c)
}

func invalid(op, field, text string) error {
	return &payment.Error{Kind: payment.ErrorInvalid, Op: op, Field: field, Text: text, NotSent: true}
}

// unusable turns the failure of a call that is no charge into the error that
// its method returns; lost is the kind for one that was sent without an answer.
func unusable(op string, err error, lost payment.ErrorKind) error {
	f := failureOf(err)
	e := &payment.Error{Kind: lost, Op: op, NotSent: !f.sent, Err: err, Text: f.text}
	switch {
	case f.ours:
		e.Kind = payment.ErrorInternal
	case f.status == http.StatusUnauthorized:
		e.Kind = payment.ErrorUnauthorized
	case !f.sent:
		e.Kind = payment.ErrorUnavailable
	}
	return e
}

// Hosts names the addresses that replace the gateway's own, for the log at
// the start: an operator should see that no real money is meant.
func (c Config) Hosts() []string {
	var hosts []string
	for _, raw := range []string{c.Webservices.URLEU, c.Webservices.URLUS} {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

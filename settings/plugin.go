package settings

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

const (
	// askLimit is how long a plugin may take over what reaches no network.
	askLimit = 10 * time.Second
	// preflightLimit leaves a plugin time for a slow answer of its gateway.
	preflightLimit = payment.CallSlack
)

func (s *Service) gateway(name string) (payment.Gateway, error) {
	if len(name) > maxFieldName {
		return nil, invalid("plugin", "there is no such plugin")
	}
	g, err := s.gateways.Gateway(name)
	switch {
	case err == nil:
		return g, nil
	case payment.KindOf(err) == payment.ErrorNotFound:
		return nil, invalid("plugin", "no plugin %q is installed; install it, or check its spelling", name)
	}
	return nil, notAsked(name, err)
}

func notAsked(plugin string, err error) error {
	return &payment.Error{
		Kind: payment.ErrorUnavailable,
		Text: fmt.Sprintf("the plugin %s can't be asked at this moment, so nothing was changed; try again in a minute, and tell the operator if it stays so", plugin),
		Err:  err,
	}
}

// desk is a plugin with its schema, for one piece of work.
type desk struct {
	name    string
	gateway payment.Gateway
	schema  *schema
}

func (s *Service) desk(ctx context.Context, plugin string) (*desk, error) {
	g, err := s.gateway(plugin)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	d, err := g.Describe(ctx)
	if err != nil {
		return nil, notAsked(plugin, err)
	}
	sc, err := newSchema(plugin, d.Settings)
	if err != nil {
		return nil, err
	}
	return &desk{name: plugin, gateway: g, schema: sc}, nil
}

// ask has the plugin check the meaning of settings.
func (d *desk) ask(ctx context.Context, values payment.Settings, partial bool) (payment.SettingsReport, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	report, err := d.gateway.ValidateSettings(ctx, payment.SettingsRequest{Settings: values, Partial: partial})
	if err != nil {
		return payment.SettingsReport{}, notAsked(d.name, err)
	}
	for i := range report.Problems {
		report.Problems[i].Text = d.hide(report.Problems[i].Text, values)
	}
	return report, nil
}

// whole checks settings that are to be charged with: complete in shape, and
// right in meaning.
func (d *desk) whole(ctx context.Context, values payment.Settings) (payment.SettingsReport, error) {
	if missing := d.schema.incomplete(values); len(missing) > 0 {
		report, err := d.ask(ctx, values, true)
		report.Problems = append(missing, report.Problems...)
		return report, err
	}
	return d.ask(ctx, values, false)
}

// hide masks secrets in a text of the plugin's. A plugin is trusted with them,
// but its texts go far.
func (d *desk) hide(text string, values payment.Settings) string {
	for _, f := range d.schema.fields {
		if v := values[f.Name]; f.Secret() && v != "" {
			text = strings.ReplaceAll(text, v, payment.Secret(v).String())
		}
	}
	return text
}

// storedField is the field that holds the stored reference, as far as can be
// told from its value.
func (d *desk) storedField(values payment.Settings, stored payment.TransactionID) payment.FieldProblem {
	for _, f := range d.schema.fields {
		if values[f.Name] == string(stored) && !f.Secret() {
			return payment.FieldProblem{Field: f.Name, Label: f.Label}
		}
	}
	return payment.FieldProblem{Label: "Stored transaction reference"}
}

package example

import (
	"context"
	"strings"

	"github.com/chargehand/chargehand/shared/payment"
)

// endpoint is where the gateway is. A gateway with several regions makes this
// a setting.
const endpoint = "main"

// ValidateSettings implements payment.Gateway. The host has checked the shape
// by the schema before it asks; it relies on the rest being checked here.
func (*Gateway) ValidateSettings(_ context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	return payment.SettingsReport{Problems: problems(r.Settings, r.Partial), Profile: profile(r.Settings)}, nil
}

func problems(s payment.Settings, partial bool) []payment.FieldProblem {
	var found []payment.FieldProblem
	known := map[string]bool{}
	for _, f := range schema {
		known[f.Name] = true
		value := s[f.Name]
		problem := payment.FieldProblem{Field: f.Name, Label: f.Label}
		switch {
		case value == "" && f.Required && !partial:
			problem.Rule, problem.Text = "required", f.Label+" is missing; enter it."
		case value != strings.TrimSpace(value):
			problem.Rule, problem.Text = "trimmed", f.Label+" begins or ends with a space; remove it."
		case f.Name == fieldStored && value != "" && payment.TransactionID(value).Validate() != nil:
			problem.Rule, problem.Text = "stored", "That is no stored card; enter it as the gateway shows it, such as card-1."
		case f.Name == fieldStored && strings.Trim(value, "0123456789") == "" && len(value) > 11:
			problem.Rule, problem.Text = "notcard", "That looks like a card number, which must never be entered; enter what the gateway calls the stored card."
		case f.Name == fieldSettle && value != "" && value != string(payment.SettleRecorded) && value != string(payment.SettleAtOnce):
			problem.Rule, problem.Text = "oneof", "Settle is recorded or at_once; choose one."
		default:
			continue
		}
		found = append(found, problem)
	}
	return found
}

// profile is what the host has to know of settings that it does not read
// itself. It holds no secret.
func profile(s payment.Settings) payment.Profile {
	p := payment.Profile{
		Endpoint: endpoint, Site: s[fieldAccount], User: s[fieldAccount],
		Stored: payment.TransactionID(s[fieldStored]), Settle: payment.SettleMode(s[fieldSettle]),
	}
	if p.Settle == "" {
		p.Settle = payment.SettleRecorded
	}
	switch {
	case p.Site == "":
	case strings.HasPrefix(p.Site, "test-"):
		p.Mode = payment.ModeTest
	default:
		p.Mode = payment.ModeLive
	}
	return p
}

// admit refuses what must not be sent: settings that are wrong, and settings
// that lead elsewhere than where the work lies. An attempt is looked up and
// released where it was made, whatever the settings say by then.
func admit(op string, a payment.Access) error {
	for _, p := range problems(a.Settings, true) {
		return invalid(op, p.Field, p.Text)
	}
	switch {
	case a.Settings[fieldAccount] == "":
		return invalid(op, fieldAccount, "Account is missing; enter it.")
	case a.Settings[fieldKey] == "":
		return invalid(op, fieldKey, "Key is missing; enter it.")
	case a.Endpoint != endpoint:
		return invalid(op, "", "the work lies at another endpoint than the settings lead to")
	case a.Site != a.Settings[fieldAccount]:
		return invalid(op, fieldAccount, "the work lies on another account than the settings lead to")
	}
	return nil
}

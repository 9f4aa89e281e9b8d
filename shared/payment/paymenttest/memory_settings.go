package paymenttest

import (
	"context"
	"strings"

	"github.com/chargehand/chargehand/shared/payment"
)

// schema is Memory's settings schema.
func schema() []payment.Field {
	return []payment.Field{
		{
			Name: "endpoint", Label: "Endpoint", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Required: true,
			Choices: []payment.Choice{{Value: "EU", Label: "Europe"}, {Value: "US", Label: "United States"}}, Default: "EU",
		},
		{Name: "site", Label: "Site reference", Kind: payment.FieldText, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=50,printascii"},
		{Name: "user", Label: "User", Kind: payment.FieldText, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=255,printascii"},
		{Name: "password", Label: "Password", Kind: payment.FieldSecret, Owner: payment.OwnerFulfiller, Required: true, Rule: "max=255"},
		{
			Name: "stored", Label: "Stored reference", Kind: payment.FieldText, Owner: payment.OwnerLink, Required: true, Rule: "max=25,printascii",
			Help: "The transaction that holds the card.",
		},
		{
			Name: "settle", Label: "Settle", Kind: payment.FieldChoice, Owner: payment.OwnerFulfiller, Default: string(payment.SettleRecorded),
			Choices: []payment.Choice{
				{Value: string(payment.SettleRecorded), Label: "Once recorded"},
				{Value: string(payment.SettleAtOnce), Label: "At once"},
			},
		},
		{
			Name: FieldAnswer, Label: "Answer", Kind: payment.FieldChoice, Owner: payment.OwnerLink,
			Choices: []payment.Choice{
				{Value: AnswerLostBefore, Label: "Lost before it was processed"},
				{Value: AnswerLostAfter, Label: "Lost after it was processed"},
			},
		},
	}
}

// Describe implements payment.Gateway.
func (m *Memory) Describe(context.Context) (payment.Description, error) {
	return payment.Description{
		Name: "memory", Title: "Gateway in memory", Version: "1.0.0",
		Capabilities: []string{
			payment.CapabilityCharge, payment.CapabilityQuery, payment.CapabilityQueryWindow, payment.CapabilityRelease, payment.CapabilityCancel,
		},
		Settings: schema(),
	}, nil
}

// ValidateSettings implements payment.Gateway. A site with a space in it is
// wrong, and so are required fields left out of complete settings.
func (m *Memory) ValidateSettings(_ context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	s := r.Settings
	report := payment.SettingsReport{Profile: payment.Profile{
		Endpoint: s["endpoint"], Site: s["site"], User: s["user"], Mode: m.mode(),
		Stored: payment.TransactionID(s["stored"]), Settle: payment.SettleMode(s["settle"]),
	}}
	for _, f := range schema() {
		switch value := s[f.Name]; {
		case value == "" && f.Required && !r.Partial:
			report.Problems = append(report.Problems, payment.FieldProblem{
				Field: f.Name, Label: f.Label, Rule: "required", Text: f.Label + " is missing; enter it.",
			})
		case f.Name == "site" && strings.Contains(value, " "):
			report.Problems = append(report.Problems, payment.FieldProblem{
				Field: f.Name, Label: f.Label, Rule: "site", Text: "A site has no space in its name; enter it again.",
			})
		}
	}
	return report, nil
}

// Preflight implements payment.Gateway.
func (m *Memory) Preflight(ctx context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
	if err := m.admit(ctx, "preflight", r.Access); err != nil {
		return payment.PreflightReport{}, err
	}
	if r.Access.Settings["password"] == WrongPassword {
		return payment.PreflightReport{Findings: []payment.Finding{{
			Check: "credentials", Level: payment.LevelProblem, Field: "password", Fault: payment.FaultSite, Code: "401",
			Text: "User or password are wrong.", Todo: "Enter them again.",
		}}}, nil
	}
	report := payment.PreflightReport{
		Findings: []payment.Finding{{Check: "credentials", Level: payment.LevelOK, Text: "User and password are right."}},
		Mode:     m.mode(),
	}
	switch r.Stored {
	case "":
	case MissingStored:
		report.Findings = append(report.Findings, payment.Finding{
			Check: "stored_reference", Level: payment.LevelProblem, Field: "stored", Fault: payment.FaultStoredReference, Code: "404",
			Text: "The stored reference is not on this site.", Todo: "Store the card again, and enter the new reference.",
		})
	default:
		report.Findings = append(report.Findings, payment.Finding{
			Check: "stored_reference", Level: payment.LevelOK, Field: "stored", Text: "The stored reference can be charged.",
		})
		report.Card, report.Scheme, report.Expiry, report.Currency = "411111######1111", "VISA", "2031-12", "GBP"
	}
	return report, nil
}

package example

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/chargehand/chargehand/shared/payment"
)

// Preflight implements payment.Gateway. It asks what the gateway knows of the
// account and of the stored card, which moves no money.
func (g *Gateway) Preflight(ctx context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
	const op = "preflight"
	if err := admit(op, r.Access); err != nil {
		return payment.PreflightReport{}, err
	}
	got, err := g.post(ctx, request{path: "/check", access: r.Access, body: map[string]any{"stored": r.Stored}})
	if err != nil {
		return payment.PreflightReport{}, unusable(op, payment.ErrorUnavailable, got, err)
	}
	report := payment.PreflightReport{Mode: profile(r.Access.Settings).Mode}
	var said struct {
		refusal
		Card, Scheme, Expiry, Currency string
	}
	if json.Unmarshal(got.body, &said) != nil {
		return report, unusable(op, payment.ErrorUnavailable, answer{sent: true}, nil)
	}
	credentials := payment.Finding{Check: "credentials", Level: payment.LevelOK, Text: "The gateway takes the account and its key."}
	card := payment.Finding{Check: "stored_reference", Level: payment.LevelOK, Field: fieldStored, Text: "The gateway knows the stored card."}
	switch {
	case got.status == http.StatusUnauthorized:
		report.Findings = []payment.Finding{{
			Check: "credentials", Level: payment.LevelProblem, Field: fieldKey, Fault: payment.FaultSite, Code: said.Error,
			Text: "The gateway refused the account or its key.", Todo: "Enter them again, as the gateway shows them.",
		}}
		return report, nil
	case got.status == http.StatusUnprocessableEntity && said.Error == "unknown_card":
		card.Level, card.Fault, card.Code = payment.LevelProblem, payment.FaultStoredReference, said.Error
		card.Text, card.Todo = "The gateway does not know the stored card.", "Store it again, and enter what the gateway calls it."
	case got.status != http.StatusOK:
		return report, unusable(op, payment.ErrorUnavailable, got, nil)
	}
	report.Findings = []payment.Finding{credentials}
	if r.Stored != "" {
		report.Findings = append(report.Findings, card)
		report.Card, report.Scheme, report.Expiry, report.Currency = said.Card, said.Scheme, said.Expiry, said.Currency
	}
	return report, nil
}

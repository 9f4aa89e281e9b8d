package paymentcheck_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymentcheck"
)

func description() payment.Description {
	return payment.Description{
		Name: "example", Title: "Example", Version: "1", Capabilities: []string{"charge", "query"},
		Settings: []payment.Field{
			{Name: "key", Label: "Key", Kind: payment.FieldSecret, Owner: payment.OwnerFulfiller},
			{
				Name: "settle", Label: "Settle", Kind: payment.FieldChoice, Owner: payment.OwnerLink, Default: "a",
				Choices: []payment.Choice{{Value: "a", Label: "A"}},
			},
		},
	}
}

func TestDescription(t *testing.T) {
	t.Parallel()
	require.NoError(t, paymentcheck.Description(description()))
	for want, spoil := range map[string]func(*payment.Description){
		"the name":               func(d *payment.Description) { d.Name = "Example" },
		"no title":               func(d *payment.Description) { d.Title = "" },
		"no version":             func(d *payment.Description) { d.Version = "" },
		"no settings":            func(d *payment.Description) { d.Settings = nil },
		"capability":             func(d *payment.Description) { d.Capabilities = []string{"charge"} },
		"the name of the field":  func(d *payment.Description) { d.Settings[0].Name = "a b" },
		"has no label":           func(d *payment.Description) { d.Settings[0].Label = "" },
		"are named":              func(d *payment.Description) { d.Settings[1].Name = "key" },
		"are labelled":           func(d *payment.Description) { d.Settings[1].Label = "Key" },
		"its kind":               func(d *payment.Description) { d.Settings[0].Kind = "" },
		"its owner":              func(d *payment.Description) { d.Settings[0].Owner = "" },
		"secret and has":         func(d *payment.Description) { d.Settings[0].Default = "x" },
		"no choice and has":      func(d *payment.Description) { d.Settings[0].Choices = d.Settings[1].Choices },
		"without choices":        func(d *payment.Description) { d.Settings[1].Choices = nil },
		"its value or its label": func(d *payment.Description) { d.Settings[1].Choices[0].Label = "" },
		"occurs twice": func(d *payment.Description) {
			d.Settings[1].Choices = slices.Repeat(d.Settings[1].Choices, 2)
		},
		"none of its choices": func(d *payment.Description) { d.Settings[1].Default = "b" },
	} {
		d := description()
		spoil(&d)
		require.ErrorContains(t, paymentcheck.Description(d), want)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	right := payment.FieldProblem{Field: "key", Label: "Key", Rule: "required", Text: "Enter it."}
	require.NoError(t, paymentcheck.Problems(description(), []payment.FieldProblem{right}))
	for want, spoil := range map[string]func(*payment.FieldProblem){
		"does not have":   func(p *payment.FieldProblem) { p.Field = "other" },
		"calls it":        func(p *payment.FieldProblem) { p.Label = "key" },
		"no machine word": func(p *payment.FieldProblem) { p.Rule = "" },
		"no text":         func(p *payment.FieldProblem) { p.Text = " " },
	} {
		p := right
		spoil(&p)
		require.ErrorContains(t, paymentcheck.Problems(description(), []payment.FieldProblem{p}), want)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	right := payment.Finding{Check: "credentials", Level: payment.LevelProblem, Text: "Wrong.", Todo: "Enter them."}
	require.NoError(t, paymentcheck.Preflight(payment.PreflightReport{Findings: []payment.Finding{right}, Card: "411111######1111"}))
	require.Error(t, paymentcheck.Preflight(payment.PreflightReport{}))
	require.Error(t, paymentcheck.Preflight(payment.PreflightReport{Findings: []payment.Finding{right}, Card: "4111111111111111"}))
	for want, spoil := range map[string]func(*payment.Finding){
		"no machine word": func(f *payment.Finding) { f.Check = "" },
		"the level":       func(f *payment.Finding) { f.Level = "" },
		"no text":         func(f *payment.Finding) { f.Text = "" },
		"what to do":      func(f *payment.Finding) { f.Todo = "" },
	} {
		f := right
		spoil(&f)
		require.ErrorContains(t, paymentcheck.Preflight(payment.PreflightReport{Findings: []payment.Finding{f}}), want)
	}
}

func TestChargeResult(t *testing.T) {
	t.Parallel()
	right := payment.ChargeResult{Outcome: payment.OutcomeDeclined, Reason: "no", Transaction: &payment.Transaction{ID: "1"}}
	require.NoError(t, paymentcheck.ChargeResult(right))
	for want, spoil := range map[string]func(*payment.ChargeResult){
		"its evidence":  func(r *payment.ChargeResult) { r.Evidence = strings.Repeat("x", payment.MaxEvidence+1) },
		"its reason":    func(r *payment.ChargeResult) { r.Reason = "" },
		"the id":        func(r *payment.ChargeResult) { r.Transaction = &payment.Transaction{} },
		"is not masked": func(r *payment.ChargeResult) { r.Transaction = &payment.Transaction{ID: "1", Card: "4111111111111111"} },
		"in UTC": func(r *payment.ChargeResult) {
			r.Transaction = &payment.Transaction{ID: "1", StartedAt: time.Now().In(time.FixedZone("x", 3600))}
		},
	} {
		r := right
		spoil(&r)
		require.ErrorContains(t, paymentcheck.ChargeResult(r), want)
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	require.NoError(t, paymentcheck.Error(&payment.Error{Kind: payment.ErrorInvalid, Text: "no"}))
	require.Error(t, paymentcheck.Error(errors.New("no")))
	require.Error(t, paymentcheck.Error(&payment.Error{Text: "no"}))
	require.Error(t, paymentcheck.Error(&payment.Error{Kind: payment.ErrorInvalid}))
}

// Each spoiled request differs from the right one that it was made of, and
// leaves that one alone.
func TestSpoiled(t *testing.T) {
	t.Parallel()
	for _, s := range paymentcheck.Charges() {
		right := payment.ChargeRequest{Reference: "ref1", Amount: payment.Amount{Minor: 1, Currency: "GBP"}, Stored: "1", Settle: payment.SettleRecorded}
		r := right
		s.Spoil(&r)
		require.NotEqual(t, right, r, s.Name)
	}
	for _, s := range paymentcheck.Queries() {
		right := payment.QueryRequest{Lookups: []payment.Lookup{{Reference: "ref1"}}}
		r := right
		s.Spoil(&r)
		require.NotEqual(t, right, r, s.Name)
		require.Equal(t, []payment.Lookup{{Reference: "ref1"}}, right.Lookups, s.Name)
	}
	for _, s := range paymentcheck.Adjustments() {
		right := payment.AdjustRequest{Adjustments: []payment.Adjustment{{ID: "1", Action: payment.ActionCancel}}}
		r := right
		s.Spoil(&r)
		require.NotEqual(t, right, r, s.Name)
		require.Equal(t, []payment.Adjustment{{ID: "1", Action: payment.ActionCancel}}, right.Adjustments, s.Name)
	}
}

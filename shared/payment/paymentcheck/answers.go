package paymentcheck

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

var (
	machineName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)
	cardNumber  = regexp.MustCompile(`[0-9]{12,}`)
)

// Description checks what a plugin says of itself, its settings schema
// included.
func Description(d payment.Description) error {
	switch {
	case !machineName.MatchString(d.Name):
		return fmt.Errorf("the name %q is not made of lower-case letters, digits and underscores", d.Name)
	case d.Title == "":
		return errors.New("it has no title")
	case d.Version == "":
		return errors.New("it has no version")
	case len(d.Settings) == 0:
		return errors.New("it has no settings")
	}
	for _, c := range []string{payment.CapabilityCharge, payment.CapabilityQuery} {
		if !slices.Contains(d.Capabilities, c) {
			return fmt.Errorf("it lacks the capability %q, without which no charge can be made and followed", c)
		}
	}
	names, labels := map[string]bool{}, map[string]bool{}
	for _, f := range d.Settings {
		switch {
		case !machineName.MatchString(f.Name):
			return fmt.Errorf("the name of the field %q is not made of lower-case letters, digits and underscores", f.Name)
		case f.Label == "":
			return fmt.Errorf("the field %s has no label", f.Name)
		case names[f.Name]:
			return fmt.Errorf("two fields are named %s", f.Name)
		case labels[f.Label]:
			return fmt.Errorf("two fields are labelled %q", f.Label)
		}
		names[f.Name], labels[f.Label] = true, true
		if err := field(f); err != nil {
			return fmt.Errorf("the field %s: %w", f.Name, err)
		}
	}
	return nil
}

func field(f payment.Field) error {
	kinds := []payment.FieldKind{payment.FieldText, payment.FieldSecret, payment.FieldChoice, payment.FieldInteger}
	owners := []payment.Owner{payment.OwnerFulfiller, payment.OwnerLink}
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("its kind is %q", f.Kind)
	case !slices.Contains(owners, f.Owner):
		return fmt.Errorf("its owner is %q", f.Owner)
	case f.Secret() && f.Default != "":
		return errors.New("it is a secret and has a default")
	case f.Kind != payment.FieldChoice && len(f.Choices) > 0:
		return errors.New("it is no choice and has choices")
	case f.Kind != payment.FieldChoice:
		return nil
	case len(f.Choices) == 0:
		return errors.New("it is a choice without choices")
	}
	values := map[string]bool{}
	for _, c := range f.Choices {
		if c.Value == "" || c.Label == "" {
			return errors.New("a choice lacks its value or its label")
		}
		if values[c.Value] {
			return fmt.Errorf("the choice %s occurs twice", c.Value)
		}
		values[c.Value] = true
	}
	if f.Default != "" && !values[f.Default] {
		return fmt.Errorf("the default %q is none of its choices", f.Default)
	}
	return nil
}

// Problems checks that each problem can be shown beside its field.
func Problems(d payment.Description, problems []payment.FieldProblem) error {
	labels := map[string]string{"": ""}
	for _, f := range d.Settings {
		labels[f.Name] = f.Label
	}
	for _, p := range problems {
		label, known := labels[p.Field]
		switch {
		case !known:
			return fmt.Errorf("a problem is about the field %q, which the schema does not have", p.Field)
		case p.Label != label:
			return fmt.Errorf("a problem with %s calls it %q; the schema labels it %q", p.Field, p.Label, label)
		case !machineName.MatchString(p.Rule):
			return fmt.Errorf("a problem with %s names the rule %q, which is no machine word", p.Field, p.Rule)
		case strings.TrimSpace(p.Text) == "":
			return fmt.Errorf("a problem with %s has no text for people", p.Field)
		}
	}
	return nil
}

// Preflight checks the findings of a preflight.
func Preflight(r payment.PreflightReport) error {
	if len(r.Findings) == 0 {
		return errors.New("it has found nothing at all; what is right is a finding too")
	}
	for _, f := range r.Findings {
		switch {
		case !machineName.MatchString(f.Check):
			return fmt.Errorf("a finding names its check %q, which is no machine word", f.Check)
		case !slices.Contains([]payment.Level{payment.LevelOK, payment.LevelWarning, payment.LevelProblem}, f.Level):
			return fmt.Errorf("the finding about %s has the level %q", f.Check, f.Level)
		case f.Text == "":
			return fmt.Errorf("the finding about %s has no text for people", f.Check)
		case f.Level == payment.LevelProblem && f.Todo == "":
			return fmt.Errorf("the finding about %s is a problem and does not say what to do", f.Check)
		}
	}
	if cardNumber.MatchString(r.Card) {
		return errors.New("the card is not masked")
	}
	return nil
}

// ChargeResult checks the answer to a charge.
func ChargeResult(r payment.ChargeResult) error {
	switch {
	case len(r.Evidence) > payment.MaxEvidence:
		return fmt.Errorf("its evidence is %d bytes long; the most is %d", len(r.Evidence), payment.MaxEvidence)
	case r.Outcome != payment.OutcomeApproved && r.Reason == "":
		return fmt.Errorf("an outcome of %q needs its reason, for people", r.Outcome)
	case r.Transaction == nil:
		return nil
	}
	return Transaction(*r.Transaction)
}

// Transaction checks what a gateway is said to hold.
func Transaction(t payment.Transaction) error {
	if err := t.ID.Validate(); err != nil {
		return fmt.Errorf("the id of a transaction: %w", err)
	}
	if cardNumber.MatchString(t.Card) {
		return fmt.Errorf("the card of the transaction %s is not masked", t.ID)
	}
	for _, at := range []time.Time{t.StartedAt, t.SettleDue, t.SettledAt} {
		if at.Location() != time.UTC {
			return fmt.Errorf("the transaction %s has a time that is not in UTC", t.ID)
		}
	}
	return nil
}

// Error checks a refusal.
func Error(err error) error {
	e, ok := errors.AsType[*payment.Error](err)
	switch {
	case !ok:
		return fmt.Errorf("an error is a *payment.Error; this is a %T: %w", err, err)
	case e.Kind == "":
		return errors.New("the error has no kind")
	case e.Text == "":
		return errors.New("the error does not say what is wrong and what to do")
	}
	return nil
}

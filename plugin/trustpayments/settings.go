package trustpayments

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/go-playground/validator/v10"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// The names of the settings fields.
const (
	fieldRegion      = "region"
	fieldSite        = "sitereference"
	fieldUser        = "username"
	fieldPassword    = "password"
	fieldStored      = "storedreference"
	fieldAccountType = "accounttype"
	fieldSettle      = "settle"
	fieldReason      = "initiationreason"
	fieldFormat      = "format"
)

// The account types that a stored card can be charged on.
const (
	accountEcom  = "ECOM"
	accountMoto  = "MOTO"
	accountRecur = "RECUR"
)

// testPrefix begins the reference of every site that moves no money.
const testPrefix = "test_"

// settings are a company's settings, with the defaults filled in. They hold
// the password: never print them.
type settings struct {
	Region           string `field:"region" validate:"oneof=EU US"`
	Site             string `field:"sitereference" validate:"required,trimmed,max=50,site"`
	User             string `field:"username" validate:"required,trimmed,max=255,printascii,excludes=:"`
	Password         string `field:"password" validate:"required,trimmed,max=255,printed"`
	Stored           string `field:"storedreference" validate:"required,trimmed,notcard,max=25,stored"`
	AccountType      string `field:"accounttype" validate:"oneof=ECOM MOTO RECUR"`
	Settle           string `field:"settle" validate:"oneof=recorded at_once"`
	InitiationReason string `field:"initiationreason" validate:"oneof=A C D"`
	Format           string `field:"format" validate:"oneof=json xml"`
}

// String masks the settings.
func (settings) String() string { return "settings[masked]" }

// GoString masks the settings.
func (settings) GoString() string { return "settings[masked]" }

func (s settings) mode() payment.Mode {
	switch {
	case s.Site == "":
		return payment.ModeUnspecified
	case len(s.Site) >= len(testPrefix) && strings.EqualFold(s.Site[:len(testPrefix)], testPrefix):
		return payment.ModeTest
	}
	return payment.ModeLive
}

func (s settings) profile() payment.Profile {
	return payment.Profile{
		Endpoint: s.Region, Site: s.Site, User: s.User, Mode: s.mode(),
		Stored: payment.TransactionID(s.Stored), Settle: payment.SettleMode(s.Settle),
		Numbered: s.AccountType == accountRecur,
	}
}

// ValidateSettings implements payment.Gateway.
func (g *Gateway) ValidateSettings(_ context.Context, req payment.SettingsRequest) (payment.SettingsReport, error) {
	s, problems := g.readSettings(req.Settings, req.Partial)
	return payment.SettingsReport{Problems: problems, Profile: s.profile()}, nil
}

// readSettings fills in the defaults and checks every field. With partial,
// what is missing is no problem.
func (g *Gateway) readSettings(values payment.Settings, partial bool) (settings, []payment.FieldProblem) {
	s := settings{
		Region:           orDefault(values[fieldRegion], webservices.RegionEU),
		Site:             values[fieldSite],
		User:             values[fieldUser],
		Password:         values[fieldPassword],
		Stored:           values[fieldStored],
		AccountType:      orDefault(values[fieldAccountType], accountEcom),
		Settle:           orDefault(values[fieldSettle], string(payment.SettleRecorded)),
		InitiationReason: orDefault(values[fieldReason], reasonUnscheduled),
		Format:           orDefault(values[fieldFormat], webservices.FormatJSON),
	}
	var problems []payment.FieldProblem
	var failed validator.ValidationErrors
	if errors.As(g.check.Struct(s), &failed) {
		for _, f := range failed {
			if partial && f.Tag() == "required" {
				continue
			}
			problems = append(problems, problem(f.Field(), f.Tag()))
		}
	}
	var unknown []string
	for name := range values {
		if _, ok := schemaField(name); !ok {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		problems = append(problems, payment.FieldProblem{
			Field: name, Label: name, Rule: "unknown", Text: "Trust Payments has no setting " + clip(name, maxText) + ". Remove it.",
		})
	}
	return s, problems
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// newValidator knows the rules that validator has no tag for.
func newValidator() (*validator.Validate, error) {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("field") })
	for tag, holds := range map[string]func(string) bool{
		"trimmed": func(s string) bool { return s == strings.TrimSpace(s) },
		"site":    func(s string) bool { return onlyLetters(s, "_") },
		"printed": func(s string) bool { return !strings.ContainsFunc(s, isControl) },
		"stored":  func(s string) bool { return strings.Contains(s, "-") && payment.TransactionID(s).Validate() == nil },
		"notcard": func(s string) bool { return !looksLikeCard(s) },
	} {
		if err := v.RegisterValidation(tag, func(f validator.FieldLevel) bool { return holds(f.Field().String()) }); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }

func onlyLetters(s, besides string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"+besides) == ""
}

// looksLikeCard reports what may be the number of a card: somebody may take
// "stored reference" for it. References have two hyphens; groups of a card
// number have other counts.
func looksLikeCard(s string) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(s)
	return strings.Count(s, "-") != 2 && allDigits(digits) && len(digits) >= 12 && len(digits) <= 19
}

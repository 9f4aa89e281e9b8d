package paymenttest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

var machineName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

func (s *suite) describe(t *testing.T) {
	t.Parallel()
	d, err := s.gw.describe(t)
	require.NoError(t, err)
	require.Regexp(t, machineName, d.Name)
	require.NotEmpty(t, d.Title)
	require.NotEmpty(t, d.Version)
	require.Subset(t, d.Capabilities, []string{payment.CapabilityCharge, payment.CapabilityQuery})
	require.NotEmpty(t, d.Settings)

	names, labels := map[string]bool{}, map[string]bool{}
	for _, f := range d.Settings {
		require.Regexp(t, machineName, f.Name)
		require.NotEmpty(t, f.Label, f.Name)
		require.False(t, names[f.Name], "two fields are named %s", f.Name)
		require.False(t, labels[f.Label], "two fields are labelled %s", f.Label)
		names[f.Name], labels[f.Label] = true, true
		checkField(t, f)
	}
	for name := range s.Access.Settings {
		require.True(t, names[name], "settings that work have a field %s, and the schema has not", name)
	}

	again, err := s.gw.describe(t)
	require.NoError(t, err)
	require.Equal(t, d, again)
}

func checkField(t *testing.T, f payment.Field) {
	t.Helper()
	require.Contains(t, []payment.FieldKind{payment.FieldText, payment.FieldSecret, payment.FieldChoice, payment.FieldInteger}, f.Kind, f.Name)
	require.Contains(t, []payment.Owner{payment.OwnerFulfiller, payment.OwnerLink}, f.Owner, f.Name)
	if f.Secret() {
		require.Empty(t, f.Default, "%s is a secret and has a default", f.Name)
	}
	if f.Kind != payment.FieldChoice {
		require.Empty(t, f.Choices, "%s is no choice and has choices", f.Name)
		return
	}
	values := map[string]bool{}
	for _, c := range f.Choices {
		require.NotEmpty(t, c.Value, f.Name)
		require.NotEmpty(t, c.Label, f.Name)
		require.False(t, values[c.Value], "%s has the choice %s twice", f.Name, c.Value)
		values[c.Value] = true
	}
	require.NotEmpty(t, values, "%s is a choice without choices", f.Name)
	require.True(t, f.Default == "" || values[f.Default], "the default of %s is none of its choices", f.Name)
}

func (s *suite) validate(t *testing.T) {
	t.Parallel()

	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		report, err := s.gw.validate(t, payment.SettingsRequest{Settings: s.Access.Settings})
		require.NoError(t, err)
		require.Empty(t, report.Problems)
		require.Equal(t, s.Access.Endpoint, report.Profile.Endpoint)
		require.Equal(t, s.Access.Site, report.Profile.Site)
		require.NotEmpty(t, report.Profile.Settle)
	})

	t.Run("Partial", func(t *testing.T) {
		t.Parallel()
		report, err := s.gw.validate(t, payment.SettingsRequest{Settings: payment.Settings{}, Partial: true})
		require.NoError(t, err)
		require.Empty(t, report.Problems, "nothing is wrong with what is not there yet")
	})

	t.Run("Wrong", func(t *testing.T) {
		t.Parallel()
		require.NotEmpty(t, s.Wrong, "the harness has no wrong settings")
		d, err := s.gw.describe(t)
		require.NoError(t, err)
		labels := map[string]string{"": ""}
		for _, f := range d.Settings {
			labels[f.Name] = f.Label
		}
		for _, wrong := range s.Wrong {
			report, err := s.gw.validate(t, payment.SettingsRequest{Settings: wrong.Settings})
			require.NoError(t, err, "%s: problems are part of the report", wrong.Name)
			require.NotEmpty(t, report.Problems, wrong.Name)
			fields := make([]string, 0, len(report.Problems))
			for _, p := range report.Problems {
				fields = append(fields, p.Field)
				label, known := labels[p.Field]
				require.True(t, known, "%s: no field is named %s", wrong.Name, p.Field)
				require.Equal(t, label, p.Label, wrong.Name)
				require.Regexp(t, machineName, p.Rule, wrong.Name)
				require.NotEmpty(t, strings.TrimSpace(p.Text), wrong.Name)
			}
			require.Contains(t, fields, wrong.Field, wrong.Name)
		}
	})
}

func (s *suite) preflight(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request payment.PreflightRequest
		passes  bool
	}{
		{"OK", payment.PreflightRequest{Access: s.Access, Stored: s.Stored}, true},
		{"OKWithoutStored", payment.PreflightRequest{Access: s.Access}, true},
		{"ErrStoredMissing", payment.PreflightRequest{Access: s.Access, Stored: s.MissingStored}, false},
		{"ErrCredentials", payment.PreflightRequest{Access: s.BadAccess, Stored: s.Stored}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			report, err := s.gw.preflight(t, test.request)
			require.NoError(t, err, "what a check finds is part of the report")
			require.NotEmpty(t, report.Findings)
			require.Equal(t, test.passes, report.Passed(), "%+v", report.Findings)
			for _, f := range report.Findings {
				require.Regexp(t, machineName, f.Check)
				require.Contains(t, []payment.Level{payment.LevelOK, payment.LevelWarning, payment.LevelProblem}, f.Level)
				require.NotEmpty(t, f.Text)
				if f.Level == payment.LevelProblem {
					require.NotEmpty(t, f.Todo, "a problem says what to do: %+v", f)
				}
			}
			if test.passes && test.request.Stored != "" {
				require.Equal(t, s.Mode, report.Mode)
				require.NotEmpty(t, report.Card)
				require.NotRegexp(t, `[0-9]{12,}`, report.Card, "the card is masked")
			}
		})
	}
}

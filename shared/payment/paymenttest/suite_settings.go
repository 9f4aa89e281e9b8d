package paymenttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymentcheck"
)

func (s *suite) describe(t *testing.T) {
	t.Parallel()
	d, err := s.gw.describe(t)
	require.NoError(t, err)
	require.NoError(t, paymentcheck.Description(d))
	names := map[string]bool{}
	for _, f := range d.Settings {
		names[f.Name] = true
	}
	for name := range s.Access.Settings {
		require.True(t, names[name], "settings that work have a field %s, and the schema has not", name)
	}

	again, err := s.gw.describe(t)
	require.NoError(t, err)
	require.Equal(t, d, again)
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
		for _, wrong := range s.Wrong {
			report, err := s.gw.validate(t, payment.SettingsRequest{Settings: wrong.Settings})
			require.NoError(t, err, "%s: problems are part of the report", wrong.Name)
			require.NotEmpty(t, report.Problems, wrong.Name)
			require.NoError(t, paymentcheck.Problems(d, report.Problems), wrong.Name)
			fields := make([]string, 0, len(report.Problems))
			for _, p := range report.Problems {
				fields = append(fields, p.Field)
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
			require.NoError(t, paymentcheck.Preflight(report))
			require.Equal(t, test.passes, report.Passed(), "%+v", report.Findings)
			if test.passes && test.request.Stored != "" {
				require.Equal(t, s.Mode, report.Mode)
				require.NotEmpty(t, report.Card)
			}
		})
	}
}

package trustpayments

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	d, err := offline(t).Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, "trustpayments", d.Name)
	var names []string
	for _, f := range d.Settings {
		names = append(names, f.Name)
		require.NotEmpty(t, f.Label)
		require.NotEmpty(t, f.Help)
		require.Equal(t, f.Name == fieldPassword, f.Secret())
		require.Equal(t, f.Name == fieldStored, f.Owner == payment.OwnerLink)
	}
	require.Equal(t, []string{"region", "sitereference", "username", "password", "storedreference", "accounttype", "settle", "initiationreason", "format"}, names)
}

func TestValidateSettings_OK(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		change  map[string]string
		partial bool
		want    payment.Profile
	}{
		{
			"defaults",
			map[string]string{"storedreference": "1-2-3456789"},
			false,
			payment.Profile{Endpoint: "EU", Site: testSite, User: testUser, Mode: payment.ModeTest, Stored: "1-2-3456789", Settle: payment.SettleRecorded},
		},
		{
			"all",
			map[string]string{
				"region": "US", "sitereference": "shop42", "storedreference": "55-9-46591", "accounttype": "RECUR", "settle": "at_once",
				"initiationreason": "A", "password": "påss wørd", "format": "xml",
			},
			false,
			payment.Profile{Endpoint: "US", Site: "shop42", User: testUser, Mode: payment.ModeLive, Stored: "55-9-46591", Settle: payment.SettleAtOnce, Numbered: true},
		},
		{
			"partial",
			map[string]string{"sitereference": "", "password": ""},
			true,
			payment.Profile{Endpoint: "EU", User: testUser, Settle: payment.SettleRecorded},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := offline(t).ValidateSettings(t.Context(), payment.SettingsRequest{Settings: testSettings(tc.change), Partial: tc.partial})
			require.NoError(t, err)
			require.Empty(t, got.Problems)
			require.Empty(t, cmp.Diff(tc.want, got.Profile))
		})
	}
}

func TestValidateSettings_Problems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, field, value, rule, text string }{
		{"region", "region", "eu", "oneof", "Region is none of its choices. Choose one of EU, US."},
		{"site missing", "sitereference", "", "required", "Site reference is missing. Enter it."},
		{"site with spaces", "sitereference", " test_x", "trimmed", "Site reference begins or ends with a space. Remove it."},
		{"site too long", "sitereference", strings.Repeat("x", 51), "max", "Site reference is too long. Compare it with MyST."},
		{"site with odd characters", "sitereference", "test-x", "site", "Site reference has characters that no site has. Use letters, digits and underscores, as MyST shows it."},
		{"user with colon", "username", "a:b", "excludes", "Web Services user name has characters that can't be used to sign in. Enter the e-mail-like name that MyST shows; it has no colon."},
		{"user not ASCII", "username", "ü@example.com", "printascii", "Web Services user name has characters that can't be used to sign in. Enter the e-mail-like name that MyST shows; it has no colon."},
		{"password missing", "password", "", "required", "Web Services password is missing. Enter it."},
		{"password with spaces", "password", "x ", "trimmed", "Web Services password begins or ends with a space. Remove it. If the password really has one, choose another password in MyST."},
		{"password with control", "password", "a\x00b", "printed", "Web Services password has a control character in it. Enter it by hand instead of pasting it."},
		{"password too long", "password", strings.Repeat("x", 256), "max", "Web Services password is too long. Compare it with MyST."},
		{"card", "storedreference", "4111111111111111", "notcard", "Stored transaction reference looks like a card number. Never enter one here: enter the transaction reference that MyST shows, such as 1-2-3456789."},
		{"card in groups", "storedreference", "4111-1111-1111-1111", "notcard", "Stored transaction reference looks like a card number. Never enter one here: enter the transaction reference that MyST shows, such as 1-2-3456789."},
		{"card with spaces", "storedreference", "4111 1111 1111 1111", "notcard", "Stored transaction reference looks like a card number. Never enter one here: enter the transaction reference that MyST shows, such as 1-2-3456789."},
		{"no reference", "storedreference", "3456789", "stored", "Stored transaction reference does not look like a transaction reference. Enter it as MyST shows it, such as 1-2-3456789."},
		{"reference too long", "storedreference", "1-2-" + strings.Repeat("3", 30), "max", "Stored transaction reference is too long. Compare it with MyST."},
		{"account type", "accounttype", "CFT", "oneof", "Account type is none of its choices. Choose one of ECOM, MOTO, RECUR."},
		{"settle", "settle", "later", "oneof", "Settle is none of its choices. Choose one of recorded, at_once."},
		{"reason", "initiationreason", "B", "oneof", "Initiation reason is none of its choices. Choose one of C, A, D."},
		{"format", "format", "XML", "oneof", "Format is none of its choices. Choose one of json, xml."},
		{"unknown", "endpoint", "https://x.example", "unknown", "Trust Payments has no setting endpoint. Remove it."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := testSettings(map[string]string{"storedreference": "1-2-3456789"})
			s[tc.field] = tc.value
			got, err := offline(t).ValidateSettings(t.Context(), payment.SettingsRequest{Settings: s})
			require.NoError(t, err)
			f, known := schemaField(tc.field)
			if !known {
				f.Label = tc.field
			}
			require.Empty(t, cmp.Diff([]payment.FieldProblem{{Field: tc.field, Label: f.Label, Rule: tc.rule, Text: tc.text}}, got.Problems))
		})
	}
}

func TestSettings_Masked(t *testing.T) {
	t.Parallel()
	s, problems := offline(t).readSettings(testSettings(nil), true)
	require.Empty(t, problems)
	require.Equal(t, testPassword, s.Password)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, s), testPassword)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add(testSite, testUser, testPassword, "1-2-3456789")
	f.Add(" ", "a:b", "\xff", "4111111111111111")
	g, err := New(Config{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, site, user, password, stored string) {
		got, err := g.ValidateSettings(t.Context(), payment.SettingsRequest{Settings: payment.Settings{
			fieldSite: site, fieldUser: user, fieldPassword: password, fieldStored: stored,
		}})
		require.NoError(t, err)
		if len(got.Problems) > 0 {
			return
		}
		require.NoError(t, got.Profile.Stored.Validate())
		require.NotContains(t, user, ":")
		require.Equal(t, strings.TrimSpace(site), site)
		require.NotEmpty(t, password)
	})
}

package payment_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func TestAmountValidate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		amount payment.Amount
		ok     bool
	}{
		{payment.Amount{Minor: 1, Currency: "GBP"}, true},
		{payment.Amount{Minor: payment.MaxMinor, Currency: "JPY"}, true},
		{payment.Amount{Minor: payment.MaxMinor + 1, Currency: "GBP"}, false},
		{payment.Amount{Minor: 0, Currency: "GBP"}, false},
		{payment.Amount{Minor: -1, Currency: "GBP"}, false},
		{payment.Amount{Minor: 1, Currency: "gbp"}, false},
		{payment.Amount{Minor: 1, Currency: "GBPX"}, false},
		{payment.Amount{Minor: 1, Currency: ""}, false},
		{payment.Amount{Minor: 1, Currency: "GB1"}, false},
	} {
		err := tc.amount.Validate()
		if tc.ok {
			require.NoError(t, err, "%v", tc.amount)
		} else {
			require.ErrorIs(t, err, payment.ErrAmount, "%v", tc.amount)
		}
	}
}

func TestReferenceValidate(t *testing.T) {
	t.Parallel()
	for s, ok := range map[string]bool{
		"stem-1": true, strings.Repeat("a", 25): true, strings.Repeat("a", 26): false, "": false, "a b": false, "a_b": false, "ä": false, "a\x00": false,
	} {
		err := payment.Reference(s).Validate()
		require.Equal(t, ok, err == nil, "%q: %v", s, err)
		require.Equal(t, ok, payment.TransactionID(s).Validate() == nil, "%q", s)
	}
}

func TestUnspecifiedIsNeverGood(t *testing.T) {
	t.Parallel()
	require.False(t, payment.OutcomeUnspecified.Known())
	require.False(t, payment.OutcomeUnknown.Known())
	require.False(t, payment.Outcome("something new").Known())
	require.False(t, payment.StatusUnspecified.Released())
	require.False(t, payment.Transaction{Kind: payment.KindAuthorisation}.Live())
	require.False(t, payment.PreflightReport{}.Passed(), "a preflight that found nothing has checked nothing")
	require.False(t, payment.PreflightReport{Findings: []payment.Finding{{Level: "something new"}}}.Passed())
	require.True(t, payment.PreflightReport{Findings: []payment.Finding{{Level: payment.LevelOK}, {Level: payment.LevelWarning}}}.Passed())
}

func TestLive(t *testing.T) {
	t.Parallel()
	live := payment.Transaction{Kind: payment.KindAuthorisation, Outcome: payment.OutcomeApproved, Status: payment.StatusSuspended}
	require.True(t, live.Live())
	for name, change := range map[string]func(*payment.Transaction){
		"cancelled": func(t *payment.Transaction) { t.Status = payment.StatusCancelled },
		"declined":  func(t *payment.Transaction) { t.Outcome = payment.OutcomeDeclined },
		"unknown":   func(t *payment.Transaction) { t.Outcome = payment.OutcomeUnknown },
		"refund":    func(t *payment.Transaction) { t.Kind = payment.KindRefund },
	} {
		other := live
		change(&other)
		require.False(t, other.Live(), name)
	}
}

func TestFilledFrom(t *testing.T) {
	t.Parallel()
	old := payment.Transaction{ID: "1", User: "ws", Site: "site", Status: payment.StatusSuspended, Outcome: payment.OutcomeApproved, Amount: payment.Amount{Minor: 5, Currency: "GBP"}}
	now := payment.Transaction{ID: "1", Status: payment.StatusDue, Site: "other"}
	got := now.FilledFrom(old)
	require.Equal(t, "ws", got.User)
	require.Equal(t, int64(5), got.Amount.Minor)
	require.Equal(t, "other", got.Site, "what is said now holds")
	require.Equal(t, payment.StatusDue, got.Status)
	require.Equal(t, payment.OutcomeUnspecified, got.Outcome, "what became of it is never filled in")
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	const secret = "open-sesame-4711"
	s := payment.Settings{"password": secret}
	one := payment.Secret(secret)
	holder := struct {
		S payment.Settings
		P payment.Secret
	}{s, one}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "settings", s, "secret", one, "both", holder)
	text, err := json.Marshal(holder)
	require.NoError(t, err)
	for _, printed := range []string{
		log.String(), string(text), s.String(), one.String(), fmt.Sprint(holder), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v %s %q %x %d", one, one, one, one, one, one, one), fmt.Sprintf("%+v %#v", holder, &holder), fmt.Errorf("x: %v %v", s, one).Error(),
	} {
		require.NotContains(t, printed, secret)
		require.NotContains(t, printed, fmt.Sprintf("%x", secret))
	}
	require.Equal(t, secret, one.Reveal())
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp 10.0.0.1: refused")
	err := fmt.Errorf("charge order 42: %w", &payment.Error{Kind: payment.ErrorUnavailable, Op: "charge", Text: "no connection", NotSent: true, Err: cause})
	require.Equal(t, payment.ErrorUnavailable, payment.KindOf(err))
	require.True(t, payment.NotSent(err))
	require.ErrorIs(t, err, cause)
	require.NotContains(t, err.Error(), "10.0.0.1", "causes are for the log")
	require.Equal(t, payment.ErrorInternal, payment.KindOf(cause))
	require.False(t, payment.NotSent(cause), "an error that does not prove it proves nothing")
	require.Equal(t, "charge: amount: too much", (&payment.Error{Op: "charge", Field: "amount", Text: "too much"}).Error())
}

package paymenttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymentcheck"
)

// watch calls a gateway and checks of every answer what must always hold: no
// secret in it, errors that say what they are, times in UTC, evidence within
// its limit.
type watch struct {
	gateway payment.Gateway
	secrets []string
}

func (w watch) describe(t *testing.T) (payment.Description, error) {
	t.Helper()
	return watched(t, w, func(ctx context.Context) (payment.Description, error) { return w.gateway.Describe(ctx) })
}

func (w watch) validate(t *testing.T, r payment.SettingsRequest) (payment.SettingsReport, error) {
	t.Helper()
	return watched(t, w, func(ctx context.Context) (payment.SettingsReport, error) { return w.gateway.ValidateSettings(ctx, r) })
}

func (w watch) preflight(t *testing.T, r payment.PreflightRequest) (payment.PreflightReport, error) {
	t.Helper()
	return watched(t, w, func(ctx context.Context) (payment.PreflightReport, error) { return w.gateway.Preflight(ctx, r) })
}

func (w watch) charge(t *testing.T, r payment.ChargeRequest) (payment.ChargeResult, error) {
	t.Helper()
	result, err := watched(t, w, func(ctx context.Context) (payment.ChargeResult, error) { return w.gateway.Charge(ctx, r) })
	if err == nil {
		require.NoError(t, paymentcheck.ChargeResult(result))
	}
	return result, err
}

func (w watch) query(t *testing.T, r payment.QueryRequest) (payment.QueryResult, error) {
	t.Helper()
	result, err := watched(t, w, func(ctx context.Context) (payment.QueryResult, error) { return w.gateway.Query(ctx, r) })
	for _, transaction := range result.Transactions {
		require.NoError(t, paymentcheck.Transaction(transaction))
	}
	if r.Window == nil {
		require.Empty(t, result.Next, "only a window has pages")
	}
	return result, err
}

func (w watch) adjust(t *testing.T, r payment.AdjustRequest) (payment.AdjustResult, error) {
	t.Helper()
	return watched(t, w, func(ctx context.Context) (payment.AdjustResult, error) { return w.gateway.Adjust(ctx, r) })
}

func watched[R any](t *testing.T, w watch, call func(context.Context) (R, error)) (R, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callLimit)
	defer cancel()
	result, err := call(ctx)
	w.check(t, result, err)
	return result, err
}

// check looks through an answer.
func (w watch) check(t *testing.T, result any, err error) {
	t.Helper()
	encoded, jsonErr := json.Marshal(result)
	require.NoError(t, jsonErr)
	said := string(encoded)
	if err != nil {
		require.NoError(t, paymentcheck.Error(err))
		e, _ := errors.AsType[*payment.Error](err)
		said += fmt.Sprintf("%v %+v %#v", err, e, e)
		for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(cause) {
			said += fmt.Sprintf(" %v %#v", cause, cause)
		}
	}
	for _, secret := range w.secrets {
		require.NotContains(t, said, secret, "a secret came back")
	}
}

// notSent reports whether a charge was refused with the proof that nothing was
// sent, in either of the two ways to say so.
func notSent(result payment.ChargeResult, err error) bool {
	if err != nil {
		return payment.NotSent(err)
	}
	return result.Outcome == payment.OutcomeNotSent
}

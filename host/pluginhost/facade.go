package pluginhost

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chargehand/chargehand/shared/payment"
)

// facade is a plugin's gateway, whichever process serves it. It passes errors
// on as they are and repeats nothing.
type facade struct{ s *supervisor }

var _ payment.Gateway = facade{}

func (f facade) Describe(ctx context.Context) (payment.Description, error) {
	return invoke(f.s, "describe", func(g payment.Gateway) (payment.Description, error) { return g.Describe(ctx) })
}

func (f facade) ValidateSettings(ctx context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	return invoke(f.s, "validate settings", func(g payment.Gateway) (payment.SettingsReport, error) { return g.ValidateSettings(ctx, r) })
}

func (f facade) Preflight(ctx context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
	return invoke(f.s, "preflight", func(g payment.Gateway) (payment.PreflightReport, error) { return g.Preflight(ctx, r) })
}

func (f facade) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	return invoke(f.s, "charge", func(g payment.Gateway) (payment.ChargeResult, error) { return g.Charge(ctx, r) })
}

func (f facade) Query(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
	return invoke(f.s, "query", func(g payment.Gateway) (payment.QueryResult, error) { return g.Query(ctx, r) })
}

func (f facade) Adjust(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
	return invoke(f.s, "adjust", func(g payment.Gateway) (payment.AdjustResult, error) { return g.Adjust(ctx, r) })
}

func invoke[R any](s *supervisor, op string, call func(payment.Gateway) (R, error)) (R, error) {
	g := s.acquire()
	if g == nil {
		var none R
		return none, &payment.Error{
			Kind: payment.ErrorUnavailable, Op: op, NotSent: true,
			Text: fmt.Sprintf("the payment plugin %s is not running (%s); it is started again by itself, try later", s.plugin.name, s.report().State),
		}
	}
	defer s.release(g)
	result, err := call(g.gateway)
	switch status.Code(err) {
	case codes.OK:
		g.answered.Store(true)
	case codes.Unavailable:
		s.suspectIt()
	}
	return result, err
}

package pluginhost

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chargehand/chargehand/shared/payment"
)

// facade is a plugin's gateway, whichever process serves it. It passes errors
// on as they are and repeats nothing.
type facade struct{ s *supervisor }

var _ payment.Gateway = facade{}

func (f facade) Describe(ctx context.Context) (payment.Description, error) {
	return invoke(ctx, f.s, "describe", func(ctx context.Context, g payment.Gateway) (payment.Description, error) { return g.Describe(ctx) })
}

func (f facade) ValidateSettings(ctx context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	return invoke(ctx, f.s, "validate settings", func(ctx context.Context, g payment.Gateway) (payment.SettingsReport, error) {
		return g.ValidateSettings(ctx, r)
	})
}

func (f facade) Preflight(ctx context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
	return invoke(ctx, f.s, "preflight", func(ctx context.Context, g payment.Gateway) (payment.PreflightReport, error) {
		return g.Preflight(ctx, r)
	})
}

func (f facade) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	return invoke(ctx, f.s, "charge", func(ctx context.Context, g payment.Gateway) (payment.ChargeResult, error) { return g.Charge(ctx, r) })
}

func (f facade) Query(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
	return invoke(ctx, f.s, "query", func(ctx context.Context, g payment.Gateway) (payment.QueryResult, error) { return g.Query(ctx, r) })
}

func (f facade) Adjust(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
	return invoke(ctx, f.s, "adjust", func(ctx context.Context, g payment.Gateway) (payment.AdjustResult, error) { return g.Adjust(ctx, r) })
}

func invoke[R any](ctx context.Context, s *supervisor, op string, call func(context.Context, payment.Gateway) (R, error)) (result R, err error) {
	began := time.Now()
	defer func() {
		s.cfg.Observer.Called(s.name, strings.ReplaceAll(op, " ", "_"), outcome(err), time.Since(began))
	}()
	g := s.acquire()
	if g == nil {
		return result, s.notRunning(op)
	}
	defer s.release(g)
	if closed(g.gateway.Done()) {
		s.suspectIt() // it is about to be noticed
		return result, s.notReached(op, nil)
	}
	ctx, sent := marked(ctx)
	result, err = call(ctx, g.gateway)
	switch status.Code(err) {
	case codes.OK:
		g.answered.Store(true)
	case codes.Unavailable:
		s.suspectIt()
	}
	if err != nil && !sent.Load() && !payment.NotSent(err) {
		s.suspectIt()
		err = s.notReached(op, err)
	}
	return result, err
}

// notReached says of a call that nothing of it has left this process.
func (s *supervisor) notReached(op string, err error) error {
	return &payment.Error{
		Kind: payment.ErrorUnavailable, Op: op, NotSent: true, Err: err,
		Text: fmt.Sprintf("the payment plugin %s could not be reached, so the call was not sent; if the plugin has ended it is started again by itself, try later", s.name),
	}
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case payment.NotSent(err):
		return "not_sent"
	}
	return string(payment.KindOf(err))
}

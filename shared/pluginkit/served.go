package pluginkit

import (
	"context"
	"errors"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/shared/payment"
)

// served is a gateway with what the kit adds: the build in its description, and
// a log of causes, which stay in this process.
type served struct {
	gateway payment.Gateway
	log     hclog.Logger
	build   build
}

var _ payment.Gateway = (*served)(nil)

func (s *served) Describe(ctx context.Context) (payment.Description, error) {
	d, err := s.gateway.Describe(ctx)
	if s.build.version != "" {
		d.Version = s.build.version
	}
	if d.Version == "" {
		d.Version = s.build.module
	}
	if d.Revision == "" {
		d.Revision = s.build.revision
	}
	return d, s.logged(err, "describe")
}

func (s *served) ValidateSettings(ctx context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	report, err := s.gateway.ValidateSettings(ctx, r)
	return report, s.logged(err, "validate settings")
}

func (s *served) Preflight(ctx context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
	report, err := s.gateway.Preflight(ctx, r)
	return report, s.logged(err, "preflight", "company", r.Access.Company)
}

func (s *served) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	result, err := s.gateway.Charge(ctx, r)
	return result, s.logged(err, "charge", "company", r.Access.Company, "reference", r.Reference)
}

func (s *served) Query(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
	result, err := s.gateway.Query(ctx, r)
	return result, s.logged(err, "query", "company", r.Access.Company, "lookups", len(r.Lookups))
}

func (s *served) Adjust(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
	result, err := s.gateway.Adjust(ctx, r)
	return result, s.logged(err, "adjust", "company", r.Access.Company, "adjustments", len(r.Adjustments))
}

// logged writes down what the host will not learn of an error. The error itself
// is the host's to log.
func (s *served) logged(err error, call string, about ...any) error {
	if err == nil {
		return nil
	}
	about = append(about, "call", call, "error", err)
	e, ok := errors.AsType[*payment.Error](err)
	switch {
	case !ok:
		s.log.Error("a call failed with an error of no kind", about...)
	case e.Err != nil:
		s.log.Warn("a call failed", append(about, "kind", e.Kind, "cause", e.Err)...)
	}
	return err
}

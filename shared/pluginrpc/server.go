package pluginrpc

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

// ServerOptions are the limits that every server of the protocol sets.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage)}
}

// Register serves gateway on a gRPC server.
func Register(registrar grpc.ServiceRegistrar, gateway payment.Gateway) {
	pb.RegisterGatewayServer(registrar, &server{gateway: gateway})
}

// server answers the protocol's calls from a gateway.
type server struct {
	pb.UnimplementedGatewayServer
	gateway payment.Gateway
}

func (s *server) Describe(ctx context.Context, _ *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	description, err := s.gateway.Describe(ctx)
	return answer(description, err, descriptionToProto)
}

func (s *server) ValidateSettings(ctx context.Context, r *pb.ValidateSettingsRequest) (*pb.ValidateSettingsResponse, error) {
	report, err := s.gateway.ValidateSettings(ctx, settingsRequestFromProto(r))
	return answer(report, err, settingsReportToProto)
}

func (s *server) Preflight(ctx context.Context, r *pb.PreflightRequest) (*pb.PreflightResponse, error) {
	report, err := s.gateway.Preflight(ctx, preflightRequestFromProto(r))
	return answer(report, err, preflightReportToProto)
}

func (s *server) Charge(ctx context.Context, r *pb.ChargeRequest) (*pb.ChargeResponse, error) {
	req := chargeRequestFromProto(r)
	req.SendBefore = sendBefore(time.Now(), req.SendBefore, r.GetSendWithin())
	result, err := s.gateway.Charge(ctx, req)
	return answer(result, err, chargeResultToProto)
}

func (s *server) Query(ctx context.Context, r *pb.QueryRequest) (*pb.QueryResponse, error) {
	result, err := s.gateway.Query(ctx, queryRequestFromProto(r))
	return answer(result, err, queryResultToProto)
}

func (s *server) Adjust(ctx context.Context, r *pb.AdjustRequest) (*pb.AdjustResponse, error) {
	result, err := s.gateway.Adjust(ctx, adjustRequestFromProto(r))
	return answer(result, err, adjustResultToProto)
}

// sendBefore is the earlier of the moment on the wall and the end of the time
// left at arrival. It carries the monotonic reading, so that a wall clock that was
// set back on the way, or is set back from now on, does not move it.
func sendBefore(now, wall time.Time, within *durationpb.Duration) time.Time {
	if wall.IsZero() {
		return wall
	}
	left := wall.Sub(now)
	if within != nil {
		left = min(left, within.AsDuration())
	}
	return now.Add(left)
}

func answer[D, P any](result D, err error, toProto func(D) *P) (*P, error) {
	if err != nil {
		return nil, StatusError(err)
	}
	return toProto(result), nil
}

package pluginrpc

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

// Client is a payment.Gateway at the other end of a connection. It refuses by
// itself, as proven not sent, what must not or can't be sent: a call without
// deadline, one whose context has ended, a message too large, and a charge
// whose time to be sent has passed.
type Client struct {
	rpc  pb.GatewayClient
	done <-chan struct{}
	now  func() time.Time
}

var _ payment.Gateway = (*Client)(nil)

// NewClient returns a client that calls over conn.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{rpc: pb.NewGatewayClient(conn), now: time.Now}
}

// Done is closed when the plugin's process has ended. It is nil, and so never
// ready, for a client that knows of no process.
func (c *Client) Done() <-chan struct{} { return c.done }

// Describe implements payment.Gateway.
func (c *Client) Describe(ctx context.Context) (payment.Description, error) {
	response, err := call(ctx, verb{name: "describe"}, &pb.DescribeRequest{}, c.rpc.Describe)
	if err != nil {
		return payment.Description{}, err
	}
	return descriptionFromProto(response), nil
}

// ValidateSettings implements payment.Gateway.
func (c *Client) ValidateSettings(ctx context.Context, req payment.SettingsRequest) (payment.SettingsReport, error) {
	response, err := call(ctx, verb{name: "validate settings"}, settingsRequestToProto(req), c.rpc.ValidateSettings)
	if err != nil {
		return payment.SettingsReport{}, err
	}
	return settingsReportFromProto(response), nil
}

// Preflight implements payment.Gateway.
func (c *Client) Preflight(ctx context.Context, req payment.PreflightRequest) (payment.PreflightReport, error) {
	response, err := call(ctx, verb{name: "preflight"}, preflightRequestToProto(req), c.rpc.Preflight)
	if err != nil {
		return payment.PreflightReport{}, err
	}
	return preflightReportFromProto(response), nil
}

// Charge implements payment.Gateway. The call ends payment.CallSlack after
// SendBefore, even if ctx would allow more.
func (c *Client) Charge(ctx context.Context, req payment.ChargeRequest) (payment.ChargeResult, error) {
	if !c.now().Before(req.SendBefore) {
		return payment.ChargeResult{}, &payment.Error{
			Kind: payment.ErrorUnavailable, Op: "charge", NotSent: true,
			Text: "the time to send this charge had passed before it reached the payment plugin; a new attempt is needed",
		}
	}
	ctx, cancel := withDeadline(ctx, req.SendBefore.Add(payment.CallSlack))
	defer cancel()
	request := chargeRequestToProto(req)
	// Measured last: by the monotonic clock, if SendBefore carries its reading.
	request.SendWithin = durationpb.New(req.SendBefore.Sub(c.now()))
	response, err := call(ctx, verb{name: "charge", changes: true}, request, c.rpc.Charge)
	if err != nil {
		return payment.ChargeResult{}, err
	}
	return chargeResultFromProto(response), nil
}

// Query implements payment.Gateway.
func (c *Client) Query(ctx context.Context, req payment.QueryRequest) (payment.QueryResult, error) {
	response, err := call(ctx, verb{name: "query"}, queryRequestToProto(req), c.rpc.Query)
	if err != nil {
		return payment.QueryResult{}, err
	}
	return queryResultFromProto(response), nil
}

// Adjust implements payment.Gateway.
func (c *Client) Adjust(ctx context.Context, req payment.AdjustRequest) (payment.AdjustResult, error) {
	response, err := call(ctx, verb{name: "adjust", changes: true}, adjustRequestToProto(req), c.rpc.Adjust)
	if err != nil {
		return payment.AdjustResult{}, err
	}
	return adjustResultFromProto(response), nil
}

// verb is one call of the protocol.
type verb struct {
	name string
	// changes says that the call may change something at the gateway, so that a
	// lost answer is doubt.
	changes bool
}

// withDeadline brings a deadline forward. It gives none to a context that has
// none, so that call refuses it.
func withDeadline(ctx context.Context, latest time.Time) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, latest)
}

func call[Q, R proto.Message](ctx context.Context, v verb, request Q,
	rpc func(context.Context, Q, ...grpc.CallOption) (R, error),
) (R, error) {
	var none R
	if err := sendable(ctx, request); err != nil {
		err.Op, err.NotSent = v.name, true
		return none, err
	}
	response, err := rpc(ctx, request,
		grpc.MaxCallSendMsgSize(MaxMessage), grpc.MaxCallRecvMsgSize(MaxMessage))
	if err != nil {
		return none, errorFrom(v, err)
	}
	return response, nil
}

// sendable finds what would stop a request before its first byte. gRPC would
// find it too, but its refusals look the same as those of a lost connection.
func sendable(ctx context.Context, request proto.Message) *payment.Error {
	if err := ctx.Err(); err != nil {
		return &payment.Error{
			Kind: payment.ErrorUnavailable, Err: err,
			Text: "the call was cancelled, or its time was up, before it was sent",
		}
	}
	if _, ok := ctx.Deadline(); !ok {
		return &payment.Error{
			Kind: payment.ErrorInvalid,
			Text: "a call to a payment plugin needs a deadline; give its context one",
		}
	}
	wire, err := proto.Marshal(request)
	if err != nil {
		return &payment.Error{
			Kind: payment.ErrorInvalid,
			Text: "a text in the request or in the settings is not UTF-8; enter it again",
		}
	}
	if len(wire) > MaxMessage {
		return &payment.Error{
			Kind: payment.ErrorInvalid,
			Text: fmt.Sprintf("the request is %d bytes long; the most is %d", len(wire), MaxMessage),
		}
	}
	return nil
}

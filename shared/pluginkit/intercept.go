package pluginkit

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// recovering turns a panic into an error of the one call it happened in. How
// far the call had got is not known.
func recovering(log hclog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
		defer func() {
			if value := recover(); value != nil {
				log.Error("a call panicked", "method", info.FullMethod, "panic", panicText(value), "stack", string(debug.Stack()))
				answer, err = nil, pluginrpc.StatusError(&payment.Error{
					Kind: payment.ErrorUnknown,
					Op:   strings.ToLower(strings.TrimPrefix(info.FullMethod, pluginrpc.ServicePath)),
					Text: "the payment plugin failed inside the call; its log holds the place. Whether the gateway acted is not known",
				})
			}
		}()
		return handler(ctx, req)
	}
}

// panicText tells of a panic without its value, which may hold anything, a
// request with its secrets included. The runtime's own say what went wrong and
// hold no data.
func panicText(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", value)
}

// needingDeadline refuses calls that could last for ever. What go-plugin calls
// for itself is let through.
func needingDeadline() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if _, ok := ctx.Deadline(); !ok && strings.HasPrefix(info.FullMethod, pluginrpc.ServicePath) {
			return nil, pluginrpc.StatusError(&payment.Error{
				Kind: payment.ErrorInvalid, NotSent: true,
				Op:   strings.ToLower(strings.TrimPrefix(info.FullMethod, pluginrpc.ServicePath)),
				Text: "a call to a payment plugin needs a deadline; the host sent none",
			})
		}
		return handler(ctx, req)
	}
}

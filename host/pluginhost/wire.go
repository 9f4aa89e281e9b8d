package pluginhost

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// wireKey finds the mark of one call in its context.
type wireKey struct{}

// marked gives a context under which a call marks that it was put on the wire.
func marked(ctx context.Context) (context.Context, *atomic.Bool) {
	sent := &atomic.Bool{}
	return context.WithValue(ctx, wireKey{}, sent), sent
}

// wireWatch marks calls. A call gets its mark, before it returns, once its
// header was handed to a connection: without one nothing of it has left this
// process, although gRPC tells of both in the same words.
type wireWatch struct{}

var _ stats.Handler = wireWatch{}

// TagRPC implements stats.Handler.
func (wireWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (wireWatch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.OutHeader); !ok {
		return
	}
	if sent, ok := ctx.Value(wireKey{}).(*atomic.Bool); ok {
		sent.Store(true)
	}
}

// TagConn implements stats.Handler.
func (wireWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (wireWatch) HandleConn(context.Context, stats.ConnStats) {}

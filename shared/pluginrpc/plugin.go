package pluginrpc

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/chargehand/chargehand/shared/payment"
)

// grpcPlugin joins this package to go-plugin.
type grpcPlugin struct {
	// The other transport of go-plugin is refused.
	goplugin.NetRPCUnsupportedPlugin
	gateway payment.Gateway // nil on the host's side
}

var _ goplugin.GRPCPlugin = (*grpcPlugin)(nil)

// GRPCServer is called in the plugin.
func (p *grpcPlugin) GRPCServer(_ *goplugin.GRPCBroker, server *grpc.Server) error {
	if p.gateway == nil {
		return errors.New("serve payment plugin: no gateway was given")
	}
	Register(server, p.gateway)
	return nil
}

// GRPCClient is called in the host; ctx ends when the process has.
func (p *grpcPlugin) GRPCClient(ctx context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	client := NewClient(conn)
	client.done = ctx.Done()
	return client, nil
}

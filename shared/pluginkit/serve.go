package pluginkit

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// certificateEnv is where go-plugin's host puts its certificate.
const certificateEnv = "PLUGIN_CLIENT_CERT"

// serve answers the host's calls until it says to stop.
func serve(o Options) int {
	parent := os.Getppid()
	handshake := pluginrpc.Handshake()
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue {
		usage(os.Stderr)
		return exitUsage
	}
	if os.Getenv(certificateEnv) == "" {
		fmt.Fprintln(os.Stderr, "the host gave no certificate; a payment plugin is served over a private connection only (set AutoMTLS in the host)")
		return exitUsage
	}
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)

	// go-plugin replaces os.Stderr when it serves, by a pipe that blocks once
	// nobody reads it. The logger keeps the one from the start.
	log := newLogger(os.Stderr)
	watchHost(log, parent, func() {
		removeSockets()
		endGroup()
		os.Exit(exitOK) //nolint:revive // Nobody is left to return to.
	})
	gateway, err := o.gateway(log)
	if err != nil {
		log.Error("the plugin can't start", "error", err)
		return exitFailed
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: pluginrpc.Plugins(gateway),
		Logger:           log.Named("go-plugin"),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return newServer(log, options)
		},
	})
	return exitOK
}

func newServer(log hclog.Logger, options []grpc.ServerOption) *grpc.Server {
	options = append(options, pluginrpc.ServerOptions()...)
	options = append(options, grpc.ChainUnaryInterceptor(recovering(log), needingDeadline()))
	return grpc.NewServer(options...)
}

// newLogger writes the lines that the host reads. Which levels are of interest
// is the host's choice.
func newLogger(w io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: w, JSONFormat: true, Level: hclog.Debug})
}

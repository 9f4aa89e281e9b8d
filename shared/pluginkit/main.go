package pluginkit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// Options say what to serve.
type Options struct {
	// New makes the gateway. It is called once, before the first call, and
	// reaches no network. The logger may be kept.
	New func(log hclog.Logger) (payment.Gateway, error)
	// Version of the plugin's build. It takes the place of what the gateway's
	// Describe says; empty leaves that, or else what the Go tool recorded.
	Version string
}

// describeLimit bounds "describe", which reaches no network.
const describeLimit = 5 * time.Second

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main is the main function of a plugin. It returns the exit code when the host
// has ended the plugin, and at once for the commands that people use.
func Main(o Options) int {
	switch args := os.Args[1:]; {
	case len(args) == 0:
		return serve(o)
	case len(args) == 1 && args[0] == "describe":
		return describe(o, os.Stdout, os.Stderr)
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h" || args[0] == "help"):
		usage(os.Stdout)
		return exitOK
	default:
		usage(os.Stderr)
		return exitUsage
	}
}

func usage(w io.Writer) {
	fmt.Fprintf(w, `%[1]s is a payment plugin of Chargehand. The host starts it; by itself it does nothing.

Usage:
  %[1]s describe   print what the plugin is and which settings it takes, as JSON
  %[1]s --help     print this
`, filepath.Base(os.Args[0]))
}

// Self is what "describe" prints.
type Self struct {
	Type             string              `json:"type"`              // "payment"
	ProtocolVersions []int               `json:"protocol_versions"` // newest last
	Plugin           payment.Description `json:"plugin"`
}

func describe(o Options, stdout, stderr io.Writer) int {
	gateway, err := o.gateway(newLogger(stderr))
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	ctx, cancel := context.WithTimeout(context.Background(), describeLimit)
	defer cancel()
	description, err := gateway.Describe(ctx)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	encoder := json.NewEncoder(stdout)
	encoder.SetIndent("", "  ")
	self := Self{
		Type:             pluginrpc.PluginType,
		ProtocolVersions: []int{pluginrpc.ProtocolVersion},
		Plugin:           description,
	}
	if err := encoder.Encode(self); err != nil {
		fmt.Fprintln(stderr, "print the description:", err)
		return exitFailed
	}
	return exitOK
}

// gateway makes the gateway, and refuses one that printed: its text would be
// taken for the handshake.
func (o Options) gateway(log hclog.Logger) (payment.Gateway, error) {
	var gateway payment.Gateway
	printed, err := capture(func() (err error) {
		gateway, err = o.New(log)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("make the gateway: %w", err)
	case gateway == nil:
		return nil, fmt.Errorf("make the gateway: the constructor returned none")
	case printed != "":
		return nil, fmt.Errorf("the plugin wrote %q to standard output, which belongs to the host; write to the logger instead", printed)
	}
	return &served{gateway: gateway, log: log, build: readBuild(o.Version)}, nil
}

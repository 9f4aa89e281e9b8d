// Command testplugin is a payment plugin to test hosts and the kit with: a
// gateway in memory that misbehaves on demand. How it starts is chosen by the
// environment variable TESTPLUGIN_START, what it says it is by
// TESTPLUGIN_VERSION, TESTPLUGIN_NAME and TESTPLUGIN_LACKS, what a charge does
// by the setting "do", and validating the setting "report" tells of the process.
// A variable with the beginning of the binary's checksum at its end is for that
// build alone.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
	"github.com/chargehand/chargehand/shared/pluginkit"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// stderr is the one the process was started with: go-plugin swaps os.Stderr.
var stderr = os.Stderr

func main() {
	version := variable("TESTPLUGIN_VERSION")
	if version == "" {
		version = "1.2.3"
	}
	options := pluginkit.Options{Version: version, New: func(log hclog.Logger) (payment.Gateway, error) {
		return &gateway{Memory: &paymenttest.Memory{}, log: log}, nil
	}}
	switch variable("TESTPLUGIN_START") {
	case "slow":
		time.Sleep(time.Hour)
	case "noise":
		fmt.Fprintln(os.Stdout, "hello, I am a plugin")
	case "exit":
		os.Exit(7)
	case "error":
		options.New = func(hclog.Logger) (payment.Gateway, error) { return nil, errors.New("no licence") }
	case "none":
		options.New = func(hclog.Logger) (payment.Gateway, error) { return nil, nil }
	case "print":
		options.New = func(hclog.Logger) (payment.Gateway, error) {
			fmt.Fprintln(os.Stdout, "made it")
			return &paymenttest.Memory{}, nil
		}
	case "version":
		handshake := pluginrpc.Handshake()
		handshake.ProtocolVersion = 99
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig:  handshake,
			VersionedPlugins: map[int]goplugin.PluginSet{99: pluginrpc.Plugins(&paymenttest.Memory{})[1]},
			GRPCServer:       goplugin.DefaultGRPCServer,
		})
		return
	case "cookie":
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig:  goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "ANOTHER_HOST", MagicCookieValue: "storage"},
			VersionedPlugins: pluginrpc.Plugins(&paymenttest.Memory{}),
			GRPCServer:       goplugin.DefaultGRPCServer,
		})
		return
	case "linger":
		pluginkit.Main(options)
		fmt.Fprintln(stderr, "lingering")
		time.Sleep(time.Hour)
	case "grandchild":
		child := exec.CommandContext(context.Background(), "sleep", "3600")
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			os.Exit(8)
		}
	}
	os.Exit(pluginkit.Main(options))
}

// variable is an environment variable, as it is for this build: a host executes
// a binary from a folder that is named by its checksum.
func variable(name string) string {
	if sum := filepath.Base(filepath.Dir(os.Args[0])); len(sum) == 64 {
		if value, ok := os.LookupEnv(name + "_" + sum[:12]); ok {
			return value
		}
	}
	return os.Getenv(name)
}

// gateway is a Memory that does as it is told.
type gateway struct {
	*paymenttest.Memory
	log hclog.Logger
}

func (g *gateway) Describe(ctx context.Context) (payment.Description, error) {
	d, err := g.Memory.Describe(ctx)
	if name := variable("TESTPLUGIN_NAME"); name != "" {
		d.Name = name
	}
	if lacks := variable("TESTPLUGIN_LACKS"); lacks != "" {
		d.Settings = slices.DeleteFunc(d.Settings, func(f payment.Field) bool { return f.Name == lacks })
	}
	return d, err
}

// ValidateSettings answers "report" with one problem for each environment
// variable, or with one if what it is to try fails.
func (g *gateway) ValidateSettings(ctx context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	var report payment.SettingsReport
	switch r.Settings["report"] {
	case "environment":
		for _, variable := range os.Environ() {
			name, value, _ := strings.Cut(variable, "=")
			report.Problems = append(report.Problems, payment.FieldProblem{Field: name, Text: value})
		}
		return report, nil
	case "panic":
		panic(r.Settings["password"])
	case "try":
		if err := try(ctx, r.Settings["what"], r.Settings["with"]); err != nil {
			report.Problems = []payment.FieldProblem{{Field: r.Settings["what"], Text: err.Error()}}
		}
		return report, nil
	}
	return g.Memory.ValidateSettings(ctx, r)
}

func (g *gateway) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	switch r.Access.Settings["do"] {
	case "panic":
		panic("the password is " + r.Access.Settings["password"])
	case "index":
		return payment.ChargeResult{Code: strings.Split("", ",")[len(r.Reference)]}, nil
	case "exit":
		os.Exit(9) //nolint:revive // A crash is the point.
	case "crash":
		go func() { panic("the password is " + r.Access.Settings["password"]) }()
		<-ctx.Done()
	case "wait":
		fmt.Fprintln(stderr, "waiting")
		<-ctx.Done()
		return payment.ChargeResult{}, ctx.Err()
	case "journal":
		fmt.Fprintln(stderr, "begun", r.Reference)
	case "junk":
		junk := make([]byte, 64<<10)
		for i := range junk {
			junk[i] = byte(i * 7)
		}
		for _, piece := range [][]byte{bytes.Repeat([]byte("x"), 1<<20), []byte("\n"), junk, []byte("\n")} {
			if _, err := stderr.Write(piece); err != nil {
				return payment.ChargeResult{}, err
			}
		}
	case "big":
		return payment.ChargeResult{Outcome: payment.OutcomeApproved, Reason: strings.Repeat("x", 5<<20)}, nil
	case "fail":
		return payment.ChargeResult{}, errors.New("the cause")
	case "refuse":
		return payment.ChargeResult{}, &payment.Error{Kind: payment.ErrorInvalid, Text: "no", NotSent: true, Err: errors.New("the cause")}
	case "write":
		fmt.Fprintln(stderr, r.Access.Settings["text"])
	case "log":
		g.log.Warn("a line", "reference", r.Reference, "password", r.Access.Settings["password"])
	}
	return g.Memory.Charge(ctx, r)
}

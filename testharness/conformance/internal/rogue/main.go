// Command rogue is the example plugin with something wrong, to prove that the
// conformance kit finds it. The environment variable ROGUE says what, joined by
// commas; without it nothing is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/chargehand/chargehand/plugin/example"
	"github.com/chargehand/chargehand/plugin/example/sandbox"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/pluginkit"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// stderr is the one the process was started with: go-plugin swaps os.Stderr.
var stderr = os.Stderr

func main() {
	if len(os.Args) == 2 && os.Args[1] == "sandbox" {
		os.Exit(sandbox.Main(os.Stdin, os.Stdout, os.Stderr))
	}
	options := pluginkit.Options{Version: "1.0.0", New: newGateway}
	hosted := os.Getenv(pluginrpc.Handshake().MagicCookieKey) == pluginrpc.PluginType && len(os.Args) == 1
	switch {
	case is("prints first") && hosted:
		fmt.Fprintln(os.Stdout, "hello, I am a plugin")
	case is("never starts"):
		select {}
	case is("exits"):
		os.Exit(7)
	case is("stays") && hosted && os.Getenv("ROGUE_CHILD") == "":
		os.Exit(shim())
	case is("without the kit"):
		os.Exit(bare(hosted))
	case is("without a word") && !hosted:
		return
	}
	code := pluginkit.Main(options)
	if is("lingers") && hosted {
		select {}
	}
	os.Exit(code)
}

// is reports whether this is to go wrong.
func is(how string) bool { return slices.Contains(strings.Split(os.Getenv("ROGUE"), ","), how) }

// bare serves as who knows go-plugin alone would.
func bare(hosted bool) int {
	gateway, err := newGateway(hclog.NewNullLogger())
	if err != nil || !hosted {
		fmt.Fprintln(os.Stderr, "this is a plugin")
		return 1
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: pluginrpc.Handshake(), VersionedPlugins: pluginrpc.Plugins(gateway),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server { return grpc.NewServer(o...) },
	})
	return 0
}

// shim runs the plugin as a child, as a script around an interpreter does, and
// does not notice the end of the host.
func shim() int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	child := exec.CommandContext(context.Background(), os.Args[0]) //nolint:gosec // This program itself.
	child.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, pluginrpc.LifelineEnv) }), "ROGUE_CHILD=1")
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		return 1
	}
	return 0
}

type gateway struct {
	*example.Gateway
	log hclog.Logger
	mu  sync.Mutex
	// running is how many charges there are at the moment.
	running atomic.Int64
}

func newGateway(log hclog.Logger) (payment.Gateway, error) {
	if is("dies of SIGTERM") {
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGTERM)
		go func() {
			<-told
			os.Exit(0) //nolint:revive // As most programs do.
		}()
	}
	if is("litters") {
		if err := os.WriteFile("state", []byte("what a plugin keeps"), 0o600); err != nil {
			return nil, err
		}
	}
	if is("leaves a child") {
		if err := exec.CommandContext(context.Background(), "/bin/sleep", "600").Start(); err != nil {
			return nil, err
		}
	}
	return &gateway{Gateway: example.New(os.Getenv("EXAMPLE_URL")), log: log}, nil
}

// Describe implements payment.Gateway.
func (g *gateway) Describe(ctx context.Context) (payment.Description, error) {
	d, err := g.Gateway.Describe(ctx)
	d.Version = "1.0.0"
	d.Settings = slices.Clone(d.Settings)
	if is("shows secrets") {
		d.Settings[1].Kind = payment.FieldText
	}
	if is("changes its mind") {
		d.Title = time.Now().String()
	}
	return d, err
}

// ValidateSettings implements payment.Gateway.
func (g *gateway) ValidateSettings(ctx context.Context, r payment.SettingsRequest) (payment.SettingsReport, error) {
	report, err := g.Gateway.ValidateSettings(ctx, r)
	if is("takes all settings") {
		report.Problems = nil
	}
	if is("wants all settings") && r.Partial && len(r.Settings) == 0 {
		report.Problems = []payment.FieldProblem{{Field: "key", Label: "Key", Rule: "required", Text: "Enter it."}}
	}
	return report, err
}

// Preflight implements payment.Gateway.
func (g *gateway) Preflight(ctx context.Context, r payment.PreflightRequest) (payment.PreflightReport, error) {
	report, err := g.Gateway.Preflight(ctx, r)
	if is("passes without an answer") && err != nil {
		return payment.PreflightReport{Findings: []payment.Finding{{Check: "gateway", Level: payment.LevelOK, Text: "Nothing was found wrong."}}}, nil //nolint:nilerr // Which is wrong.
	}
	return report, err
}

// Charge implements payment.Gateway.
func (g *gateway) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	g.running.Add(1)
	defer g.running.Add(-1)
	ctx, r = g.before(ctx, r)
	if is("takes turns") {
		g.mu.Lock()
		defer g.mu.Unlock()
	}
	result, err := g.Gateway.Charge(ctx, r)
	if err != nil {
		return result, err
	}
	return g.after(ctx, r, result)
}

// before is what goes wrong before a charge.
func (g *gateway) before(ctx context.Context, r payment.ChargeRequest) (context.Context, payment.ChargeRequest) {
	declined := r.Amount.Minor == sandbox.Declined
	if is("prints") {
		fmt.Fprintln(os.Stdout, "charging", r.Reference)
	}
	if is("logs secrets") {
		g.log.Info("charging", "with", r.Access.Settings["key"])
	}
	if is("babbles") {
		fmt.Fprintln(stderr, `{"@message":1,"@level":{},"@timestamp":[]}`)
		fmt.Fprintln(stderr, strings.Repeat("\xff\x00", 1<<16))
	}
	if is("forgets deadlines") {
		ctx = context.WithoutCancel(ctx)
	}
	if is("has no end of patience") {
		r.AnswerWithin = 0
	}
	if is("has no hurry") && !r.SendBefore.IsZero() {
		r.SendBefore = time.Now().Add(time.Hour)
	}
	if is("goes where the settings lead") {
		r.Access.Site = r.Access.Settings["account"]
	}
	if is("panics") && declined {
		panic(r.Access.Settings["key"])
	}
	if is("crashes") && declined {
		os.Exit(9) //nolint:revive // A crash is the point.
	}
	if is("hangs") && declined {
		select {}
	}
	return ctx, r
}

// after is what goes wrong after a charge.
func (g *gateway) after(ctx context.Context, r payment.ChargeRequest, result payment.ChargeResult) (payment.ChargeResult, error) {
	unknown := result.Outcome == payment.OutcomeUnknown
	if is("resends") && unknown {
		return g.Gateway.Charge(ctx, r)
	}
	if is("queries") && result.Outcome != payment.OutcomeNotSent {
		_, _ = g.Query(ctx, payment.QueryRequest{Access: r.Access, Lookups: []payment.Lookup{{Reference: r.Reference}}})
	}
	if is("declines what is lost") && unknown {
		result.Outcome, result.Decline = payment.OutcomeDeclined, payment.DeclineSoft
	}
	if is("approves what is lost") && unknown {
		result.Outcome = payment.OutcomeApproved
	}
	if is("denies what is lost") && unknown {
		result.Outcome = payment.OutcomeNotSent
	}
	if is("fails without a kind") && result.Outcome == payment.OutcomeDeclined {
		return result, errors.New("declined")
	}
	if is("releases what is held") && result.Outcome == payment.OutcomeHeld {
		result.Outcome = payment.OutcomeApproved
	}
	if is("tells secrets") {
		result.Evidence += " key=" + r.Access.Settings["key"]
	}
	if is("gives no reason") {
		result.Reason = ""
	}
	if is("mixes up") && g.running.Load() > 1 && result.Transaction != nil {
		result.Transaction.ID = "ex-1"
	}
	return result, nil
}

// Query implements payment.Gateway.
func (g *gateway) Query(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
	if is("goes where the settings lead") {
		r.Access.Site = r.Access.Settings["account"]
	}
	result, err := g.Gateway.Query(ctx, r)
	if is("takes silence for absence") && payment.KindOf(err) == payment.ErrorUnavailable {
		return payment.QueryResult{}, nil
	}
	if is("finds one of many") && len(r.Lookups) > 1 && len(result.Transactions) > 0 {
		result.Transactions = nil
	}
	return result, err
}

// Adjust implements payment.Gateway.
func (g *gateway) Adjust(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
	if is("releases in turn") && len(r.Adjustments) > 50 {
		r.Adjustments = r.Adjustments[:50]
	}
	result, err := g.Gateway.Adjust(ctx, r)
	if is("believes in releases") && err != nil && !payment.NotSent(err) {
		for _, a := range r.Adjustments {
			result.Adjusted = append(result.Adjusted, payment.Adjusted{ID: a.ID, Accepted: true})
		}
		return result, nil
	}
	if is("unordered") {
		slices.Reverse(result.Adjusted)
	}
	return result, err
}

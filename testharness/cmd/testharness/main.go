// Command testharness runs what the product is tested with: the gateway
// simulator, and runs of the whole system against it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// version is set when the binary is built.
var version = "unknown"

// commands is the root of the command line: one field per command, each in a
// file of its own.
type commands struct {
	Demo        demoCommand        `cmd:"" help:"Charge orders end to end against the simulator while things go wrong, and compare the ledgers."`
	Run         runCommand         `cmd:"" help:"Start the simulator and a host, and stay."`
	Bench       benchCommand       `cmd:"" help:"Measure speed and memory of the whole system."`
	Chaos       chaosCommand       `cmd:"" help:"Kill, stop and cut everything while orders are charged, and see whether the money comes out even."`
	Conformance conformanceCommand `cmd:"" help:"Examine a payment plugin, in whatever language, over the real protocol."`
	Gateway     gatewayCommand     `cmd:"" help:"Run the gateway simulator until it is interrupted."`
	Host        hostCommand        `cmd:"" hidden:"" help:"Run a host with a clock that is wrong, for runs that start one."`
	Record      recordCommand      `cmd:"" help:"Record what passes between a client and a gateway, masked, until it is interrupted."`
	Compare     compareCommand     `cmd:"" help:"Play a recording to the simulator and compare the answers."`
	VT          vtCommand          `cmd:"" name:"vt" help:"Enter a payment in the Virtual Terminal and print its reference."`
	Ledger      ledgerCommand      `cmd:"" help:"Print every transaction of a running simulator."`
	Tick        tickCommand        `cmd:"" help:"Move the settlement clock of a running simulator ahead."`
	Bank        bankCommand        `cmd:"" help:"List bank sessions of a running simulator, or decide them."`
	Fault       faultCommand       `cmd:"" help:"Add, list or clear faults of a running simulator."`
	Notify      notifyCommand      `cmd:"" help:"What a running simulator tells to which URL, and what became of it."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Must(&commands{}, options(ctx)...)
	parsed, err := k.Parse(os.Args[1:])
	k.FatalIfErrorf(err)
	k.FatalIfErrorf(parsed.Run())
}

func options(ctx context.Context) []kong.Option {
	return []kong.Option{
		kong.Name("testharness"),
		kong.Description("Runs what the product is tested with."),
		kong.UsageOnError(),
		kong.Vars{"version": version, "site": gateway.DefaultSite},
		kong.BindTo(ctx, (*context.Context)(nil)),
	}
}

// Command chargehand runs a host, prepares its database and keys, and speaks to
// a running host's API.
//
// Exit codes: 0 done; 1 failed here; 2 wrong usage; 3 the host refused; 4 the
// host could not be reached or could not do it now; 5 the answer is "do not
// produce"; 6 the answer is "wait".
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
)

// version is set by the build.
var version = "dev"

type cli struct {
	Serve     serveCmd     `cmd:"" help:"Run the host until it is told to stop."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database to the schema that this program needs."`
	Config    configCmd    `cmd:"" help:"Print the configuration in force, secrets left out."`
	Restored  restoredCmd  `cmd:"" help:"After the database was put back from a backup: sweep the gateways, and let charging go on."`
	Key       keyCmd       `cmd:"" help:"Make key files and platform API keys."`
	Plugin    pluginCmd    `cmd:"" help:"List plugins, replace them while calls run, or write a plugin's manifest."`
	Company   companyCmd   `cmd:"" help:"Create and list fulfillers and sales channels."`
	Link      linkCmd      `cmd:"" help:"Link fulfillers and sales channels, and switch links on."`
	Settings  settingsCmd  `cmd:"" help:"Show and change advanced settings."`
	Preflight preflightCmd `cmd:"" help:"Try a link's settings without moving money."`
	Order     orderCmd     `cmd:"" help:"Place, read and cancel orders."`
	Charge    chargeCmd    `cmd:"" help:"List charges, above all those that need a person."`
	Explain   explainCmd   `cmd:"" help:"Tell the story of an order or a charge: every state, when, why, and what happens next."`

	URL     string           `help:"Address of the host's API." env:"CHARGEHAND_URL" default:"http://127.0.0.1:8420" placeholder:"URL"`
	APIKey  string           `help:"API key." env:"CHARGEHAND_KEY" placeholder:"KEY"`
	JSON    bool             `help:"Print JSON for machines."`
	Version kong.VersionFlag `help:"Print the version."`
}

const (
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitUnavailable = 4
	exitNo          = 5
	exitWait        = 6
)

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

func main() {
	if confine.Asked() {
		os.Exit(confine.Main())
	}
	var c cli
	parser, err := kong.New(&c, kong.Name("chargehand"),
		kong.Description("Charges retailers for the cost of each order, never twice, and never by guessing.\n\n"+
			"Example: chargehand order place --channel shop-1 --fulfiller printer-1 --reference A-1001 --amount 1250 --currency GBP --wait 10"),
		kong.Vars{"version": version}, kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(os.Stderr, "chargehand:", err)
		os.Exit(exitFailed)
	}
	ctx, err := parser.Parse(os.Args[1:])
	if err != nil {
		parser.Errorf("%s", err)
		os.Exit(exitUsage)
	}
	if err := ctx.Run(&c); err != nil {
		code := exitFailed
		if e, ok := errors.AsType[*exitError](err); ok {
			code = e.code
		}
		if err.Error() != "" {
			fmt.Fprintln(os.Stderr, "chargehand:", err)
		}
		os.Exit(code)
	}
}

// Command example is the example plugin as a program. The host starts it
// without arguments; "example describe" prints what it is, and "example
// sandbox" plays the gateway it charges through.
package main

import (
	"os"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/plugin/example"
	"github.com/chargehand/chargehand/plugin/example/sandbox"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/pluginkit"
)

// version is set by the build.
var version = "dev"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "sandbox" {
		os.Exit(sandbox.Main(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(pluginkit.Main(pluginkit.Options{New: newGateway, Version: version}))
}

func newGateway(hclog.Logger) (payment.Gateway, error) {
	return example.New(os.Getenv("EXAMPLE_URL")), nil
}

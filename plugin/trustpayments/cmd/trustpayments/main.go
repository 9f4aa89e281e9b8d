// Command trustpayments is the Trust Payments plugin as a program: the host
// starts it, "trustpayments describe" prints what it is.
package main

import (
	"os"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/plugin/trustpayments"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/pluginkit"
)

// version is set by the build.
var version string

func main() {
	os.Exit(pluginkit.Main(pluginkit.Options{New: newGateway, Version: version}))
}

func newGateway(log hclog.Logger) (payment.Gateway, error) {
	cfg := trustpayments.ConfigFromEnvironment(os.Getenv, version)
	if hosts := cfg.Hosts(); len(hosts) > 0 {
		log.Warn("the environment leads to another gateway than that of Trust Payments", "hosts", hosts)
	}
	return trustpayments.New(cfg)
}

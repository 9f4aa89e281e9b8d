package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/myst"
)

type gatewayCommand struct {
	Listen  string           `default:"127.0.0.1:0" help:"Address of the HTTPS service (${default}; port 0 picks a free one)."`
	Admin   string           `default:"127.0.0.1:0" help:"Loopback address of the admin API (${default})."`
	Dir     string           `required:"" type:"path" help:"Folder that gets ca.pem and gateway.json once the simulator answers."`
	Script  []string         `type:"existingfile" sep:"none" placeholder:"FILE" help:"Fault script to begin with; may be given more than once. See testharness fault add --help."`
	Story   []string         `placeholder:"NAME" help:"Ready story to begin with; may be given more than once. See testharness fault stories."`
	Rules   string           `type:"existingfile" help:"Notification rules to begin with: a JSON list."`
	Latency gateway.Duration `default:"0s" help:"Time added to every call (${default})."`
	Journal string           `type:"path" help:"File that keeps what the simulator holds, so that it goes on there when it is started again, even after a kill."`
	Speed   float64          `default:"1" help:"How fast the settlement clock runs: with 1440 a minute is a day (${default})."`
	Calls   int              `default:"0" help:"How many request elements to remember as they arrived, for GET /calls (${default})."`
	Keep    int              `placeholder:"N" help:"Transactions kept in memory and journal: above it the oldest that are settled, cancelled or declined are forgotten. Left out: all."`
	Seed    uint64           `help:"Seed of all that is random. Left out: another one each time, printed at the start."`
	JSON    bool             `name:"json" help:"Print what gateway.json says as one line of JSON once the simulator answers."`
}

// Help is shown by --help.
func (*gatewayCommand) Help() string {
	return `Starts with one user (` + gateway.DefaultUser + `, password ` + gateway.DefaultPassword + `) on one test site
(` + gateway.DefaultSite + `). Where it listens, and everything a client needs, is in DIR/gateway.json.

Example:
  testharness gateway --dir /tmp/gateway --latency 50ms
  testharness gateway --dir /tmp/gateway --script faults.yaml --story slow-bank --seed 7
  testharness gateway --dir /tmp/gateway --speed 1440 --json`
}

// Run serves until the context ends.
func (c *gatewayCommand) Run(ctx context.Context, k *kong.Kong) error {
	if c.Seed == 0 {
		c.Seed = rand.Uint64() //nolint:gosec // a number to tell runs apart
	}
	cfg := gateway.Config{Seed: c.Seed, Speed: c.Speed, Journal: c.Journal, Keep: c.Keep, Calls: c.Calls, Switches: gateway.Switches{Latency: c.Latency}}
	for _, file := range c.Script {
		faults, err := readScript(file)
		if err != nil {
			return err
		}
		cfg.Faults = append(cfg.Faults, faults...)
	}
	stories, err := readStories(c.Story)
	if err != nil {
		return err
	}
	cfg.Faults = append(cfg.Faults, stories...)
	if c.Rules != "" {
		list, err := os.ReadFile(c.Rules)
		if err != nil {
			return fmt.Errorf("read notification rules: %w", err)
		}
		if cfg.NotificationRules, err = gateway.ParseNotificationRules(list); err != nil {
			return fmt.Errorf("notification rules %s: %w", c.Rules, err)
		}
	}
	g, err := gateway.New(cfg)
	if err != nil {
		return fmt.Errorf("make gateway: %w", err)
	}
	s, err := g.Start(ctx, gateway.Listen{JSON: c.Listen, Admin: c.Admin, Dir: c.Dir, Pages: myst.New(g)})
	if err != nil {
		return fmt.Errorf("run gateway: %w", err)
	}
	if err := c.print(k.Stdout, s); err != nil {
		return errors.Join(err, s.Close())
	}
	<-ctx.Done()
	if err := s.Close(); err != nil {
		return fmt.Errorf("stop gateway: %w", err)
	}
	return nil
}

// print tells where it listens.
func (c *gatewayCommand) print(w io.Writer, s *gateway.Server) error {
	var err error
	if c.JSON {
		err = json.NewEncoder(w).Encode(s.Info(filepath.Join(c.Dir, "ca.pem")))
	} else {
		_, err = fmt.Fprintf(w, "service  %s\nadmin    %s\nMyST     %s/myst/ (in a browser)\nfolder   %s (ca.pem, gateway.json)\nseed     %d\n",
			s.JSONURL(), s.AdminURL(), s.AdminURL(), c.Dir, c.Seed)
	}
	if err != nil {
		return fmt.Errorf("print addresses: %w", err)
	}
	return nil
}

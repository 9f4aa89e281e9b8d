package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"

	"github.com/chargehand/chargehand/testharness/chaos"
)

type chaosCommand struct {
	binFlag
	Orders   int           `default:"2000" help:"Orders to post (${default})."`
	Kills    int           `default:"-1" help:"Processes to kill; one for each hundred orders if left out."`
	Seed     uint64        `default:"1" help:"Seed of the plan: the same seed and sizes give the same plan (${default})."`
	Duration time.Duration `default:"2m" help:"Time over which orders and chaos are spread (${default})."`
	Database string        `enum:"sqlite,mariadb" default:"mariadb" help:"mariadb (a private server, killed too) or sqlite (one host) (${default})."`
	Hosts    int           `default:"0" help:"Hosts; two on mariadb if left out."`
	Faults   float64       `default:"0.1" help:"Part of the orders whose first call goes wrong at the gateway (${default})."`
	Scale    float64       `default:"20" help:"What the money clocks and the gateway's lags are divided by (${default})."`
	PutBack  bool          `default:"true" negatable:"" help:"Copy the database on the way, and put it back to that after chaos (${default})."`
	Settle   time.Duration `default:"10m" help:"Time for the dust to settle; what has not by then is stuck (${default})."`
	Report   string        `type:"path" placeholder:"FILE" help:"File for the report as a page of HTML, without which none is written."`
	Keep     bool          `help:"Leave logs and databases where they are, and say where."`
	JSON     bool          `name:"json" help:"Print the report as a line of JSON and the summary as the last one; people read along on standard error."`
	Plan     bool          `help:"Print the plan as JSON, and do nothing."`
}

// Help is shown by --help.
func (*chaosCommand) Help() string {
	return `Runs hosts, plugins, a database and the gateway simulator as processes, posts orders as a platform does, again until each is
answered, and meanwhile kills, stops and restarts everything, breaks the connections, fills the disk, puts clocks wrong and lets
the gateway misbehave. Then it puts the database back to a copy that it took on the way, which the hosts have to notice, sweeps the
gateway as an operator does, and has the orders posted again. It waits for the dust to settle, and compares what was accepted with both ledgers.

Exit codes: 0 all is well; 1 the run could not be done; 2 something is wrong: charged twice, lost, stuck, or books that differ.
80 wrong usage.

Example:
  testharness chaos --orders 20000 --kills 200 --duration 10m --seed 7 --report chaos.html
  testharness chaos --database sqlite --orders 300 --duration 15s --scale 60 --json`
}

// wrongError is the end of a run that found something wrong.
type wrongError struct{ n int }

func (e *wrongError) Error() string { return fmt.Sprintf("%d things are wrong; see above", e.n) }

// ExitCode tells kong how to end.
func (*wrongError) ExitCode() int { return 2 }

// Validate is called by kong; what it refuses is wrong usage.
func (c *chaosCommand) Validate() error { return c.size().Validate() }

func (c *chaosCommand) size() chaos.Size {
	size := chaos.Size{
		Orders: c.Orders, Kills: c.Kills, Duration: c.Duration, Hosts: c.Hosts, Shops: 4, AtOnce: true,
		Server: c.Database == "mariadb", FaultShare: c.Faults, Scale: c.Scale, PutBack: c.PutBack,
	}
	if size.Kills < 0 {
		size.Kills = max(1, c.Orders/100)
	}
	if size.Hosts == 0 {
		size.Hosts = 1
		if size.Server {
			size.Hosts = 2
		}
	}
	return size
}

// Run runs it.
func (c *chaosCommand) Run(ctx context.Context, k *kong.Kong) error {
	size := c.size()
	if c.Plan {
		enc := json.NewEncoder(k.Stdout)
		enc.SetIndent("", " ")
		return enc.Encode(chaos.NewPlan(c.Seed, size))
	}
	bin, err := c.config()
	if err != nil {
		return err
	}
	people := os.Stdout
	if c.JSON {
		people = os.Stderr
	}
	report, err := chaos.Run(ctx, chaos.Config{
		Bin: bin.Bin, Seed: c.Seed, Size: size, Settle: c.Settle, Keep: c.Keep, People: people, Terminal: isatty.IsTerminal(people.Fd()),
	})
	if err != nil {
		return err
	}
	report.Print(people)
	if c.Report != "" {
		page, err := report.HTML()
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Report, page, 0o644); err != nil { //nolint:gosec // a report is for everybody to read
			return fmt.Errorf("write the report: %w", err)
		}
		fmt.Fprintln(people, "Report:", c.Report)
	}
	if c.JSON {
		b, err := json.Marshal(report)
		if err != nil {
			return fmt.Errorf("print the report: %w", err)
		}
		fmt.Fprintln(k.Stdout, string(b))
	}
	if _, err := fmt.Fprintln(k.Stdout, report.Summary); err != nil {
		return errors.Join(err, errors.New("print the summary"))
	}
	if !report.Good {
		return &wrongError{len(report.Wrong)}
	}
	return nil
}

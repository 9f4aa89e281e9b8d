package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/chargehand/chargehand/host/app"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/restore"
)

type restoredCmd struct {
	configFlags
	Since   time.Time `required:"" help:"When the backup was made that the database was put back from (RFC 3339); rather too early than too late." placeholder:"TIME"`
	Until   time.Time `help:"When the last host was stopped that worked on the newer database (RFC 3339); now, if not given." placeholder:"TIME"`
	Without []string  `help:"Go on without this site, given by its reference, because it can't be swept. Orders placed before now are then looked up one by one, and wait for a person." placeholder:"SITE"`
	Reason  string    `help:"Why to go on without it; it is kept as evidence."`
}

func (restoredCmd) Help() string {
	return `After the database was put back from a backup, or has failed over to a replica that lagged, it has forgotten charges. With all hosts stopped, this asks the gateway what was done on every site since the backup, writes down what the books have forgotten, and then lets charging go on. It may be interrupted, and run again.

Before it, enter again what settings and links were lost; after it, start the hosts, and have the platform post again what it has posted since, cancellations too. Orders that were waiting when the backup was made wait for that.

It knows of hosts that write to this database. One that still works on the old copy, with the same configuration, can't be seen from here: be sure that there is none.

Exit codes: 0 charging goes on; 1 failed here or interrupted; 2 wrong usage; 3 a site could not be swept, and charging stays stopped; 4 a host still runs, or the database can't be reached.

Example: chargehand restored --since 2026-03-04T02:00:00Z --config chargehand.yaml`
}

// Validate implements kong's check of the flags.
func (r restoredCmd) Validate() error {
	switch now := time.Now(); {
	case r.Since.After(now), r.Until.After(now):
		return errors.New("--since and --until must not lie in the future")
	case !r.Until.IsZero() && !r.Since.Before(r.Until):
		return errors.New("--until must come after --since")
	case len(r.Without) > 0 && r.Reason == "":
		return errors.New("--without needs a --reason")
	}
	return nil
}

// Run implements the command.
func (r restoredCmd) Run(c *cli) error {
	cfg, err := r.load()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	until := r.Until
	if until.IsZero() {
		until = time.Now()
	}
	task := restore.Task{Since: r.Since.UTC(), Until: until.UTC(), Without: r.Without, Reason: r.Reason}
	report, err := app.Restored(ctx, cfg, task, version, logger(cfg), func(text string) { fmt.Fprintln(os.Stderr, text) })
	if alive, ok := errors.AsType[*restore.AliveError](err); ok {
		return &exitError{exitUnavailable, alive.Error()}
	}
	if errors.Is(err, database.ErrInUse) || errors.Is(err, database.ErrUnavailable) {
		return &exitError{exitUnavailable, err.Error()}
	}
	if report.Restore == "" {
		return err
	}
	shown := c.show(report, func() { printSweep(report) })
	if err == nil && !report.Lifted {
		err = &exitError{exitRefused, "charging stays stopped: mend what is said of the sites, and run this again; or go on without them by --without SITE --reason WHY"}
	}
	return errors.Join(err, shown)
}

func printSweep(r restore.Report) {
	table("SITE\tENDPOINT\tPLUGIN\tFOUND\tADOPTED\tKEPT\tNOT OURS\t", func(w *tabwriter.Writer) {
		for _, s := range r.Sites {
			state := "done"
			switch {
			case s.Fault != "":
				state = s.Fault
			case s.Without != "":
				state = "without: " + s.Without
			case !s.Done:
				state = "not done"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", s.Site, s.Endpoint, s.Plugin, s.Found, s.Adopted, s.Kept, s.Others, state)
		}
	})
	for _, l := range r.Skipped {
		fmt.Printf("The settings of link %s are not complete, so it leads to no site.\n", l)
	}
	if r.Lifted {
		fmt.Printf("All that was started from %s on is in the books or kept. Charging goes on: start the hosts, and have the platform post its orders and cancellations again.\n", r.From.Format(time.RFC3339))
	}
}

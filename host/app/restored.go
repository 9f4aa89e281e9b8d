package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"

	"github.com/hashicorp/go-hclog"

	"github.com/chargehand/chargehand/host/charge/chargedb"
	"github.com/chargehand/chargehand/host/config"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/metrics"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/host/restore/restoredb"
)

// Restored sweeps the gateways after the database was put back, and lets
// charging go on. It needs the database to itself. See restore.Sweeper.
func Restored(ctx context.Context, cfg config.Config, task restore.Task, version string, log hclog.Logger, tell func(string)) (report restore.Report, err error) {
	a := &App{cfg: cfg, version: version, log: log}
	a.stopping, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	defer a.Stop(context.WithoutCancel(ctx))
	if a.db, err = OpenDatabase(ctx, cfg, log); err != nil {
		return report, err
	}
	if err = database.CheckSchema(ctx, a.db); err != nil {
		return report, err
	}
	// Whether a host is still alive is told by the database's time, in which hosts
	// write theirs.
	a.clock = database.NewClock(a.db, database.ClockConfig{Logger: log.Named("clock")})
	if err = a.clock.Start(ctx); err != nil {
		return report, err
	}
	if err = a.clock.Check(); err != nil {
		return report, err
	}
	namer, err := Namer(cfg)
	if err != nil {
		return report, err
	}
	store, by := restoredb.New(a.db), operator()
	if err = fence(ctx, cfg, store, namer, by); err != nil {
		return report, err
	}
	if err = a.startPlugins(ctx, metrics.New(version)); err != nil {
		return report, err
	}
	a.store = chargedb.New(a.db, nil)
	if a.settings, err = Settings(cfg, a.db, a.store, a.plugins); err != nil {
		return report, err
	}
	return restore.NewSweeper(restore.SweepConfig{
		Store: store, Charges: a.store, Settings: a.settings, Gateways: a.plugins, Clocks: cfg.Clocks, Production: cfg.Production,
		By: by, Now: a.clock.Now, Tell: tell,
	}).Run(ctx, task)
}

// operator names who runs a command, for the records.
func operator() string {
	host, err := os.Hostname()
	who, userErr := user.Current()
	if errors.Join(err, userErr) != nil {
		return fmt.Sprintf("user %d", os.Getuid())
	}
	return who.Username + "@" + host
}

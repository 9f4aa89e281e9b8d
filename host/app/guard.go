package app

import (
	"context"
	"time"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/config"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/host/restore/restoredb"
	"github.com/chargehand/chargehand/shared/payment"
)

// grace is for how long a server's database may show less than it did before it
// counts as put back: the nodes of a cluster lag behind each other, for
// moments. A file lags behind nothing.
const grace = 10 * time.Second

// guard refuses a database of another environment, and begins to watch for one
// that was put back.
func (a *App) guard(ctx context.Context, namer *charge.Namer, owner string) (restore.Guard, error) {
	store := restoredb.New(a.db)
	if err := fence(ctx, a.cfg, store, namer, owner); err != nil {
		return restore.Guard{}, err
	}
	past, err := restore.NewPast(ctx, store)
	if err != nil {
		return restore.Guard{}, err
	}
	if a.state, err = restore.OpenFile(a.cfg.StateFile, database.LockFile); err != nil {
		return restore.Guard{}, err
	}
	wait := grace
	if a.cfg.Database.Driver == database.DriverSQLite {
		wait = 0
	}
	a.watch, err = restore.NewWatch(ctx, restore.WatchConfig{
		Store: store, File: a.state, Owner: owner, Poll: a.cfg.Poll, Grace: wait, Now: a.clock.Now, Logger: a.log.Named("restore"),
	})
	return restore.Guard{Watch: a.watch, Past: past}, err
}

// fence refuses a database of another environment than the configuration's. The
// first host binds one that has none.
func fence(ctx context.Context, cfg config.Config, store restore.Store, namer *charge.Namer, owner string) error {
	configured := restore.Environment{
		Name: cfg.Environment, Kind: restore.KindTest, Fingerprint: namer.Fingerprint(), BoundAt: time.Now().UTC(), BoundBy: owner,
	}
	if cfg.Production {
		configured.Kind = restore.KindProduction
	}
	there, err := store.Bind(ctx, configured)
	if err != nil {
		return err
	}
	return there.Check(configured)
}

// mode is that of the payments which count in this environment.
func mode(cfg config.Config) payment.Mode {
	if cfg.Production {
		return payment.ModeLive
	}
	return payment.ModeTest
}

package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/httpapi"
	"github.com/chargehand/chargehand/host/pluginhost"
)

func (a *App) checks() []httpapi.Check {
	return []httpapi.Check{
		{Name: "database", Run: a.db.Ping},
		{Name: "schema", Run: func(ctx context.Context) error { return database.CheckSchema(ctx, a.db) }},
		{Name: "clock", Run: func(context.Context) error { return a.clock.Check() }},
		{Name: "plugins", Run: a.checkPlugins},
	}
}

func (a *App) checkPlugins(context.Context) error {
	for _, p := range a.plugins.Status() {
		if p.State != pluginhost.StateReady {
			return fmt.Errorf("plugin %s is %s: %s", p.Name, p.State, p.LastError)
		}
	}
	return nil
}

// trouble gives the words for people of a database's error.
func trouble(err error) (string, bool) {
	for _, known := range []error{
		database.ErrUnavailable, database.ErrCommitUnknown, database.ErrBusy, database.ErrReadOnly,
		database.ErrFull, database.ErrDamaged, database.ErrStopped, database.ErrSchemaOld, database.ErrSchemaNew,
	} {
		if errors.Is(err, known) {
			return known.Error(), true
		}
	}
	return "", false
}

// pluginList shows the plugins to the API.
type pluginList struct{ host *pluginhost.Host }

// descriptionLimit is how long a plugin may take to describe itself.
const descriptionLimit = 2 * time.Second

func (l pluginList) Plugins(ctx context.Context) []httpapi.Plugin {
	list := []httpapi.Plugin{}
	for _, s := range l.host.Status() {
		p := httpapi.Plugin{
			Name: s.Name, Version: s.Version, State: string(s.State), PID: s.PID, Generation: s.Generation, Restarts: s.Restarts,
			StartedAt: s.StartedAt, Confined: s.Confined, LastError: s.LastError,
		}
		if gateway, err := l.host.Gateway(s.Name); err == nil {
			limited, cancel := context.WithTimeout(ctx, descriptionLimit)
			if d, err := gateway.Describe(limited); err == nil {
				p.Title, p.Capabilities, p.Settings = d.Title, d.Capabilities, d.Settings
			}
			cancel()
		}
		list = append(list, p)
	}
	return list
}

package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
		{Name: "restore", Run: a.checkRestore},
		{Name: "charges", Run: func(context.Context) error { return a.engine.Check() }},
		{Name: "plugins", Run: a.checkPlugins},
	}
}

func (a *App) checkRestore(context.Context) error {
	if why := a.watch.Stopped(); why != "" {
		return errors.New(why)
	}
	return nil
}

func (a *App) checkPlugins(context.Context) error {
	for _, p := range a.plugins.Status() {
		if p.State != pluginhost.StateReady {
			return fmt.Errorf("plugin %s is %s: %s", p.Name, p.State, strings.Trim(p.LastError+"; "+p.Advice, "; "))
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
			StartedAt: s.StartedAt, Confined: s.Confined, LastError: s.LastError, Advice: s.Advice, InFlight: s.InFlight,
			SHA256: s.SHA256, Previous: release(s.Previous),
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

func (l pluginList) Upgrade(ctx context.Context, name, from string) (httpapi.PluginChange, error) {
	return change(l.host.Upgrade(ctx, name, from))
}

func (l pluginList) Rollback(ctx context.Context, name, from string) (httpapi.PluginChange, error) {
	return change(l.host.Rollback(ctx, name, from))
}

func (l pluginList) Restart(ctx context.Context, name string) (httpapi.PluginChange, error) {
	return change(l.host.Restart(ctx, name))
}

func change(c pluginhost.Change, err error) (httpapi.PluginChange, error) {
	return httpapi.PluginChange{
		Changed: c.Changed, Version: c.Current.Version, SHA256: c.Current.SHA256, Previous: release(c.Previous), Draining: c.Draining,
	}, err
}

func release(r pluginhost.Release) *httpapi.PluginRelease {
	if r == (pluginhost.Release{}) {
		return nil
	}
	return &httpapi.PluginRelease{Version: r.Version, SHA256: r.SHA256}
}

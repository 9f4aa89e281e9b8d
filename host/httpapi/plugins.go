package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type pluginsAnswer struct {
	Body struct {
		Items []Plugin `json:"items"`
	}
}

type pluginChangeAnswer struct{ Body PluginChange }

type restartRequest struct {
	Plugin string `path:"plugin" maxLength:"50" doc:"The plugin's name"`
}

type upgradeRequest struct {
	Plugin string `path:"plugin" maxLength:"50" doc:"The plugin's name"`
	Body   struct {
		From string `json:"from,omitempty" maxLength:"4096" doc:"Where the new version lies on the host's machine: the folder of its manifest, the manifest, or the binary beside it. Empty: what is installed in the folder of plugins"`
	}
}

type rollbackRequest struct {
	Plugin string `path:"plugin" maxLength:"50" doc:"The plugin's name"`
	Body   struct {
		From string `json:"from,omitempty" maxLength:"64" doc:"Checksum of the version to leave, so that the same request twice does not lead back; empty for whichever is in force"`
	}
}

func (a *api) pluginRoutes() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "list-plugins", Method: http.MethodGet, Path: "/v1/plugins", Summary: "List the plugins and their settings schemas", Tags: []string{"operation"},
	}, func(ctx context.Context, _ *struct{}) (*pluginsAnswer, error) {
		out := &pluginsAnswer{}
		out.Body.Items = a.cfg.Plugins.Plugins(ctx)
		if platformOnly(ctx) != nil {
			for i, p := range out.Body.Items {
				out.Body.Items[i] = Plugin{Name: p.Name, Title: p.Title, State: p.State, Capabilities: p.Capabilities, Settings: p.Settings}
			}
		}
		return out, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "upgrade-plugin", Method: http.MethodPost, Path: "/v1/plugins/{plugin}/upgrade", Tags: []string{"operation"},
		Summary:     "Replace a plugin by another version while calls run",
		Description: "The new process is started and checked beside the old one. If it is no good the old one goes on, and the answer says why.",
	}, func(ctx context.Context, in *upgradeRequest) (*pluginChangeAnswer, error) {
		return a.replaced(ctx, func() (PluginChange, error) { return a.cfg.Plugins.Upgrade(ctx, in.Plugin, in.Body.From) })
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "rollback-plugin", Method: http.MethodPost, Path: "/v1/plugins/{plugin}/rollback", Tags: []string{"operation"},
		Summary: "Go back to the version of a plugin that was in force before",
	}, func(ctx context.Context, in *rollbackRequest) (*pluginChangeAnswer, error) {
		return a.replaced(ctx, func() (PluginChange, error) { return a.cfg.Plugins.Rollback(ctx, in.Plugin, in.Body.From) })
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "restart-plugin", Method: http.MethodPost, Path: "/v1/plugins/{plugin}/restart", Tags: []string{"operation"},
		Summary: "Replace a plugin's process by a new one of the same version, or start one; this ends a quarantine",
	}, func(ctx context.Context, in *restartRequest) (*pluginChangeAnswer, error) {
		return a.replaced(ctx, func() (PluginChange, error) { return a.cfg.Plugins.Restart(ctx, in.Plugin) })
	})
}

// replaced does what the platform alone may do.
func (a *api) replaced(ctx context.Context, do func() (PluginChange, error)) (*pluginChangeAnswer, error) {
	if err := platformOnly(ctx); err != nil {
		return nil, a.problem(ctx, err)
	}
	change, err := do()
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	return &pluginChangeAnswer{Body: change}, nil
}

package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

type settingsView struct {
	Plugin  string               `json:"plugin"`
	Version int64                `json:"version" doc:"Send it with the next change"`
	Fields  []settings.FieldView `json:"fields"`
	At      time.Time            `json:"changed_at,omitzero"`
	By      string               `json:"changed_by,omitempty"`
}

type settingsAnswer struct{ Body settingsView }

type settingsBody struct {
	Version int64              `json:"version" minimum:"0" doc:"The version that was seen; 0 if there was none"`
	Values  map[string]*string `json:"values" doc:"New values by field; null takes a value away, and a link then inherits the fulfiller's"`
	Reason  string             `json:"reason,omitempty" maxLength:"500"`
}

func (b settingsBody) edit() settings.Edit {
	e := settings.Edit{Seen: b.Version, Set: payment.Settings{}, Reason: b.Reason}
	for name, v := range b.Values {
		if v == nil {
			e.Remove = append(e.Remove, name)
		} else {
			e.Set[name] = *v
		}
	}
	return e
}

type historyAnswer struct {
	Body struct {
		Items []versionView `json:"items"`
		Next  string        `json:"next,omitempty"`
	}
}

type versionView struct {
	Version int64                  `json:"version"`
	At      time.Time              `json:"at"`
	By      string                 `json:"by"`
	Reason  string                 `json:"reason,omitempty"`
	Changes []settings.FieldChange `json:"changes"`
}

// FulfillerSettingsInput is the path of a fulfiller's settings.
type FulfillerSettingsInput struct {
	ID     string `path:"id" maxLength:"64"`
	Plugin string `path:"plugin" maxLength:"64"`
}

func (a *api) settingsRoutes() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "get-fulfiller-settings", Method: http.MethodGet, Path: "/v1/companies/{id}/settings/{plugin}",
		Summary: "Read a fulfiller's advanced settings", Tags: []string{"settings"},
	}, func(ctx context.Context, in *FulfillerSettingsInput) (*settingsAnswer, error) {
		return a.settingsAnswer(ctx)(a.cfg.Settings.ViewFulfiller(ctx, actor(ctx), settings.CompanyID(in.ID), in.Plugin))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "save-fulfiller-settings", Method: http.MethodPut, Path: "/v1/companies/{id}/settings/{plugin}",
		Summary: "Change a fulfiller's advanced settings", MaxBodyBytes: maxOrderBytes, Tags: []string{"settings"},
	}, func(ctx context.Context, in *struct {
		FulfillerSettingsInput
		Body settingsBody
	},
	) (*settingsAnswer, error) {
		v, err := a.cfg.Settings.SaveFulfiller(ctx, actor(ctx), settings.CompanyID(in.ID), in.Plugin, in.Body.edit())
		if err == nil {
			a.cfg.Engine.Probe(ctx, "", settings.CompanyID(in.ID))
		}
		return a.settingsAnswer(ctx)(v, err)
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "fulfiller-settings-history", Method: http.MethodGet, Path: "/v1/companies/{id}/settings/{plugin}/history",
		Summary: "Who changed what when", Tags: []string{"settings"},
	}, func(ctx context.Context, in *struct {
		FulfillerSettingsInput
		PageInput
	},
	) (*historyAnswer, error) {
		return a.historyAnswer(ctx)(a.cfg.Settings.FulfillerHistory(ctx, actor(ctx), settings.CompanyID(in.ID), in.Plugin, in.paging()))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "get-link-settings", Method: http.MethodGet, Path: "/v1/links/{id}/settings",
		Summary: "Read a link's settings, its own and inherited", Tags: []string{"settings"},
	}, func(ctx context.Context, in *IDInput) (*settingsAnswer, error) {
		return a.settingsAnswer(ctx)(a.cfg.Settings.ViewLink(ctx, actor(ctx), settings.LinkID(in.ID)))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "save-link-settings", Method: http.MethodPut, Path: "/v1/links/{id}/settings",
		Summary: "Change a link's own settings", MaxBodyBytes: maxOrderBytes, Tags: []string{"settings"},
	}, func(ctx context.Context, in *struct {
		IDInput
		Body settingsBody
	},
	) (*settingsAnswer, error) {
		v, err := a.cfg.Settings.SaveLink(ctx, actor(ctx), settings.LinkID(in.ID), in.Body.edit())
		if err == nil {
			a.probe(ctx, settings.LinkID(in.ID))
		}
		return a.settingsAnswer(ctx)(v, err)
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "link-settings-history", Method: http.MethodGet, Path: "/v1/links/{id}/settings/history",
		Summary: "Who changed what when", Tags: []string{"settings"},
	}, func(ctx context.Context, in *struct {
		IDInput
		PageInput
	},
	) (*historyAnswer, error) {
		return a.historyAnswer(ctx)(a.cfg.Settings.LinkHistory(ctx, actor(ctx), settings.LinkID(in.ID), in.paging()))
	})
}

func (a *api) settingsAnswer(ctx context.Context) func(settings.View, error) (*settingsAnswer, error) {
	return func(v settings.View, err error) (*settingsAnswer, error) {
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &settingsAnswer{Body: settingsView{Plugin: v.Scope.Plugin, Version: v.Version, Fields: v.Fields, At: v.At, By: v.By}}, nil
	}
}

func (a *api) historyAnswer(ctx context.Context) func(settings.Page[settings.VersionView], error) (*historyAnswer, error) {
	return func(page settings.Page[settings.VersionView], err error) (*historyAnswer, error) {
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &historyAnswer{}
		out.Body.Items, out.Body.Next = []versionView{}, page.Next
		for _, v := range page.Items {
			out.Body.Items = append(out.Body.Items, versionView{Version: v.Number, At: v.At, By: v.By, Reason: v.Reason, Changes: v.Changes})
		}
		return out, nil
	}
}

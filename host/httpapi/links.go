package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

type linkView struct {
	ID              string    `json:"id"`
	FulfillerID     string    `json:"fulfiller_id"`
	ChannelID       string    `json:"channel_id"`
	Plugin          string    `json:"plugin"`
	State           string    `json:"state"`
	StartAt         time.Time `json:"start_at"`
	AfterAbsence    string    `json:"after_absence"`
	AfterAbsenceMax int64     `json:"after_absence_max"`
	MaxOrderAgeDays int       `json:"max_order_age_days"`
	Version         int64     `json:"version"`
	UpdatedAt       time.Time `json:"updated_at"`
	UpdatedBy       string    `json:"updated_by"`
}

func viewLink(l settings.Link) linkView {
	return linkView{
		ID: string(l.ID), FulfillerID: string(l.FulfillerID), ChannelID: string(l.ChannelID), Plugin: l.Plugin, State: string(l.State),
		StartAt: l.StartAt, AfterAbsence: string(l.AfterAbsence), AfterAbsenceMax: l.AfterAbsenceMax, MaxOrderAgeDays: l.MaxOrderAgeDays,
		Version: l.Version, UpdatedAt: l.UpdatedAt, UpdatedBy: l.UpdatedBy,
	}
}

type linkAnswer struct{ Body linkView }

type linksAnswer struct {
	Body struct {
		Items []linkView `json:"items"`
		Next  string     `json:"next,omitempty"`
	}
}

type newLinkBody struct {
	FulfillerID     string    `json:"fulfiller_id"`
	ChannelID       string    `json:"channel_id"`
	Plugin          string    `json:"plugin" doc:"The plugin that charges; fixed for good"`
	StartAt         time.Time `json:"start_at,omitzero" doc:"Orders placed before it are not charged; now, if not given"`
	AfterAbsence    string    `json:"after_absence,omitempty" enum:"attempt,person" doc:"What follows once an attempt is proven to have come to nothing"`
	AfterAbsenceMax int64     `json:"after_absence_max,omitempty" doc:"Above this amount in minor units a person decides; 0 is no limit"`
	MaxOrderAgeDays int       `json:"max_order_age_days,omitempty"`
}

type linkChangeBody struct {
	Version         int64      `json:"version,omitempty" doc:"The version that the change is based on; the newest, if not given"`
	State           *string    `json:"state,omitempty" enum:"on,off"`
	StartAt         *time.Time `json:"start_at,omitempty"`
	AfterAbsence    *string    `json:"after_absence,omitempty" enum:"attempt,person"`
	AfterAbsenceMax *int64     `json:"after_absence_max,omitempty"`
	MaxOrderAgeDays *int       `json:"max_order_age_days,omitempty"`
}

type reportView struct {
	At        time.Time         `json:"at"`
	Passed    bool              `json:"passed"`
	Confirmed bool              `json:"confirmed" doc:"A person has confirmed this card"`
	Mode      string            `json:"mode,omitempty"`
	Stored    string            `json:"stored,omitempty"`
	Card      string            `json:"card,omitempty"`
	Scheme    string            `json:"scheme,omitempty"`
	Expiry    string            `json:"expiry,omitempty"`
	Currency  string            `json:"currency,omitempty"`
	Findings  []payment.Finding `json:"findings"`
}

func viewReport(r settings.Report) reportView {
	v := reportView{
		At: r.At, Passed: r.Passed, Confirmed: r.Confirmed, Mode: string(r.Mode), Stored: string(r.Place.Stored), Card: r.Card,
		Scheme: r.Scheme, Expiry: r.Expiry, Currency: r.Currency, Findings: r.Findings,
	}
	if v.Findings == nil {
		v.Findings = []payment.Finding{}
	}
	return v
}

type reportAnswer struct{ Body reportView }

func (a *api) linkRoutes() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "create-link", Method: http.MethodPost, Path: "/v1/links", Summary: "Link a fulfiller and a sales channel",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxOrderBytes, Tags: []string{"links"},
	}, func(ctx context.Context, in *struct{ Body newLinkBody }) (*linkAnswer, error) {
		b := in.Body
		return a.linkAnswer(ctx)(a.cfg.Settings.CreateLink(ctx, actor(ctx), settings.NewLink{
			FulfillerID: settings.CompanyID(b.FulfillerID), ChannelID: settings.CompanyID(b.ChannelID), Plugin: b.Plugin,
			LinkRules: settings.LinkRules{
				StartAt: b.StartAt, AfterAbsence: settings.AfterAbsence(b.AfterAbsence),
				AfterAbsenceMax: b.AfterAbsenceMax, MaxOrderAgeDays: b.MaxOrderAgeDays,
			},
		}))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "list-links", Method: http.MethodGet, Path: "/v1/links", Summary: "List links", Tags: []string{"links"},
	}, func(ctx context.Context, in *struct {
		PageInput
		Fulfiller string `query:"fulfiller_id" maxLength:"64"`
		Channel   string `query:"channel_id" maxLength:"64"`
	},
	) (*linksAnswer, error) {
		f := settings.LinkFilter{Fulfiller: settings.CompanyID(in.Fulfiller), Channel: settings.CompanyID(in.Channel)}
		page, err := a.cfg.Settings.Links(ctx, actor(ctx), f, in.paging())
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &linksAnswer{}
		out.Body.Items, out.Body.Next = []linkView{}, page.Next
		for _, l := range page.Items {
			out.Body.Items = append(out.Body.Items, viewLink(l))
		}
		return out, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "get-link", Method: http.MethodGet, Path: "/v1/links/{id}", Summary: "Read a link", Tags: []string{"links"},
	}, func(ctx context.Context, in *IDInput) (*linkAnswer, error) {
		return a.linkAnswer(ctx)(a.cfg.Settings.Link(ctx, actor(ctx), settings.LinkID(in.ID)))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "change-link", Method: http.MethodPatch, Path: "/v1/links/{id}", Summary: "Switch a link on or off, or change its rules",
		MaxBodyBytes: maxOrderBytes, Tags: []string{"links"},
	}, a.changeLink)
	huma.Register(a.huma, huma.Operation{
		OperationID: "preflight-link", Method: http.MethodPost, Path: "/v1/links/{id}/preflight", Summary: "Try a link's settings without moving money",
		DefaultStatus: http.StatusOK, Tags: []string{"links"},
	}, func(ctx context.Context, in *IDInput) (*reportAnswer, error) {
		r, err := a.cfg.Settings.Preflight(ctx, actor(ctx), settings.LinkID(in.ID))
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		a.probe(ctx, settings.LinkID(in.ID))
		return &reportAnswer{Body: viewReport(r)}, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "confirm-card", Method: http.MethodPost, Path: "/v1/links/{id}/confirm-card", Summary: "Confirm that the stored reference is the right card",
		Description:   "A person compares the masked card of the preflight with the retailer's. Nothing is charged before.",
		DefaultStatus: http.StatusOK, MaxBodyBytes: maxOrderBytes, Tags: []string{"links"},
	}, func(ctx context.Context, in *struct {
		IDInput
		Body struct {
			Stored string `json:"stored" doc:"The stored transaction reference, as the preflight showed it"`
			Card   string `json:"card" doc:"The masked card, as the preflight showed it"`
		}
	},
	) (*linkAnswer, error) {
		id := settings.LinkID(in.ID)
		if _, err := a.cfg.Settings.ConfirmCard(ctx, actor(ctx), id, payment.TransactionID(in.Body.Stored), in.Body.Card); err != nil {
			return nil, a.problem(ctx, err)
		}
		a.probe(ctx, id)
		return a.linkAnswer(ctx)(a.cfg.Settings.Link(ctx, actor(ctx), id))
	})
}

func (a *api) linkAnswer(ctx context.Context) func(settings.Link, error) (*linkAnswer, error) {
	return func(l settings.Link, err error) (*linkAnswer, error) {
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &linkAnswer{Body: viewLink(l)}, nil
	}
}

func (a *api) changeLink(ctx context.Context, in *struct {
	IDInput
	Body linkChangeBody
},
) (*linkAnswer, error) {
	id, b := settings.LinkID(in.ID), in.Body
	if b.Version == 0 {
		l, err := a.cfg.Settings.Link(ctx, actor(ctx), id)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		b.Version = l.Version
	}
	change := settings.LinkChange{Seen: b.Version, StartAt: b.StartAt, AfterAbsenceMax: b.AfterAbsenceMax, MaxOrderAgeDays: b.MaxOrderAgeDays}
	if b.State != nil {
		state := settings.LinkState(*b.State)
		change.State = &state
	}
	if b.AfterAbsence != nil {
		absence := settings.AfterAbsence(*b.AfterAbsence)
		change.AfterAbsence = &absence
	}
	l, err := a.cfg.Settings.ChangeLink(ctx, actor(ctx), id, change)
	if err == nil {
		a.probe(ctx, id)
	}
	return a.linkAnswer(ctx)(l, err)
}

// probe lets what waits for this link go on at once, if it is mended now.
func (a *api) probe(ctx context.Context, id settings.LinkID) {
	if l, err := a.cfg.Settings.Link(ctx, actor(ctx), id); err == nil {
		a.cfg.Engine.Probe(ctx, l.ID, l.FulfillerID)
	}
}

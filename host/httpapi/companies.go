package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chargehand/chargehand/settings"
)

type companyView struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Reference string    `json:"reference"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

func viewCompany(c settings.Company) companyView {
	return companyView{ID: string(c.ID), Type: string(c.Type), Reference: c.Reference, Name: c.Name, CreatedAt: c.CreatedAt}
}

type companyAnswer struct{ Body companyView }

type companiesAnswer struct {
	Body struct {
		Items []companyView `json:"items"`
		Next  string        `json:"next,omitempty"`
	}
}

type keyView struct {
	ID         string    `json:"id"`
	Kind       string    `json:"kind" enum:"platform,company"`
	CompanyID  string    `json:"company_id,omitempty"`
	Name       string    `json:"name"`
	Key        string    `json:"key,omitempty" doc:"Shown once, and kept nowhere"`
	CreatedAt  time.Time `json:"created_at"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"Right to about an hour"`
}

type keyAnswer struct{ Body keyView }

type keysAnswer struct {
	Body struct {
		Items []keyView `json:"items"`
		Next  string    `json:"next,omitempty"`
	}
}

func viewKey(k settings.APIKey) keyView {
	return keyView{
		ID: string(k.ID), Kind: string(k.Kind), CompanyID: string(k.Company), Name: k.Name, CreatedAt: k.CreatedAt,
		RevokedAt: k.RevokedAt, LastUsedAt: k.LastUsedAt,
	}
}

func (a *api) companyRoutes() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "create-company", Method: http.MethodPost, Path: "/v1/companies", Summary: "Create a fulfiller or a sales channel",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxOrderBytes, Tags: []string{"companies"},
	}, func(ctx context.Context, in *struct {
		Body struct {
			Type      string `json:"type" enum:"fulfiller,sales_channel"`
			Reference string `json:"reference" doc:"The platform's own name of the company, unique in its type"`
			Name      string `json:"name,omitempty"`
		}
	},
	) (*companyAnswer, error) {
		c, err := a.cfg.Settings.CreateCompany(ctx, actor(ctx), settings.NewCompany{
			Type: settings.CompanyType(in.Body.Type), Reference: in.Body.Reference, Name: in.Body.Name,
		})
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &companyAnswer{Body: viewCompany(c)}, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "list-companies", Method: http.MethodGet, Path: "/v1/companies", Summary: "List companies", Tags: []string{"companies"},
	}, func(ctx context.Context, in *struct {
		PageInput
		Type string `query:"type" enum:"fulfiller,sales_channel"`
	},
	) (*companiesAnswer, error) {
		page, err := a.cfg.Settings.Companies(ctx, actor(ctx), settings.CompanyType(in.Type), in.paging())
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &companiesAnswer{}
		out.Body.Items, out.Body.Next = []companyView{}, page.Next
		for _, c := range page.Items {
			out.Body.Items = append(out.Body.Items, viewCompany(c))
		}
		return out, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "get-company", Method: http.MethodGet, Path: "/v1/companies/{id}", Summary: "Read a company", Tags: []string{"companies"},
	}, func(ctx context.Context, in *IDInput) (*companyAnswer, error) {
		c, err := a.cfg.Settings.Company(ctx, actor(ctx), settings.CompanyID(in.ID))
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return &companyAnswer{Body: viewCompany(c)}, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "create-key", Method: http.MethodPost, Path: "/v1/companies/{id}/keys", Summary: "Create an API key for a company",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxOrderBytes, Tags: []string{"companies"},
	}, func(ctx context.Context, in *struct {
		IDInput
		Body struct {
			Name string `json:"name" doc:"What the key is for; it stands in the records of what it does"`
		}
	},
	) (*keyAnswer, error) {
		k, secret, err := a.cfg.Settings.CreateKey(ctx, actor(ctx), settings.NewKey{
			Kind: settings.ActorCompany, Company: settings.CompanyID(in.ID), Name: in.Body.Name,
		})
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		v := viewKey(k)
		v.Key = secret.Reveal()
		return &keyAnswer{Body: v}, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/v1/keys", Summary: "List API keys, without their secrets", Tags: []string{"companies"},
	}, func(ctx context.Context, in *struct {
		PageInput
		Company string `query:"company_id" maxLength:"64" doc:"Only the keys of this company"`
	},
	) (*keysAnswer, error) {
		page, err := a.cfg.Settings.Keys(ctx, actor(ctx), settings.CompanyID(in.Company), in.paging())
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &keysAnswer{}
		out.Body.Items, out.Body.Next = []keyView{}, page.Next
		for _, k := range page.Items {
			out.Body.Items = append(out.Body.Items, viewKey(k))
		}
		return out, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/v1/keys/{id}", Summary: "Revoke an API key",
		DefaultStatus: http.StatusNoContent, Tags: []string{"companies"},
	}, func(ctx context.Context, in *IDInput) (*struct{}, error) {
		if err := a.cfg.Settings.RevokeKey(ctx, actor(ctx), settings.KeyID(in.ID)); err != nil {
			return nil, a.problem(ctx, err)
		}
		return nil, nil
	})
}

func (p PageInput) paging() settings.Paging { return settings.Paging{After: p.After, Limit: p.limit()} }

package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// ChargeView is a charge as the API shows it.
type ChargeView struct {
	ID             string      `json:"id"`
	OrderID        string      `json:"order_id"`
	OrderReference string      `json:"order_reference"`
	ChannelID      string      `json:"channel_id"`
	FulfillerID    string      `json:"fulfiller_id"`
	LinkID         string      `json:"link_id"`
	Amount         amountBody  `json:"amount"`
	State          string      `json:"state"`
	Produce        string      `json:"produce" enum:"yes,no,wait" doc:"May the goods be produced? \"no\" is for good."`
	Reason         string      `json:"reason"`
	Text           string      `json:"text,omitempty" doc:"The last thing said about it, for people"`
	NeedsPerson    *personView `json:"needs_person,omitempty"`
	Transaction    string      `json:"transaction,omitempty" doc:"The gateway's transaction that pays it"`
	Attempts       int         `json:"attempts"`
	Version        int64       `json:"version"`
	CheckedAt      time.Time   `json:"checked_at"`
	NextCheckAt    time.Time   `json:"next_check_at,omitzero"`
	CreatedAt      time.Time   `json:"created_at"`
}

type personView struct {
	Case   string    `json:"case"`
	Advice string    `json:"advice"`
	Since  time.Time `json:"since"`
}

func viewCharge(c *charge.Charge, orderReference string) ChargeView {
	v := ChargeView{
		ID: string(c.ID), OrderID: string(c.OrderID), OrderReference: orderReference, ChannelID: string(c.ChannelID),
		FulfillerID: string(c.FulfillerID), LinkID: string(c.LinkID), Amount: amountBody(c.Amount), State: string(c.State),
		Produce: string(c.Produce), Reason: string(c.Reason), Text: c.Text, Transaction: string(c.Chosen), Attempts: len(c.Attempts),
		Version: c.Version, CheckedAt: c.CheckedAt, NextCheckAt: c.NextCheckAt, CreatedAt: c.CreatedAt,
	}
	if c.Case != charge.CaseNone {
		v.NeedsPerson = &personView{Case: string(c.Case), Advice: c.Case.Advice(), Since: c.SinceCase}
	}
	return v
}

type attemptView struct {
	Number      int       `json:"number"`
	Reference   string    `json:"reference"`
	Stage       string    `json:"stage"`
	Outcome     string    `json:"outcome,omitempty"`
	Code        string    `json:"code,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Settle      string    `json:"settle,omitempty"`
	Mode        string    `json:"mode,omitempty"`
	Endpoint    string    `json:"endpoint,omitempty"`
	Site        string    `json:"site,omitempty"`
	Stored      string    `json:"stored,omitempty"`
	Sequence    int64     `json:"sequence,omitempty" doc:"Its number in a recurring series"`
	PlannedAt   time.Time `json:"planned_at"`
	StartedAt   time.Time `json:"started_at,omitzero"`
	AnsweredAt  time.Time `json:"answered_at,omitzero"`
	EmptyLooks  int       `json:"empty_looks,omitempty"`
	AbsentSince time.Time `json:"absent_since,omitzero"`
}

type recordView struct {
	Transaction string     `json:"transaction"`
	Reference   string     `json:"reference,omitempty"`
	Amount      amountBody `json:"amount"`
	Status      string     `json:"status,omitempty"`
	Outcome     string     `json:"outcome,omitempty"`
	Code        string     `json:"code,omitempty"`
	Card        string     `json:"card,omitempty"`
	Mode        string     `json:"mode,omitempty"`
	Matches     bool       `json:"matches"`
	ReleasedAt  time.Time  `json:"released_at,omitzero"`
	ConfirmedAt time.Time  `json:"confirmed_at,omitzero"`
	CancelAt    time.Time  `json:"cancel_sent_at,omitzero"`
	SeenAt      time.Time  `json:"seen_at"`
}

type storyView struct {
	At      time.Time       `json:"at"`
	Class   string          `json:"class"`
	Text    string          `json:"text"`
	By      string          `json:"by"`
	Number  int             `json:"number,omitempty"`
	State   string          `json:"state"`
	Produce string          `json:"produce"`
	Body    json.RawMessage `json:"body,omitempty"`
}

type explainView struct {
	ChargeView
	Plugin         string        `json:"plugin"`
	AttemptsDetail []attemptView `json:"attempts_detail"`
	Records        []recordView  `json:"records"`
	Story          []storyView   `json:"story"`
	Next           nextView      `json:"next"`
}

type nextView struct {
	Act  string    `json:"act" doc:"What happens next by itself; empty for nothing"`
	Text string    `json:"text"`
	At   time.Time `json:"at,omitzero"`
}

func viewStory(s order.Story) explainView {
	c := s.Charge
	v := explainView{
		ChargeView: viewCharge(c, s.OrderReference), Plugin: c.Plugin, AttemptsDetail: []attemptView{},
		Records: []recordView{}, Story: []storyView{}, Next: nextView{Act: string(s.Next), Text: s.Next.Text(), At: c.NextCheckAt},
	}
	for _, a := range c.Attempts {
		v.AttemptsDetail = append(v.AttemptsDetail, attemptView{
			Number: a.Number, Reference: string(a.Reference), Stage: string(a.Stage), Outcome: string(a.Outcome), Code: a.Code,
			Reason: a.Reason, Settle: string(a.Settle), Mode: string(a.Mode), Endpoint: a.Endpoint, Site: a.Site, Stored: string(a.Stored), Sequence: a.Sequence,
			PlannedAt: a.PlannedAt, StartedAt: a.StartedAt, AnsweredAt: a.AnsweredAt, EmptyLooks: a.Looks, AbsentSince: a.AbsentAt,
		})
	}
	for _, r := range c.Records {
		v.Records = append(v.Records, recordView{
			Transaction: string(r.ID), Reference: string(r.Reference), Amount: amountBody(r.Amount), Status: string(r.Status),
			Outcome: string(r.Outcome), Code: r.Code, Card: r.Card, Mode: string(r.Mode), Matches: r.Matches, ReleasedAt: r.ReleasedAt,
			ConfirmedAt: r.ConfirmedAt, CancelAt: r.CancelAt, SeenAt: r.SeenAt,
		})
	}
	for _, e := range s.Evidence {
		sv := storyView{
			At: e.At, Class: string(e.Class), Text: e.Text, By: e.By, Number: e.Number, State: string(e.State), Produce: string(e.Produce),
		}
		if json.Valid([]byte(e.Body)) {
			sv.Body = json.RawMessage(e.Body)
		}
		v.Story = append(v.Story, sv)
	}
	return v
}

// forChannel leaves out what is the fulfiller's own: where and how it charges,
// and the gateway's answers.
func (v *explainView) forChannel() {
	for i := range v.AttemptsDetail {
		v.AttemptsDetail[i].Site, v.AttemptsDetail[i].Stored = "", ""
	}
	for i := range v.Story {
		v.Story[i].Body, v.Story[i].By = nil, ""
	}
}

type chargesAnswer struct {
	Body struct {
		Items []ChargeView `json:"items"`
		Next  string       `json:"next,omitempty" doc:"Give it as \"after\" for the next page"`
	}
}

type entryView struct {
	ID          string     `json:"id"`
	At          time.Time  `json:"at"`
	ChargeID    string     `json:"charge_id"`
	FulfillerID string     `json:"fulfiller_id"`
	Transaction string     `json:"transaction"`
	Site        string     `json:"site"`
	Debit       string     `json:"debit"`
	Credit      string     `json:"credit"`
	Amount      amountBody `json:"amount"`
}

type ledgerAnswer struct {
	Body struct {
		Items []entryView `json:"items"`
		Next  string      `json:"next,omitempty"`
	}
}

type explainAnswer struct{ Body explainView }

func (a *api) chargeRoutes() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "list-charges", Method: http.MethodGet, Path: "/v1/charges", Summary: "List charges, oldest first", Tags: []string{"charges"},
	}, func(ctx context.Context, in *struct {
		PageInput
		State       string `query:"state" enum:"planned,waiting,charging,unknown,pending,held,authorised,releasing,released,settled,declined,rejected,cancelling,cancelled"`
		NeedsPerson bool   `query:"needs_person"`
	},
	) (*chargesAnswer, error) {
		cs, names, err := a.cfg.Charges.List(ctx, actor(ctx), order.Filter{
			State: charge.State(in.State), NeedsPerson: in.NeedsPerson, After: charge.ID(in.After), Limit: in.limit(),
		})
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &chargesAnswer{}
		out.Body.Items = []ChargeView{}
		for _, c := range cs {
			out.Body.Items = append(out.Body.Items, viewCharge(c, names[c.OrderID]))
		}
		if len(cs) == in.limit() {
			out.Body.Next = string(cs[len(cs)-1].ID)
		}
		return out, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "explain-charge", Method: http.MethodGet, Path: "/v1/charges/{id}", Summary: "Tell a charge's whole story", Tags: []string{"charges"},
	}, func(ctx context.Context, in *IDInput) (*explainAnswer, error) {
		return a.explain(ctx, charge.ID(in.ID))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "retry-charge", Method: http.MethodPost, Path: "/v1/charges/{id}/retry", Summary: "Allow one more attempt",
		Description: "Only where the charge waits for a person to allow it.", DefaultStatus: http.StatusOK,
		MaxBodyBytes: maxOrderBytes, Tags: []string{"charges"},
	}, func(ctx context.Context, in *struct {
		IDInput
		Body struct {
			Attempts int    `json:"attempts" doc:"How many attempts the charge has: the same request sent again then allows no other one"`
			Reason   string `json:"reason" maxLength:"500" doc:"Why; it is kept as evidence"`
		}
	},
	) (*explainAnswer, error) {
		s, err := a.cfg.Charges.Explain(ctx, actor(ctx), charge.ID(in.ID))
		if err == nil {
			err = mayOperate(actor(ctx), s.Charge)
		}
		if err == nil {
			err = a.cfg.Engine.Retry(ctx, charge.ID(in.ID), in.Body.Attempts, actor(ctx).Name, in.Body.Reason)
		}
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return a.explain(ctx, charge.ID(in.ID))
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "list-ledger", Method: http.MethodGet, Path: "/v1/ledger", Summary: "List ledger entries, oldest first", Tags: []string{"charges"},
	}, func(ctx context.Context, in *PageInput) (*ledgerAnswer, error) {
		entries, err := a.cfg.Charges.Ledger(ctx, actor(ctx), in.After, in.limit())
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		out := &ledgerAnswer{}
		out.Body.Items = []entryView{}
		for _, e := range entries {
			out.Body.Items = append(out.Body.Items, entryView{
				ID: e.ID, At: e.At, ChargeID: string(e.ChargeID), FulfillerID: string(e.FulfillerID), Transaction: string(e.Transaction),
				Site: e.Site, Debit: string(e.Debit), Credit: string(e.Credit), Amount: amountBody(e.Amount),
			})
		}
		if len(entries) == in.limit() {
			out.Body.Next = entries[len(entries)-1].ID
		}
		return out, nil
	})
}

// mayOperate: the platform, and the fulfiller that the charge is owed to.
func mayOperate(who settings.Actor, c *charge.Charge) error {
	if who.Kind == settings.ActorPlatform || who.Company == c.FulfillerID {
		return nil
	}
	return &payment.Error{Kind: payment.ErrorForbidden, Text: "only the fulfiller or the platform may do that"}
}

func (a *api) explain(ctx context.Context, id charge.ID) (*explainAnswer, error) {
	s, err := a.cfg.Charges.Explain(ctx, actor(ctx), id)
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	v := viewStory(s)
	if who := actor(ctx); who.Kind != settings.ActorPlatform && who.Company != s.Charge.FulfillerID {
		v.forChannel()
	}
	return &explainAnswer{Body: v}, nil
}

// PageInput asks for one page of a list.
type PageInput struct {
	After string `query:"after" maxLength:"64" doc:"The \"next\" of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" doc:"100 if not given"`
}

func (p PageInput) limit() int {
	if p.Limit == 0 {
		return 100
	}
	return min(p.Limit, maxPage)
}

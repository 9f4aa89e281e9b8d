package order

import (
	"context"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// Filter narrows a list of charges. Zero fields narrow nothing.
type Filter struct {
	Fulfiller   settings.CompanyID
	Channel     settings.CompanyID
	State       charge.State
	NeedsPerson bool
	After       charge.ID // the last one of the page before
	Limit       int
}

// Story is one charge with all that is known of it.
type Story struct {
	Charge         *charge.Charge
	OrderReference string
	Evidence       []charge.Evidence // oldest first
	Next           charge.Act
}

// Reader reads what was written. Package chargedb implements it.
type Reader interface {
	charge.Store
	// List gives charges by id, which is by age.
	List(ctx context.Context, f Filter) ([]*charge.Charge, error)
	// Evidence is all evidence of a charge, oldest first.
	Evidence(ctx context.Context, id charge.ID) ([]charge.Evidence, error)
	// Entries lists ledger entries by id, which is by age.
	Entries(ctx context.Context, after string, limit int) ([]charge.Entry, error)
	// OrderNames gives the platform's names of the orders.
	OrderNames(ctx context.Context, ids []charge.OrderID) (map[charge.OrderID]string, error)
}

// Views shows charges, to each actor its own.
type Views struct {
	reader Reader
	// next says what the engine would do with a charge, as things are.
	next func(ctx context.Context, c *charge.Charge) charge.Act
}

// NewViews makes Views.
func NewViews(r Reader, next func(ctx context.Context, c *charge.Charge) charge.Act) *Views {
	return &Views{reader: r, next: next}
}

// List gives a page of charges, and the names of their orders.
func (v *Views) List(ctx context.Context, actor settings.Actor, f Filter) ([]*charge.Charge, map[charge.OrderID]string, error) {
	if f.After != "" && !isID(f.After) {
		return nil, nil, badCursor()
	}
	var all []*charge.Charge
	var err error
	if actor.Kind == settings.ActorPlatform {
		all, err = v.reader.List(ctx, f)
	} else {
		// A company is either; the other question finds nothing.
		f.Fulfiller, f.Channel = actor.Company, ""
		if all, err = v.reader.List(ctx, f); err == nil && len(all) == 0 {
			f.Fulfiller, f.Channel = "", actor.Company
			all, err = v.reader.List(ctx, f)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	ids := make([]charge.OrderID, len(all))
	for i, c := range all {
		ids[i] = c.OrderID
	}
	names, err := v.reader.OrderNames(ctx, ids)
	return all, names, err
}

// Explain tells a charge's story.
func (v *Views) Explain(ctx context.Context, actor settings.Actor, id charge.ID) (Story, error) {
	var cs []*charge.Charge
	if isID(id) {
		var err error
		if cs, err = v.reader.Load(ctx, id); err != nil {
			return Story{}, err
		}
	}
	if len(cs) == 0 || actor.Kind != settings.ActorPlatform && actor.Company != cs[0].FulfillerID && actor.Company != cs[0].ChannelID {
		return Story{}, &payment.Error{Kind: payment.ErrorNotFound, Text: "there is no such charge"}
	}
	c := cs[0]
	evidence, err := v.reader.Evidence(ctx, id)
	if err != nil {
		return Story{}, err
	}
	names, err := v.reader.OrderNames(ctx, []charge.OrderID{c.OrderID})
	if err != nil {
		return Story{}, err
	}
	return Story{Charge: c, OrderReference: names[c.OrderID], Evidence: evidence, Next: v.next(ctx, c)}, nil
}

// Ledger lists entries, the platform's alone.
func (v *Views) Ledger(ctx context.Context, actor settings.Actor, after string, limit int) ([]charge.Entry, error) {
	if actor.Kind != settings.ActorPlatform {
		return nil, &payment.Error{Kind: payment.ErrorForbidden, Text: "only the platform reads the whole ledger; use its key"}
	}
	if after != "" && !isID(after) {
		return nil, badCursor()
	}
	return v.reader.Entries(ctx, after, limit)
}

func badCursor() error { return invalid("after", "it is not one of ours; begin again without") }

package settings

import (
	"context"
	"fmt"
	"strconv"

	"github.com/chargehand/chargehand/shared/payment"
)

// ViewFulfiller shows a fulfiller's settings to itself and the platform.
func (s *Service) ViewFulfiller(ctx context.Context, a Actor, id CompanyID, plugin string) (View, error) {
	sc, err := s.fulfillerScope(ctx, a, id, plugin)
	if err != nil {
		return View{}, err
	}
	d, err := s.desk(ctx, plugin)
	if err != nil {
		return View{}, err
	}
	v, err := s.store.Current(ctx, sc)
	if err != nil {
		return View{}, fmt.Errorf("read settings: %w", err)
	}
	view := d.schema.view(v, v, Version{})
	view.FulfillerVersion = v.Number
	return view, nil
}

// ViewLink shows a link's settings in force, inherited ones included, to both
// its ends and the platform.
func (s *Service) ViewLink(ctx context.Context, a Actor, id LinkID) (View, error) {
	l, _, err := s.link(ctx, a, id)
	if err != nil {
		return View{}, err
	}
	d, err := s.desk(ctx, l.Plugin)
	if err != nil {
		return View{}, err
	}
	own, err := s.store.Current(ctx, linkScope(l))
	if err != nil {
		return View{}, fmt.Errorf("read settings: %w", err)
	}
	fulfiller, err := s.store.Current(ctx, ownScope(l.FulfillerID, l.Plugin))
	if err != nil {
		return View{}, fmt.Errorf("read settings: %w", err)
	}
	view := d.schema.view(own, fulfiller, own)
	view.FulfillerVersion = fulfiller.Number
	if !a.writes(l) {
		view.By = "" // people of the other company
		for i := range view.Fields {
			// What the fulfiller charges with is its own; how, may be known.
			if f := &view.Fields[i]; f.Kind != payment.FieldChoice {
				f.Value = ""
			}
		}
	}
	return view, nil
}

// view shows the version's scope with the values in force. No secret is opened
// for it.
func (sc *schema) view(v, fulfiller, link Version) View {
	view := View{Scope: v.Scope, Version: v.Number, At: v.At, By: v.By, Fields: make([]FieldView, 0, len(sc.fields))}
	for _, f := range sc.fields {
		fv := FieldView{Field: f}
		switch {
		case fv.from(link):
			fv.From = OriginLink
		case fv.from(fulfiller):
			fv.From = OriginFulfiller
		case f.Default != "":
			fv.From, fv.Value, fv.Set = OriginDefault, f.Default, true
		}
		view.Fields = append(view.Fields, fv)
	}
	return view
}

// from takes the field's value from a version, if it has one.
func (fv *FieldView) from(v Version) bool {
	plain := v.Plain[fv.Name]
	_, sealed := v.Sealed[fv.Name]
	fv.Set = sealed || plain != ""
	if !fv.Secret() && !sealed {
		fv.Value = plain
	}
	return fv.Set
}

// FulfillerHistory lists who changed what in a fulfiller's settings, newest
// first, to itself and the platform.
func (s *Service) FulfillerHistory(ctx context.Context, a Actor, id CompanyID, plugin string, p Paging) (Page[VersionView], error) {
	sc, err := s.fulfillerScope(ctx, a, id, plugin)
	if err != nil {
		return Page[VersionView]{}, err
	}
	return s.history(ctx, sc, p)
}

// LinkHistory lists who changed what in a link's own settings, newest first,
// to the fulfiller and the platform.
func (s *Service) LinkHistory(ctx context.Context, a Actor, id LinkID, p Paging) (Page[VersionView], error) {
	l, _, err := s.ownLink(ctx, a, id)
	if err != nil {
		return Page[VersionView]{}, err
	}
	return s.history(ctx, linkScope(l), p)
}

func (s *Service) history(ctx context.Context, sc Scope, p Paging) (Page[VersionView], error) {
	p, err := p.validate()
	if err != nil {
		return Page[VersionView]{}, err
	}
	var before int64
	if p.After != "" {
		if before, err = strconv.ParseInt(p.After, 10, 64); err != nil || before < 1 {
			return Page[VersionView]{}, badCursor()
		}
	}
	versions, err := s.store.Versions(ctx, sc, before, p.Limit+1)
	if err != nil {
		return Page[VersionView]{}, fmt.Errorf("read the history: %w", err)
	}
	list := make([]VersionView, len(versions))
	for i, v := range versions {
		list[i] = VersionView{Number: v.Number, At: v.At, By: v.By, Reason: v.Reason, Changes: v.Changes}
	}
	return page(list, p, func(v VersionView) string { return strconv.FormatInt(v.Number, 10) }), nil
}

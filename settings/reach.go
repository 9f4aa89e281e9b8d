package settings

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chargehand/chargehand/shared/payment"
)

// reach checks what the new values would mean, for every link they reach, and
// tells which cards those links would use.
func (s *Service) reach(ctx context.Context, d *desk, sc Scope, next payment.Settings, removesOnly bool) ([]CardUse, []Problem, error) {
	if sc.Owner == payment.OwnerLink {
		return s.reachLink(ctx, d, sc, next, removesOnly)
	}
	values := d.schema.merged(next)
	report, err := d.ask(ctx, values, true)
	if err != nil {
		return nil, nil, err
	}
	problems := asProblems("", report.Problems)
	if report.Profile.Stored != "" {
		p := d.storedField(values, report.Profile.Stored)
		p.Rule, p.Text = "owner", "it is one retailer's card; enter it on the link with that retailer's sales channel"
		problems = append(problems, Problem{FieldProblem: p})
	}
	var uses []CardUse
	err = s.eachLink(ctx, sc, func(l Link) error {
		use, more, err := s.reached(ctx, d, l, next)
		if err != nil {
			return err
		}
		for _, p := range more {
			own := Problem{FieldProblem: p.FieldProblem}
			if !slices.Contains(problems, own) { // said once is enough
				problems = append(problems, p)
			}
		}
		uses = append(uses, use)
		return nil
	})
	return uses, problems, err
}

func (s *Service) eachLink(ctx context.Context, sc Scope, do func(Link) error) error {
	after := LinkID("")
	for {
		list, err := s.store.Links(ctx, LinkFilter{Fulfiller: sc.Fulfiller, Plugin: sc.Plugin}, after, MaxPage)
		if err != nil {
			return fmt.Errorf("list the fulfiller's links: %w", err)
		}
		for _, l := range list {
			if err := do(l); err != nil {
				return err
			}
		}
		if len(list) < MaxPage {
			return nil
		}
		after = list[len(list)-1].ID
	}
}

// reached checks a link against new settings of its fulfiller. What is wrong
// with one that is off is found when it is switched on.
func (s *Service) reached(ctx context.Context, d *desk, l Link, fulfiller payment.Settings) (CardUse, []Problem, error) {
	_, own, err := s.current(ctx, linkScope(l))
	if err != nil {
		return CardUse{}, nil, err
	}
	if l.State != LinkOn && len(own) == 0 {
		return CardUse{LinkID: l.ID, ChannelID: l.ChannelID}, nil, nil
	}
	values := d.schema.merged(fulfiller, own)
	var report payment.SettingsReport
	if l.State == LinkOn {
		report, err = d.whole(ctx, values)
	} else {
		report, err = d.ask(ctx, values, true)
		report.Problems = nil
	}
	if err != nil {
		return CardUse{}, nil, err
	}
	use, more, err := s.use(ctx, d, l, values, report.Profile)
	return use, asProblems(l.ID, append(report.Problems, more...)), err
}

func (s *Service) reachLink(ctx context.Context, d *desk, sc Scope, next payment.Settings, removesOnly bool) ([]CardUse, []Problem, error) {
	l, _, err := s.store.Link(ctx, LinkID(sc.ID))
	if err != nil {
		return nil, nil, missing(err, "link")
	}
	_, fulfiller, err := s.current(ctx, ownScope(sc.Fulfiller, sc.Plugin))
	if err != nil {
		return nil, nil, err
	}
	values := d.schema.merged(fulfiller, next)
	var report payment.SettingsReport
	if l.State == LinkOff && removesOnly {
		// A retailer who leaves must not leave a card behind.
		report, err = d.ask(ctx, values, true)
	} else {
		report, err = d.whole(ctx, values)
	}
	if err != nil {
		return nil, nil, err
	}
	use, more, err := s.use(ctx, d, l, values, report.Profile)
	return []CardUse{use}, asProblems("", append(report.Problems, more...)), err
}

// use tells which card the settings lead to, and refuses one that is a charge
// of ours: charging on it would bill whoever paid that order.
func (s *Service) use(ctx context.Context, d *desk, l Link, values payment.Settings, p payment.Profile) (CardUse, []payment.FieldProblem, error) {
	u := CardUse{LinkID: l.ID, ChannelID: l.ChannelID}
	if p.Stored == "" || p.Site == "" || p.Endpoint == "" {
		return u, nil, nil
	}
	field := d.storedField(values, p.Stored)
	u.field = field
	if err := p.Stored.Validate(); err != nil {
		field.Rule, field.Text = "reference", strings.TrimPrefix(err.Error(), payment.ErrReference.Error()+": ")
		return u, []payment.FieldProblem{field}, nil
	}
	if len(p.Endpoint) > 32 || len(p.Site) > 64 || !utf8.ValidString(p.Site) {
		return u, nil, pluginFault(d.name, "the endpoint or site it reads from the settings is too long")
	}
	u.Place = Place{Plugin: d.name, Endpoint: p.Endpoint, Site: p.Site, Stored: p.Stored}
	if s.charges == nil {
		return u, nil, nil
	}
	ours, err := s.charges.IsOurTransaction(ctx, p.Endpoint, p.Site, p.Stored)
	if err != nil {
		return u, nil, fmt.Errorf("look whether the stored reference is a charge of ours: %w", err)
	}
	if ours {
		field.Rule, field.Text = "our_charge", "it is an order's charge, not a card stored for charging; make a new one in the gateway's Virtual Terminal and enter its reference"
		return u, []payment.FieldProblem{field}, nil
	}
	return u, nil, nil
}

// refuseTaken says whose stored reference belongs to somebody else, without
// saying to whom.
func refuseTaken(sc Scope, t *CardTakenError, uses []CardUse) error {
	out := &Invalid{}
	for _, u := range uses {
		if !slices.Contains(t.Links, u.LinkID) {
			continue
		}
		p := Problem{FieldProblem: u.field}
		p.Rule, p.Text = "taken", "it stands on another sales channel's link, and would charge that retailer's card; make one of this retailer's own and enter its reference"
		if sc.Owner != payment.OwnerLink {
			p.Link = u.LinkID
		}
		out.Problems = append(out.Problems, p)
	}
	return out
}

func asProblems(id LinkID, list []payment.FieldProblem) []Problem {
	var out []Problem
	for _, p := range list {
		out = append(out, Problem{Link: id, FieldProblem: p})
	}
	return out
}

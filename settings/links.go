package settings

import (
	"context"
	"errors"
	"fmt"

	"github.com/chargehand/chargehand/shared/payment"
)

// CreateLink joins a fulfiller and a sales channel, switched off. Only the
// platform may. ErrorConflict if they are linked already.
func (s *Service) CreateLink(ctx context.Context, a Actor, n NewLink) (Link, error) {
	if !a.platform() {
		return Link{}, forbidden("only the platform creates links; use its key")
	}
	if err := s.ofType(ctx, "fulfiller_id", n.FulfillerID, Fulfiller); err != nil {
		return Link{}, err
	}
	if err := s.ofType(ctx, "channel_id", n.ChannelID, SalesChannel); err != nil {
		return Link{}, err
	}
	if _, err := s.gateway(n.Plugin); err != nil {
		return Link{}, err
	}
	now := s.moment()
	l := Link{
		ID: LinkID(newID()), FulfillerID: n.FulfillerID, ChannelID: n.ChannelID, Plugin: n.Plugin, State: LinkOff,
		StartAt: n.StartAt, AfterAbsence: n.AfterAbsence, AfterAbsenceMax: n.AfterAbsenceMax, MaxOrderAgeDays: n.MaxOrderAgeDays,
		Version: 1, CreatedAt: now, CreatedBy: a.Name, UpdatedAt: now, UpdatedBy: a.Name,
	}
	if l.StartAt.IsZero() {
		l.StartAt = now
	}
	if l.AfterAbsence == "" {
		l.AfterAbsence = AbsenceAttempt
	}
	if l.MaxOrderAgeDays == 0 {
		l.MaxOrderAgeDays = DefaultMaxOrderAgeDays
	}
	l = LinkChange{}.apply(l)
	if err := l.validate(); err != nil {
		return Link{}, err
	}
	err := s.store.AddLink(ctx, l)
	if errors.Is(err, ErrExists) {
		return Link{}, conflict("channel_id", "the fulfiller and the sales channel are linked already")
	}
	if err != nil {
		return Link{}, fmt.Errorf("create link: %w", err)
	}
	return l, nil
}

func (s *Service) ofType(ctx context.Context, field string, id CompanyID, t CompanyType) error {
	c, err := s.company(ctx, id)
	if payment.KindOf(err) == payment.ErrorNotFound || (err == nil && c.Type != t) {
		return invalid(field, "there is no such %s", words(t))
	}
	return err
}

// Link gives a link to both its ends and the platform.
func (s *Service) Link(ctx context.Context, a Actor, id LinkID) (Link, error) {
	l, _, err := s.link(ctx, a, id)
	return l, err
}

// link reads a link that the actor sees, past the cache.
func (s *Service) link(ctx context.Context, a Actor, id LinkID) (Link, int64, error) {
	if !isID(id) {
		return Link{}, 0, noSuch("link")
	}
	l, revision, err := s.store.Link(ctx, id)
	if err != nil {
		return Link{}, 0, missing(err, "link")
	}
	if !a.sees(l) {
		return Link{}, 0, noSuch("link")
	}
	return l, revision, nil
}

// ownLink reads a link that the actor may write.
func (s *Service) ownLink(ctx context.Context, a Actor, id LinkID) (Link, int64, error) {
	l, revision, err := s.link(ctx, a, id)
	if err == nil && !a.writes(l) {
		err = forbidden("only the fulfiller and the platform may do this to a link")
	}
	return l, revision, err
}

// Links lists links: all to the platform, its own to a company.
func (s *Service) Links(ctx context.Context, a Actor, f LinkFilter, p Paging) (Page[Link], error) {
	p, err := p.byID()
	if err != nil {
		return Page[Link]{}, err
	}
	if !a.platform() {
		c, err := s.Company(ctx, a, a.Company)
		if err != nil {
			return Page[Link]{}, err
		}
		own := &f.Fulfiller
		if c.Type == SalesChannel {
			own = &f.Channel
		}
		if *own != "" && *own != a.Company {
			return Page[Link]{}, nil
		}
		*own = a.Company
	}
	if (f.Fulfiller != "" && !isID(f.Fulfiller)) || (f.Channel != "" && !isID(f.Channel)) {
		return Page[Link]{}, nil
	}
	list, err := s.store.Links(ctx, f, LinkID(p.After), p.Limit+1)
	if err != nil {
		return Page[Link]{}, fmt.Errorf("list links: %w", err)
	}
	return page(list, p, func(l Link) string { return string(l.ID) }), nil
}

// ChangeLink changes a link's rules or switches it. It is switched on only if
// its settings are complete and the card behind its stored reference is
// confirmed. ErrorConflict if the link is not as the change has seen it.
func (s *Service) ChangeLink(ctx context.Context, a Actor, id LinkID, c LinkChange) (Link, error) {
	var changed Link
	err := retryStale(func() error {
		l, revision, err := s.ownLink(ctx, a, id)
		if err != nil {
			return err
		}
		if l.Version != c.Seen {
			return conflict("version", "the link is at version %d, changed by %s; read it again", l.Version, l.UpdatedBy)
		}
		changed = c.apply(l)
		if err := changed.validate(); err != nil {
			return err
		}
		if changed == l {
			return nil
		}
		if l.State != LinkOn && changed.State == LinkOn {
			if err := s.chargeable(ctx, l); err != nil {
				return err
			}
		}
		changed.Version++
		changed.UpdatedAt, changed.UpdatedBy = s.moment(), a.Name
		return s.store.UpdateLink(ctx, changed, revision)
	})
	if err != nil {
		return Link{}, refusal(err, "change link")
	}
	s.caches.heads.forget()
	return changed, nil
}

// chargeable refuses to switch a link on that could not charge.
func (s *Service) chargeable(ctx context.Context, l Link) error {
	e, problems, err := s.merge(ctx, l)
	switch {
	case err != nil:
		return err
	case len(problems) > 0:
		return &Invalid{Problems: problems}
	case e.Profile.Stored == "":
		return conflict("state", "the link has no stored transaction reference; save one in its settings first")
	case !e.CardConfirmed:
		return conflict("state", "nobody has confirmed the card behind stored reference %s yet; run a preflight and confirm the masked card it shows", e.Profile.Stored)
	}
	return nil
}

// LinkFor finds the link of a sales channel with the fulfiller of that name,
// from memory; what changed elsewhere is seen within half a second.
// ErrorNotFound if there is none.
func (s *Service) LinkFor(ctx context.Context, channel CompanyID, fulfillerReference string) (Link, error) {
	f, err := s.CompanyByReference(ctx, Fulfiller, fulfillerReference)
	if err != nil {
		return Link{}, err
	}
	id, err := s.caches.pairs.get(ctx, linkPair{f.ID, channel}, func(ctx context.Context) (LinkID, error) {
		l, err := s.store.LinkBetween(ctx, f.ID, channel)
		if err != nil {
			return "", missing(err, "link")
		}
		return l.ID, nil
	})
	if err != nil {
		return Link{}, err
	}
	head, err := s.head(ctx, id)
	return head.link, err
}

func (s *Service) head(ctx context.Context, id LinkID) (linkHead, error) {
	return s.caches.heads.get(ctx, id, func(ctx context.Context) (linkHead, error) {
		l, revision, err := s.store.Link(ctx, id)
		if err != nil {
			return linkHead{}, missing(err, "link")
		}
		return linkHead{l, revision}, nil
	})
}

// retryStale repeats a change that lost a race to a change of something else
// which it depends on. What it was asked to be based on, it checks itself.
func retryStale(try func() error) error {
	var err error
	for range 5 {
		if err = try(); !errors.Is(err, ErrStale) {
			return err
		}
	}
	return err
}

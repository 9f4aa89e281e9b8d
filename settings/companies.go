package settings

import (
	"context"
	"errors"
	"fmt"
)

// CreateCompany creates a company. Only the platform may. ErrorConflict if the
// reference is taken.
func (s *Service) CreateCompany(ctx context.Context, a Actor, n NewCompany) (Company, error) {
	if !a.platform() {
		return Company{}, forbidden("only the platform creates companies; use its key")
	}
	if n.Name == "" {
		n.Name = n.Reference
	}
	if err := n.validate(); err != nil {
		return Company{}, err
	}
	c := Company{
		ID: CompanyID(newID()), Type: n.Type, Reference: n.Reference, Name: n.Name,
		CreatedAt: s.moment(), CreatedBy: a.Name,
	}
	err := s.store.AddCompany(ctx, c)
	if errors.Is(err, ErrExists) {
		return Company{}, conflict("reference", "a %s is called %q already", words(n.Type), n.Reference)
	}
	if err != nil {
		return Company{}, fmt.Errorf("create company %q: %w", n.Reference, err)
	}
	return c, nil
}

// Company gives a company to itself, to those it is linked with, and to the
// platform; for others it does not exist.
func (s *Service) Company(ctx context.Context, a Actor, id CompanyID) (Company, error) {
	if a.platform() || a.is(id) {
		return s.company(ctx, id)
	}
	if a.Kind != ActorCompany || !isID(id) {
		return Company{}, noSuch("company")
	}
	linked, err := s.linked(ctx, a.Company, id)
	if err != nil {
		return Company{}, err
	}
	if !linked {
		return Company{}, noSuch("company")
	}
	return s.company(ctx, id)
}

func (s *Service) linked(ctx context.Context, one, other CompanyID) (bool, error) {
	for _, pair := range []linkPair{{one, other}, {other, one}} {
		_, err := s.store.LinkBetween(ctx, pair.fulfiller, pair.channel)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return false, fmt.Errorf("look for a link: %w", err)
		}
	}
	return false, nil
}

// Companies lists all companies to the platform, and to a company itself.
func (s *Service) Companies(ctx context.Context, a Actor, t CompanyType, p Paging) (Page[Company], error) {
	p, err := p.byID()
	if err != nil {
		return Page[Company]{}, err
	}
	if t != "" && t != Fulfiller && t != SalesChannel {
		return Page[Company]{}, invalid("type", "it must be %q or %q", Fulfiller, SalesChannel)
	}
	if !a.platform() {
		c, err := s.Company(ctx, a, a.Company)
		if err != nil || (t != "" && c.Type != t) || p.After != "" {
			return Page[Company]{}, err
		}
		return Page[Company]{Items: []Company{c}}, nil
	}
	list, err := s.store.Companies(ctx, t, CompanyID(p.After), p.Limit+1)
	if err != nil {
		return Page[Company]{}, fmt.Errorf("list companies: %w", err)
	}
	return page(list, p, func(c Company) string { return string(c.ID) }), nil
}

// CompanyByReference finds a company by the platform's name, from memory if it
// was asked for before. ErrorNotFound if there is none.
func (s *Service) CompanyByReference(ctx context.Context, t CompanyType, reference string) (Company, error) {
	if len(reference) > 4*MaxReference {
		return Company{}, noSuch("company")
	}
	return s.caches.companies.get(ctx, companyName{t, reference}, func(ctx context.Context) (Company, error) {
		c, err := s.store.CompanyByReference(ctx, t, reference)
		if err != nil {
			return Company{}, missing(err, "company")
		}
		return c, nil
	})
}

func (s *Service) company(ctx context.Context, id CompanyID) (Company, error) {
	if !isID(id) {
		return Company{}, noSuch("company")
	}
	return s.caches.byID.get(ctx, id, func(ctx context.Context) (Company, error) {
		c, err := s.store.Company(ctx, id)
		if err != nil {
			return Company{}, missing(err, "company")
		}
		return c, nil
	})
}

// page cuts a list, read with one item too many, to a page.
func page[T any](list []T, p Paging, cursor func(T) string) Page[T] {
	if len(list) <= p.Limit {
		return Page[T]{Items: list}
	}
	list = list[:p.Limit]
	return Page[T]{Items: list, Next: cursor(list[p.Limit-1])}
}

func words(t CompanyType) string {
	if t == SalesChannel {
		return "sales channel"
	}
	return string(t)
}

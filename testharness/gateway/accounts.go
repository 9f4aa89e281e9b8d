package gateway

import (
	"fmt"
	"maps"
	"slices"
)

// SetUser adds a user or replaces the one of that name.
func (g *Gateway) SetUser(u User) error {
	u.Addresses, u.Sites = slices.Clone(u.Addresses), slices.Clone(u.Sites)
	ready, err := newUser(u)
	if err != nil {
		return fmt.Errorf("set user: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.users[u.Name] = ready
	g.kept.write(journalLine{User: &ready.User})
	return nil
}

// User returns the user of that name.
func (g *Gateway) User(name string) (User, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	u, ok := g.users[name]
	if !ok {
		return User{}, false
	}
	out := u.User
	out.Addresses, out.Sites = slices.Clone(out.Addresses), slices.Clone(out.Sites)
	return out, true
}

// Users returns all users, by name.
func (g *Gateway) Users() []User {
	g.mu.Lock()
	names := slices.Sorted(maps.Keys(g.users))
	g.mu.Unlock()
	out := make([]User, 0, len(names))
	for _, name := range names {
		if u, ok := g.User(name); ok {
			out = append(out, u)
		}
	}
	return out
}

// SetSite adds a site or replaces the one of that reference. No user sees a
// new site until it is allocated to one.
func (g *Gateway) SetSite(s Site) error {
	s.Accounts, s.Currencies, s.PaymentTypes = slices.Clone(s.Accounts), slices.Clone(s.Currencies), slices.Clone(s.PaymentTypes)
	ready, err := checkSite(s)
	if err != nil {
		return fmt.Errorf("set site: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sites[s.Reference] = &ready
	g.kept.write(journalLine{Site: &ready})
	return nil
}

// Site returns the site of that reference.
func (g *Gateway) Site(reference string) (Site, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.sites[reference]
	if !ok {
		return Site{}, false
	}
	out := *s
	out.Accounts, out.Currencies, out.PaymentTypes = slices.Clone(out.Accounts), slices.Clone(out.Currencies), slices.Clone(out.PaymentTypes)
	return out, true
}

// Sites returns all sites, by reference.
func (g *Gateway) Sites() []Site {
	g.mu.Lock()
	names := slices.Sorted(maps.Keys(g.sites))
	g.mu.Unlock()
	out := make([]Site, 0, len(names))
	for _, name := range names {
		if s, ok := g.Site(name); ok {
			out = append(out, s)
		}
	}
	return out
}

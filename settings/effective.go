package settings

import (
	"context"
	"errors"
	"fmt"

	"github.com/chargehand/chargehand/shared/payment"
)

// Effective gives all that is needed to charge over a link, from memory; what
// changed elsewhere is seen within half a second. *Invalid if the settings are
// not complete, ErrorNotFound if there is no such link, ErrorUnavailable if
// the plugin or the company's key is out of reach.
func (s *Service) Effective(ctx context.Context, id LinkID) (Effective, error) {
	h, err := s.head(ctx, id)
	if err != nil {
		return Effective{}, err
	}
	return s.caches.effective.get(ctx, effectiveKey{id, h.revision}, func(ctx context.Context) (Effective, error) {
		e, problems, err := s.merge(ctx, h.link)
		if err != nil {
			return Effective{}, refusal(err, "merge the settings of link "+string(id))
		}
		if len(problems) > 0 {
			return Effective{}, &Invalid{Problems: problems}
		}
		return e, nil
	})
}

// merge reads a link's settings in force, past the cache, and has the plugin
// say what they mean.
func (s *Service) merge(ctx context.Context, l Link) (Effective, []Problem, error) {
	d, err := s.desk(ctx, l.Plugin)
	if err != nil {
		return Effective{}, nil, err
	}
	fulfiller, values, err := s.current(ctx, ownScope(l.FulfillerID, l.Plugin))
	if err != nil {
		return Effective{}, nil, err
	}
	link, own, err := s.current(ctx, linkScope(l))
	if err != nil {
		return Effective{}, nil, err
	}
	e := Effective{
		Link: l, Plugin: l.Plugin, Settings: d.schema.merged(values, own),
		FulfillerVersion: fulfiller.Number, LinkVersion: link.Number,
	}
	report, err := d.whole(ctx, e.Settings)
	if err != nil || len(report.Problems) > 0 {
		return e, asProblems("", report.Problems), err
	}
	e.Profile = report.Profile
	if e.Fulfiller, err = s.company(ctx, l.FulfillerID); err != nil {
		return e, nil, err
	}
	if e.Channel, err = s.company(ctx, l.ChannelID); err != nil {
		return e, nil, err
	}
	if e.Profile.Stored != "" {
		e.CardConfirmed, err = s.confirmed(ctx, l.ID, e.place())
	}
	return e, nil, err
}

func (e Effective) place() Place {
	return Place{Plugin: e.Plugin, Endpoint: e.Profile.Endpoint, Site: e.Profile.Site, Stored: e.Profile.Stored}
}

func (s *Service) confirmed(ctx context.Context, id LinkID, p Place) (bool, error) {
	_, err := s.store.Confirmation(ctx, id, p)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the card's confirmation: %w", err)
	}
	return true, nil
}

// siteAnswer is what ForSite found; found is kept too when it is nothing.
type siteAnswer struct {
	Settings payment.Settings // exported, so that printing the answer masks it
	found    bool
}

// maxLookBack is how many versions back credentials are looked for.
const maxLookBack = 200

// ForSite gives the newest credentials that lead to an endpoint and site, so
// that attempts can be queried and released where they were made, whatever was
// saved since. ErrorNotFound if none ever did.
func (s *Service) ForSite(ctx context.Context, id LinkID, endpoint, site string) (payment.Settings, error) {
	h, err := s.head(ctx, id)
	if err != nil {
		return nil, err
	}
	key := siteKey{effectiveKey{id, h.revision}, endpoint, site}
	a, err := s.caches.sites.get(ctx, key, func(ctx context.Context) (siteAnswer, error) {
		return s.findSite(ctx, h.link, endpoint, site)
	})
	if err != nil {
		return nil, refusal(err, "find credentials for the site")
	}
	if !a.found {
		return nil, fail(payment.ErrorNotFound, "", "no saved settings of this link lead to site %s at %s; enter credentials for it on the link", site, endpoint)
	}
	return a.Settings, nil
}

// findSite first lays the link's settings as they are over every version of
// the fulfiller's, then goes back through both as they stood together.
func (s *Service) findSite(ctx context.Context, l Link, endpoint, site string) (siteAnswer, error) {
	d, err := s.desk(ctx, l.Plugin)
	if err != nil {
		return siteAnswer{}, err
	}
	fulfiller, err := s.store.Versions(ctx, ownScope(l.FulfillerID, l.Plugin), 0, maxLookBack)
	if err != nil {
		return siteAnswer{}, fmt.Errorf("read the fulfiller's settings: %w", err)
	}
	link, err := s.store.Versions(ctx, linkScope(l), 0, maxLookBack)
	if err != nil {
		return siteAnswer{}, fmt.Errorf("read the link's settings: %w", err)
	}
	for _, pair := range lookBack(fulfiller, link) {
		base, err := s.sealer.values(ctx, pair.fulfiller)
		if err != nil {
			return siteAnswer{}, err
		}
		own, err := s.sealer.values(ctx, pair.link)
		if err != nil {
			return siteAnswer{}, err
		}
		values := d.schema.merged(base, own)
		// What else is wrong with old settings does not matter here.
		report, err := d.ask(ctx, values, true)
		if err != nil {
			return siteAnswer{}, err
		}
		if report.Profile.Endpoint == endpoint && report.Profile.Site == site {
			return siteAnswer{values, true}, nil
		}
	}
	return siteAnswer{}, nil
}

type versionPair struct{ fulfiller, link Version }

// lookBack lists which versions were or may be used together, the most likely
// to work today first. Both lists are newest first.
func lookBack(fulfiller, link []Version) []versionPair {
	newest := func(list []Version) Version {
		if len(list) == 0 {
			return Version{}
		}
		return list[0]
	}
	var out []versionPair
	seen := map[[2]int64]bool{}
	add := func(f, l Version) {
		if k := [2]int64{f.Number, l.Number}; !seen[k] {
			seen[k] = true
			out = append(out, versionPair{f, l})
		}
	}
	add(newest(fulfiller), newest(link))
	for _, f := range fulfiller {
		add(f, newest(link))
	}
	for _, l := range link {
		add(newest(fulfiller), l)
	}
	// Backwards through both, one change at a time.
	for len(fulfiller) > 0 && len(link) > 0 {
		add(fulfiller[0], link[0])
		if fulfiller[0].At.After(link[0].At) {
			fulfiller = fulfiller[1:]
		} else {
			link = link[1:]
		}
	}
	for _, f := range fulfiller {
		add(f, Version{})
	}
	for _, l := range link {
		add(Version{}, l)
	}
	return out
}

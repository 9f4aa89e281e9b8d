package myst

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// sitesPage lists the sites, and has the switches that hold for all.
type sitesPage struct {
	frame
	Sites    []gateway.Site
	Switches gateway.Switches
	// QueryLag, Latency and Spread are the switches' as they were typed in.
	QueryLag, Latency, Spread string
}

// sitePage is the form of one.
type sitePage struct {
	frame
	Site gateway.Site
	New  bool
	// Accounts, Currencies, PaymentTypes and MinRefund as they are typed in.
	Accounts, Currencies, PaymentTypes, MinRefund string
}

func (p *portal) sites(w http.ResponseWriter, r *http.Request) { show(w, "sites", p.sitesPage(r)) }

func (p *portal) sitesPage(r *http.Request) *sitesPage {
	s := p.g.Switches()
	return &sitesPage{
		frame: p.frame(r, "sites", "Sites"), Sites: p.g.Sites(), Switches: s,
		QueryLag: duration(s.QueryLag), Latency: duration(s.Latency), Spread: duration(s.Spread),
	}
}

func (p *portal) site(w http.ResponseWriter, r *http.Request) {
	reference := r.URL.Query().Get("reference")
	s, known := p.g.Site(reference)
	if reference != "" && !known {
		p.gone(w, r, "There is no site "+reference+".")
		return
	}
	show(w, "site", p.sitePage(r, &s, !known))
}

func (p *portal) sitePage(r *http.Request, s *gateway.Site, isNew bool) *sitePage {
	title := s.Reference
	if isNew {
		title = "New site"
	}
	return &sitePage{
		frame: p.frame(r, "sites", title), Site: *s, New: isNew,
		Accounts: strings.Join(s.Accounts, " "), Currencies: strings.Join(s.Currencies, " "),
		PaymentTypes: strings.Join(s.PaymentTypes, " "), MinRefund: positive(s.MinRefund),
	}
}

func (p *portal) saveSite(w http.ResponseWriter, r *http.Request) {
	isNew := ticked(r, "new")
	s, known := p.g.Site(text(r, "reference"))
	s.Reference, s.Accounts, s.Currencies = text(r, "reference"), words(r.PostFormValue("accounts")), words(r.PostFormValue("currencies"))
	s.Live, s.Suspended = ticked(r, "live"), ticked(r, "suspended")
	s.PaymentTypes = words(r.PostFormValue("payment_types"))
	s.DuplicateCheck, s.FraudSuspend, s.StrictRefunds = ticked(r, "duplicate"), ticked(r, "fraud"), ticked(r, "strict")
	multiple, err := number(text(r, "multiple"), "multiple")
	smallest, wrong := number(text(r, "min_refund"), "smallest refund")
	s.MaxMultiple, s.MinRefund = int64(multiple), int64(smallest)
	err = errors.Join(err, wrong)
	switch {
	case err != nil:
	case isNew && known:
		err = errors.New("there is a site of that reference already")
	case !isNew && !known:
		err = errors.New("there is no such site any more")
	case slices.ContainsFunc(s.Currencies, func(c string) bool { return len(c) != 3 }):
		err = errors.New("currencies are three capital letters each, like GBP EUR")
	default:
		err = p.g.SetSite(s)
	}
	if err == nil {
		leave(w, r, "/myst/sites?done=site")
		return
	}
	page := p.sitePage(r, &s, isNew)
	page.Wrong = err.Error()
	refuse(w, "site", page)
}

// saveSwitches sets those that are on the page, and leaves others as they are.
func (p *portal) saveSwitches(w http.ResponseWriter, r *http.Request) {
	s := p.g.Switches()
	s.QueryEndExclusive, s.QueryCountsAll = ticked(r, "query_end_exclusive"), ticked(r, "query_counts_all")
	s.ExpiredDeclined, s.CancelledParentRefused = ticked(r, "expired_declined"), ticked(r, "cancelled_parent_refused")
	s.Plain, s.Down, s.AnyCard, s.PublicNotifications = ticked(r, "plain"), ticked(r, "down"), ticked(r, "any_card"), ticked(r, "public_notifications")
	var err error
	for name, into := range map[string]*gateway.Duration{"query_lag": &s.QueryLag, "latency": &s.Latency, "spread": &s.Spread} {
		if given := text(r, name); given == "" {
			*into = 0
		} else if failed := into.UnmarshalText([]byte(given)); failed != nil {
			err = failed
		}
	}
	if err == nil {
		err = p.g.SetSwitches(r.Context(), s)
	}
	if err == nil {
		leave(w, r, "/myst/sites?done=switches")
		return
	}
	page := p.sitesPage(r)
	page.Switches, page.Wrong = s, err.Error()
	page.QueryLag, page.Latency, page.Spread = text(r, "query_lag"), text(r, "latency"), text(r, "spread")
	refuse(w, "sites", page)
}

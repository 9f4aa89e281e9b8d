package settings

import (
	"context"
	"errors"
	"fmt"

	"github.com/chargehand/chargehand/shared/payment"
)

// Preflight tries a link's settings at the gateway, moving no money, and keeps
// what was found. The fulfiller and the platform may. *Invalid if the settings
// are not complete; ErrorUnavailable if the check could not be made.
func (s *Service) Preflight(ctx context.Context, a Actor, id LinkID) (Report, error) {
	l, _, err := s.ownLink(ctx, a, id)
	if err != nil {
		return Report{}, err
	}
	e, problems, err := s.merge(ctx, l)
	if err != nil {
		return Report{}, refusal(err, "preflight")
	}
	if len(problems) > 0 {
		return Report{}, &Invalid{Problems: problems}
	}
	g, err := s.gateway(l.Plugin)
	if err != nil {
		return Report{}, err
	}
	limited, cancel := context.WithTimeout(ctx, preflightLimit)
	defer cancel()
	found, err := g.Preflight(limited, payment.PreflightRequest{
		Access: payment.Access{Company: string(l.FulfillerID), Settings: e.Settings, Endpoint: e.Profile.Endpoint, Site: e.Profile.Site},
		Stored: e.Profile.Stored,
	})
	if err != nil {
		return Report{}, notAsked(l.Plugin, err)
	}
	found.Findings = append(found.Findings, s.modeFindings(found.Mode)...)
	r := Report{
		LinkID: id, At: s.moment(), By: a.Name, Passed: found.Passed(), Findings: found.Findings, Mode: found.Mode,
		Card: found.Card, Scheme: found.Scheme, Expiry: found.Expiry, Currency: found.Currency, Place: e.place(),
		FulfillerVersion: e.FulfillerVersion, LinkVersion: e.LinkVersion, Confirmed: e.CardConfirmed,
	}
	if err := r.validate(); err != nil {
		return Report{}, pluginFault(l.Plugin, "its preflight: %v", err)
	}
	if err := s.store.SaveReport(ctx, r); err != nil {
		return Report{}, fmt.Errorf("keep the preflight's report: %w", err)
	}
	return r, nil
}

// modeFindings says what is wrong with test money where real goods depend on
// it, and with real money where none should be taken.
func (s *Service) modeFindings(m payment.Mode) []payment.Finding {
	switch {
	case s.mode == payment.ModeLive && m == payment.ModeTest:
		return []payment.Finding{{
			Check: "environment", Level: payment.LevelWarning, Text: "The site takes test money, and this is a production environment: no order that is charged there is ever told \"produce\".",
			Todo: "Enter the live site before the first order.",
		}}
	case s.mode == payment.ModeTest && m == payment.ModeLive:
		return []payment.Finding{{
			Check: "environment", Level: payment.LevelProblem, Text: "The site is live, and this is a test environment: no order is charged there.",
			Todo: "Enter a test site, or use the production environment.",
		}}
	}
	return nil
}

// Limits on what a plugin reports.
const (
	maxFindings = 100
	maxFinding  = 2 << 10 // bytes of one text
)

// validate refuses a report that can't be kept or must not be: a card number
// that is not masked.
func (r Report) validate() error {
	if len(r.Findings) > maxFindings {
		return fmt.Errorf("it has %d findings; the most is %d", len(r.Findings), maxFindings)
	}
	for _, f := range r.Findings {
		if len(f.Text)+len(f.Todo)+len(f.Check)+len(f.Field)+len(f.Code) > maxFinding {
			return errors.New("one of its findings is too long")
		}
	}
	if len(r.Card) > 64 || len(r.Scheme) > 64 || len(r.Expiry) > 32 || len(r.Mode) > 32 || len(r.Currency) > 32 {
		return errors.New("card, scheme, expiry, mode or currency is too long")
	}
	digits := 0
	for _, c := range r.Card {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if digits > 10 { // six in front and four behind is the most a masked number shows
		return errors.New("the card number is not masked")
	}
	return nil
}

// LastReport gives a link's last preflight to the fulfiller and the platform;
// ErrorNotFound if there was none.
func (s *Service) LastReport(ctx context.Context, a Actor, id LinkID) (Report, error) {
	if _, _, err := s.ownLink(ctx, a, id); err != nil {
		return Report{}, err
	}
	r, err := s.store.Report(ctx, id)
	if err != nil {
		return Report{}, missing(err, "preflight of this link; run one")
	}
	if r.Place.Stored != "" {
		r.Confirmed, err = s.confirmed(ctx, id, r.Place)
	}
	return r, err
}

// ConfirmCard is a person's word that the stored reference is the card it
// should be. It names both as the last preflight showed them. The fulfiller
// and the platform may. Again is the same.
func (s *Service) ConfirmCard(ctx context.Context, a Actor, id LinkID, stored payment.TransactionID, card string) (Confirmation, error) {
	l, _, err := s.ownLink(ctx, a, id)
	if err != nil {
		return Confirmation{}, err
	}
	r, err := s.store.Report(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Confirmation{}, conflict("card", "no preflight has shown this link's card yet; run one, and confirm the masked card it shows")
	}
	if err != nil {
		return Confirmation{}, fmt.Errorf("read the last preflight: %w", err)
	}
	e, problems, err := s.merge(ctx, l)
	if err != nil {
		return Confirmation{}, refusal(err, "confirm card")
	}
	switch {
	case len(problems) > 0:
		return Confirmation{}, &Invalid{Problems: problems}
	case stored == "" || stored != r.Place.Stored:
		return Confirmation{}, conflict("stored_reference", "the last preflight was not of this stored reference; read its report again")
	case r.Place != e.place():
		return Confirmation{}, conflict("stored_reference", "the link's settings have changed since the last preflight; run a new one")
	case !r.Passed || r.Card == "":
		return Confirmation{}, conflict("card", "the last preflight did not pass; mend what it found and run a new one")
	case card != r.Card:
		return Confirmation{}, conflict("card", "this is not the masked card that the last preflight showed; compare it with the retailer's, and confirm it as it is shown")
	}
	c := Confirmation{LinkID: id, Place: r.Place, Card: r.Card, Scheme: r.Scheme, Expiry: r.Expiry, At: s.moment(), By: a.Name}
	if old, err := s.store.Confirmation(ctx, id, r.Place); err == nil && old.Card == c.Card {
		return old, nil
	} else if err != nil && !errors.Is(err, ErrNotFound) {
		return Confirmation{}, fmt.Errorf("read the card's confirmation: %w", err)
	}
	if err := s.store.Confirm(ctx, c, l); err != nil {
		return Confirmation{}, fmt.Errorf("confirm card: %w", err)
	}
	s.caches.heads.forget()
	return c, nil
}

package demo

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/chargehand/chargehand/testharness/client"
)

// channelName is the platform's name of a sales channel.
type channelName string

// The sales channels. The first two are ordinary ones.
const (
	channelOne    channelName = "channel-1"
	channelTwo    channelName = "channel-2"
	channelAtOnce channelName = "channel-at-once" // its link lets the gateway settle by itself
	channelLost   channelName = "channel-lost"    // its stored reference is gone by the time of the first order
)

// siteLost is a site of its own for the channel whose stored reference
// disappears, so that nothing else disappears with it.
const siteLost = "test_site_lost"

// fulfiller is the platform's name of the one fulfiller.
const fulfiller = "fulfiller-1"

// The fields of the plugin's settings that are filled in.
const (
	fieldSite     = "sitereference"
	fieldUser     = "username"
	fieldPassword = "password"
	fieldStored   = "storedreference"
	fieldSettle   = "settle"
)

// setUp makes the companies and links of the demo, as people would: mint a
// reference in the Virtual Terminal, save the settings, look at the preflight,
// confirm the card it shows, switch the link on.
func (w *world) setUp(ctx context.Context) error {
	owner, err := w.api.CreateCompany(ctx, client.NewCompany{Type: "fulfiller", Reference: fulfiller, Name: "The fulfiller"})
	if err != nil {
		return err
	}
	_, err = w.api.SaveFulfiller(ctx, owner.ID, plugin, 0, map[string]string{
		fieldSite: w.simulator.Site(), fieldUser: w.simulator.User().Name, fieldPassword: w.simulator.User().Password,
	})
	if err != nil {
		return fmt.Errorf("save the fulfiller's settings: %w", err)
	}
	if err := w.simulator.AddSites(ctx, siteLost); err != nil {
		return err
	}
	for _, ch := range []struct {
		name   channelName
		kind   string // of the transaction that stores the card
		site   string // where that is not the fulfiller's
		settle string // where that is not the default
	}{
		{name: channelOne, kind: "ACCOUNTCHECK"},
		{name: channelTwo, kind: "AUTH"},
		{name: channelAtOnce, kind: "ACCOUNTCHECK", settle: "at_once"},
		{name: channelLost, kind: "ACCOUNTCHECK", site: siteLost},
	} {
		stored, err := w.simulator.Mint(ctx, cmp.Or(ch.site, w.simulator.Site()), ch.kind)
		if err != nil {
			return err
		}
		values := map[string]string{fieldStored: stored}
		if ch.settle != "" {
			values[fieldSettle] = ch.settle
		}
		if ch.site != "" {
			values[fieldSite] = ch.site
		}
		if err := w.setUpLink(ctx, owner.ID, ch.name, values); err != nil {
			return fmt.Errorf("set %s up: %w", ch.name, err)
		}
	}
	return w.loseReference(ctx)
}

func (w *world) setUpLink(ctx context.Context, owner string, name channelName, values map[string]string) error {
	company, err := w.api.CreateCompany(ctx, client.NewCompany{Type: "sales_channel", Reference: string(name), Name: string(name)})
	if err != nil {
		return err
	}
	link, err := w.api.CreateLink(ctx, owner, company.ID, plugin)
	if err != nil {
		return err
	}
	w.links[name] = link.ID
	if _, err := w.api.SaveLink(ctx, link.ID, 0, values); err != nil {
		return fmt.Errorf("save the link's settings: %w", err)
	}
	report, err := w.api.Preflight(ctx, link.ID)
	if err != nil {
		return fmt.Errorf("preflight: %w", err)
	}
	w.show(name, report)
	if !report.Passed {
		return fmt.Errorf("the preflight found problems: %s", problems(report))
	}
	if err := w.api.ConfirmCard(ctx, link.ID, report.Stored, report.Card); err != nil {
		return fmt.Errorf("confirm the card: %w", err)
	}
	return w.api.SwitchOn(ctx, link.ID)
}

// loseReference makes a stored reference disappear that was good when its card
// was confirmed, and shows what a preflight says of it then.
func (w *world) loseReference(ctx context.Context) error {
	if err := w.simulator.lose(ctx, siteLost); err != nil {
		return err
	}
	w.screen.say("  On purpose the gateway now loses the reference of %s. A preflight has to find that out:", channelLost)
	report, err := w.api.Preflight(ctx, w.links[channelLost])
	if err != nil {
		return fmt.Errorf("preflight of a lost reference: %w", err)
	}
	w.show(channelLost, report)
	if report.Passed {
		return fmt.Errorf("the preflight of %s passed, though the gateway has lost its stored reference", channelLost)
	}
	return nil
}

// show prints what a preflight found.
func (w *world) show(name channelName, r client.Report) {
	s := w.screen
	if r.Passed {
		s.say("  %s %-16s preflight passed: %s %s, expires %s, %s mode", s.paint(green, "ok"), name, r.Scheme, r.Card, r.Expiry, r.Mode)
		return
	}
	for _, f := range r.Findings {
		if f.Level == "problem" {
			s.say("  %s %-16s %s %s", s.paint(yellow, "!!"), name, f.Text, s.paint(dim, f.Todo))
		}
	}
}

func problems(r client.Report) string {
	var texts []string
	for _, f := range r.Findings {
		if f.Level == "problem" {
			texts = append(texts, f.Text)
		}
	}
	return strings.Join(texts, "; ")
}

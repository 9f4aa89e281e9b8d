package stand

import (
	"context"
	"fmt"

	"github.com/chargehand/chargehand/testharness/client"
)

// Plugin is the plugin that charges through the simulator.
const Plugin = "trustpayments"

// Shop is one fulfiller with one sales channel, on a site of its own.
type Shop struct {
	Fulfiller, Channel, Site string
	// Stored is the reference of the card; OpenShop fills it in.
	Stored string
	// Settle is how its link settles; empty for the default.
	Settle string
}

// OpenShop makes the companies and the link of a shop, as people would: mint a
// reference in the Virtual Terminal, save the settings, look at the preflight,
// confirm the card that it shows, switch the link on. The simulator has the
// site already.
func OpenShop(ctx context.Context, api *client.Client, simulator *Simulator, s *Shop) error {
	owner, err := api.CreateCompany(ctx, client.NewCompany{Type: "fulfiller", Reference: s.Fulfiller, Name: s.Fulfiller})
	if err != nil {
		return err
	}
	user := simulator.User()
	_, err = api.SaveFulfiller(ctx, owner.ID, Plugin, 0, map[string]string{"sitereference": s.Site, "username": user.Name, "password": user.Password})
	if err != nil {
		return err
	}
	channel, err := api.CreateCompany(ctx, client.NewCompany{Type: "sales_channel", Reference: s.Channel, Name: s.Channel})
	if err != nil {
		return err
	}
	link, err := api.CreateLink(ctx, owner.ID, channel.ID, Plugin)
	if err != nil {
		return err
	}
	if s.Stored, err = simulator.Mint(ctx, s.Site, "ACCOUNTCHECK"); err != nil {
		return err
	}
	values := map[string]string{"storedreference": s.Stored}
	if s.Settle != "" {
		values["settle"] = s.Settle
	}
	if _, err := api.SaveLink(ctx, link.ID, 0, values); err != nil {
		return err
	}
	report, err := api.Preflight(ctx, link.ID)
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		if f.Level == "problem" {
			return fmt.Errorf("the preflight found a problem: %s %s", f.Text, f.Todo)
		}
	}
	if err := api.ConfirmCard(ctx, link.ID, report.Stored, report.Card); err != nil {
		return err
	}
	return api.SwitchOn(ctx, link.ID)
}

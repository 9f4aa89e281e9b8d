package settingsdb_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

func TestCompanies(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()

		got, err := w.store.Company(ctx, w.fulfiller.ID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(w.fulfiller, got))
		require.Equal(t, time.UTC, got.CreatedAt.Location())

		// The same reference in another type is another company; byte for byte.
		for _, ref := range []string{"maker", "Shop", "shöp", "shop2"} {
			c, err := w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.SalesChannel, Reference: ref})
			require.NoError(t, err, ref)
			found, err := w.CompanyByReference(ctx, settings.SalesChannel, ref)
			require.NoError(t, err)
			require.Equal(t, c, found)
		}
		_, err = w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.Fulfiller, Reference: "maker"})
		requireKind(t, payment.ErrorConflict, err)
		for _, ref := range []string{"Maker", "maker ", "make", strings.Repeat("x", 1000)} {
			_, err = w.CompanyByReference(ctx, settings.Fulfiller, ref)
			requireKind(t, payment.ErrorNotFound, err)
		}
		for _, ref := range []string{"", " a", "a ", "a\nb", "a\x00b", "\xff", strings.Repeat("é", 65)} {
			_, err = w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.Fulfiller, Reference: ref})
			requireKind(t, payment.ErrorInvalid, err)
		}
		_, err = w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.Fulfiller, Reference: strings.Repeat("é", 64)})
		require.NoError(t, err)

		// Seven of them, page by page.
		var names []string
		for p := (settings.Paging{Limit: 3}); ; {
			page, err := w.Companies(ctx, root, "", p)
			require.NoError(t, err)
			for _, c := range page.Items {
				names = append(names, c.Reference)
			}
			if p.After = page.Next; p.After == "" {
				break
			}
		}
		require.Equal(t, []string{"maker", "shop", "stall", "maker", "Shop", "shöp", "shop2", strings.Repeat("é", 64)}, names)
		page, err := w.Companies(ctx, root, settings.Fulfiller, settings.Paging{})
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
	})
}

func TestWhoMayWhat(t *testing.T) {
	t.Parallel()
	w, ctx := setup(t, databasetest.SQLite(t)), t.Context()
	w.ready(t)
	other, err := w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.Fulfiller, Reference: "other"})
	require.NoError(t, err)
	fulfiller, channel, stranger, nobody := w.as(w.fulfiller), w.as(w.channels[0]), w.as(other), settings.Actor{}
	id := w.links[0].ID
	edit := settings.Edit{Seen: 1, Set: payment.Settings{"retries": "1"}}
	off := settings.LinkOff

	acts := map[string]struct {
		do   func(settings.Actor) error
		want map[string]payment.ErrorKind // by actor; those left out may
	}{
		"create company": {
			func(a settings.Actor) error { _, err := w.CreateCompany(ctx, a, settings.NewCompany{}); return err },
			map[string]payment.ErrorKind{"fulfiller": "forbidden", "channel": "forbidden", "stranger": "forbidden", "nobody": "forbidden", "platform": "invalid"},
		},
		"create link": {
			func(a settings.Actor) error { _, err := w.CreateLink(ctx, a, settings.NewLink{}); return err },
			map[string]payment.ErrorKind{"fulfiller": "forbidden", "channel": "forbidden", "stranger": "forbidden", "nobody": "forbidden", "platform": "invalid"},
		},
		"read fulfiller": {
			func(a settings.Actor) error { _, err := w.Company(ctx, a, w.fulfiller.ID); return err },
			map[string]payment.ErrorKind{"stranger": "not_found", "nobody": "not_found"},
		},
		"read link": {
			func(a settings.Actor) error { _, err := w.Link(ctx, a, id); return err },
			map[string]payment.ErrorKind{"stranger": "not_found", "nobody": "not_found"},
		},
		"read the other channel's link": {
			func(a settings.Actor) error { _, err := w.ViewLink(ctx, a, w.links[1].ID); return err },
			map[string]payment.ErrorKind{"channel": "not_found", "stranger": "not_found", "nobody": "not_found"},
		},
		"view link": {
			func(a settings.Actor) error { _, err := w.ViewLink(ctx, a, id); return err },
			map[string]payment.ErrorKind{"stranger": "not_found", "nobody": "not_found"},
		},
		"view fulfiller": {
			func(a settings.Actor) error { _, err := w.ViewFulfiller(ctx, a, w.fulfiller.ID, plugin); return err },
			map[string]payment.ErrorKind{"channel": "not_found", "stranger": "not_found", "nobody": "not_found"},
		},
		"history": {
			func(a settings.Actor) error { _, err := w.LinkHistory(ctx, a, id, settings.Paging{}); return err },
			map[string]payment.ErrorKind{"channel": "forbidden", "stranger": "not_found", "nobody": "not_found"},
		},
		"preflight": {
			func(a settings.Actor) error { _, err := w.Preflight(ctx, a, id); return err },
			map[string]payment.ErrorKind{"channel": "forbidden", "stranger": "not_found", "nobody": "not_found"},
		},
		"confirm": {
			func(a settings.Actor) error { _, err := w.ConfirmCard(ctx, a, id, "1-1-1", card); return err },
			map[string]payment.ErrorKind{"channel": "forbidden", "stranger": "not_found", "nobody": "not_found"},
		},
		"save fulfiller": {
			func(a settings.Actor) error {
				_, err := w.SaveFulfiller(ctx, a, w.fulfiller.ID, plugin, settings.Edit{Seen: 1})
				return err
			},
			map[string]payment.ErrorKind{"channel": "not_found", "stranger": "not_found", "nobody": "not_found"},
		},
		"save link, then again": {
			func(a settings.Actor) error { _, err := w.SaveLink(ctx, a, id, edit); return err },
			map[string]payment.ErrorKind{"fulfiller": "conflict", "channel": "forbidden", "stranger": "not_found", "nobody": "not_found"},
		},
		"switch off, then again": {
			func(a settings.Actor) error {
				_, err := w.ChangeLink(ctx, a, id, settings.LinkChange{Seen: 2, State: &off})
				return err
			},
			map[string]payment.ErrorKind{"fulfiller": "conflict", "channel": "forbidden", "stranger": "not_found", "nobody": "not_found"},
		},
		"create key": {
			func(a settings.Actor) error { _, _, err := w.CreateKey(ctx, a, settings.NewKey{}); return err },
			map[string]payment.ErrorKind{"fulfiller": "forbidden", "channel": "forbidden", "stranger": "forbidden", "nobody": "forbidden", "platform": "invalid"},
		},
		"list the fulfiller's keys": {
			func(a settings.Actor) error { _, err := w.Keys(ctx, a, w.fulfiller.ID, settings.Paging{}); return err },
			map[string]payment.ErrorKind{"channel": "not_found", "stranger": "not_found", "nobody": "not_found"},
		},
	}
	actors := []struct {
		name  string
		actor settings.Actor
	}{{"platform", root}, {"fulfiller", fulfiller}, {"channel", channel}, {"stranger", stranger}, {"nobody", nobody}}
	for name, act := range acts {
		for _, a := range actors {
			err := act.do(a.actor)
			if want := act.want[a.name]; want != "" {
				require.Equal(t, want, payment.KindOf(err), "%s by %s: %v", name, a.name, err)
			} else {
				require.NoError(t, err, "%s by %s", name, a.name)
			}
		}
	}

	for actor, want := range map[*settings.Actor]int{&root: 2, &fulfiller: 2, &channel: 1, &stranger: 0} {
		page, err := w.Links(ctx, *actor, settings.LinkFilter{}, settings.Paging{})
		require.NoError(t, err)
		require.Len(t, page.Items, want, actor.Name)
	}
	// A filter for another's rows gives none of them.
	page, err := w.Links(ctx, channel, settings.LinkFilter{Channel: w.channels[1].ID}, settings.Paging{})
	require.NoError(t, err)
	require.Empty(t, page.Items)
	companies, err := w.Companies(ctx, channel, "", settings.Paging{})
	require.NoError(t, err)
	require.Equal(t, []settings.Company{w.channels[0]}, companies.Items)
}

func TestLinks(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		l := w.links[0]
		got, err := w.Link(ctx, root, l.ID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(l, got))
		require.Equal(t, settings.LinkOff, l.State)
		require.Equal(t, settings.AbsenceAttempt, l.AfterAbsence)
		require.Equal(t, 30, l.MaxOrderAgeDays)
		require.Equal(t, w.clock.now(), l.StartAt)

		_, err = w.CreateLink(ctx, root, settings.NewLink{FulfillerID: l.FulfillerID, ChannelID: l.ChannelID, Plugin: plugin})
		requireKind(t, payment.ErrorConflict, err)
		for _, n := range []settings.NewLink{
			{FulfillerID: l.ChannelID, ChannelID: l.ChannelID, Plugin: plugin},
			{FulfillerID: l.FulfillerID, ChannelID: l.FulfillerID, Plugin: plugin},
			{FulfillerID: l.FulfillerID, ChannelID: l.ChannelID + " ", Plugin: plugin},
			{FulfillerID: l.FulfillerID, ChannelID: l.ChannelID, Plugin: "none"},
			{FulfillerID: l.FulfillerID, ChannelID: l.ChannelID, Plugin: plugin, LinkRules: settings.LinkRules{MaxOrderAgeDays: -1}},
			{FulfillerID: l.FulfillerID, ChannelID: l.ChannelID, Plugin: plugin, LinkRules: settings.LinkRules{AfterAbsence: "dice"}},
			{FulfillerID: l.FulfillerID, ChannelID: l.ChannelID, Plugin: plugin, LinkRules: settings.LinkRules{AfterAbsenceMax: -1}},
		} {
			_, err = w.CreateLink(ctx, root, n)
			requireKind(t, payment.ErrorInvalid, err)
		}

		got, err = w.LinkFor(ctx, l.ChannelID, "maker")
		require.NoError(t, err)
		require.Equal(t, l, got)

		start, person, most, days := l.StartAt.Add(-time.Hour), settings.AbsencePerson, int64(500), 7
		changed, err := w.ChangeLink(ctx, w.as(w.fulfiller), l.ID, settings.LinkChange{
			Seen: 1, StartAt: &start, AfterAbsence: &person, AfterAbsenceMax: &most, MaxOrderAgeDays: &days,
		})
		require.NoError(t, err)
		got, err = w.LinkFor(ctx, l.ChannelID, "maker")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(changed, got))
		require.Equal(t, int64(2), got.Version)
		require.Equal(t, "key of maker", got.UpdatedBy)
		require.Equal(t, start, got.StartAt)
		require.Equal(t, 7, got.MaxOrderAgeDays)
		require.False(t, got.RetriesAbsent(1))

		_, err = w.ChangeLink(ctx, root, l.ID, settings.LinkChange{Seen: 1, MaxOrderAgeDays: &days})
		requireKind(t, payment.ErrorConflict, err)
		_, err = w.LinkFor(ctx, l.ChannelID, "nobody")
		requireKind(t, payment.ErrorNotFound, err)
		_, err = w.LinkFor(ctx, w.fulfiller.ID, "maker")
		requireKind(t, payment.ErrorNotFound, err)
	})
}

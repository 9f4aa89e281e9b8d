package settingsdb_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

func TestCard_ConfirmedByAPerson(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		id, fulfiller := w.links[0].ID, w.as(w.fulfiller)
		_, err := w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Set: credentials()})
		require.NoError(t, err)
		_, err = w.SaveLink(ctx, root, id, settings.Edit{Set: payment.Settings{"stored": "1-1-1"}})
		require.NoError(t, err)
		on := settings.LinkOn
		switchOn := func() error {
			_, err := w.ChangeLink(ctx, fulfiller, id, settings.LinkChange{Seen: 1, State: &on})
			return err
		}
		confirm := func(stored payment.TransactionID, shown string) error {
			_, err := w.ConfirmCard(ctx, fulfiller, id, stored, shown)
			return err
		}
		confirmed := func() bool {
			e, err := w.Effective(ctx, id)
			require.NoError(t, err)
			return e.CardConfirmed
		}

		_, err = w.LastReport(ctx, root, id)
		requireKind(t, payment.ErrorNotFound, err)
		requireKind(t, payment.ErrorConflict, confirm("1-1-1", card)) // no preflight yet
		requireKind(t, payment.ErrorConflict, switchOn())
		require.False(t, confirmed())

		// A preflight that failed shows no card to confirm.
		w.gateway.change(func(g *gateway) { g.report.Findings[0].Level = payment.LevelProblem })
		r, err := w.Preflight(ctx, fulfiller, id)
		require.NoError(t, err)
		require.False(t, r.Passed)
		requireKind(t, payment.ErrorConflict, confirm("1-1-1", card))

		w.gateway.change(func(g *gateway) { g.report.Findings[0].Level = payment.LevelWarning })
		r, err = w.Preflight(ctx, fulfiller, id)
		require.NoError(t, err)
		kept, err := w.LastReport(ctx, root, id)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(r, kept))
		require.Equal(t, settings.Place{Plugin: plugin, Endpoint: "EU", Site: "test_one", Stored: "1-1-1"}, r.Place)
		require.Equal(t, "EU", w.gateway.seen.Access.Endpoint)
		require.Equal(t, payment.TransactionID("1-1-1"), w.gateway.seen.Stored)
		require.Equal(t, password, w.gateway.seen.Access.Settings["password"])

		requireKind(t, payment.ErrorConflict, confirm("1-1-1", "411111######1112"))
		requireKind(t, payment.ErrorConflict, confirm("1-1-1", ""))
		requireKind(t, payment.ErrorConflict, confirm("1-1-2", card))
		requireKind(t, payment.ErrorConflict, switchOn())
		require.False(t, confirmed())

		require.NoError(t, confirm("1-1-1", card))
		require.NoError(t, confirm("1-1-1", card)) // again is the same
		require.True(t, confirmed())
		kept, err = w.LastReport(ctx, root, id)
		require.NoError(t, err)
		require.True(t, kept.Confirmed)
		c, err := w.store.Confirmation(ctx, id, r.Place)
		require.NoError(t, err)
		require.Equal(t, settings.Confirmation{LinkID: id, Place: r.Place, Card: card, Scheme: "VISA", Expiry: "2030-12", At: w.clock.now(), By: "key of maker"}, c)
		require.NoError(t, switchOn())

		// A new stored reference waits, the old one needs no second word.
		_, err = w.SaveLink(ctx, root, id, settings.Edit{Seen: 1, Set: payment.Settings{"stored": "1-1-9"}})
		require.NoError(t, err)
		require.False(t, confirmed())
		requireKind(t, payment.ErrorConflict, confirm("1-1-1", card)) // settings moved on since the preflight
		_, err = w.SaveLink(ctx, root, id, settings.Edit{Seen: 2, Set: payment.Settings{"stored": "1-1-1"}})
		require.NoError(t, err)
		require.True(t, confirmed())

		// The same reference at another site is another card.
		_, err = w.SaveLink(ctx, root, id, settings.Edit{Seen: 3, Set: payment.Settings{"site": "test_two"}})
		require.NoError(t, err)
		require.False(t, confirmed())

		w.gateway.change(func(g *gateway) { g.report.Card = "4111111111111111" })
		_, err = w.Preflight(ctx, fulfiller, id)
		requireKind(t, payment.ErrorInternal, err)
		require.NotContains(t, err.Error(), "4111111111111111")
		w.gateway.change(func(g *gateway) { g.down = &payment.Error{Kind: payment.ErrorUnavailable} })
		_, err = w.Preflight(ctx, fulfiller, id)
		requireKind(t, payment.ErrorUnavailable, err)
	})
}

func TestCard_OnOneChannelAlone(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		second, err := w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.Fulfiller, Reference: "second"})
		require.NoError(t, err)
		// The second fulfiller works for the first channel, on the same site.
		same, err := w.CreateLink(ctx, root, settings.NewLink{FulfillerID: second.ID, ChannelID: w.channels[0].ID, Plugin: plugin})
		require.NoError(t, err)
		foreign, err := w.CreateLink(ctx, root, settings.NewLink{FulfillerID: second.ID, ChannelID: w.channels[1].ID, Plugin: plugin})
		require.NoError(t, err)
		for _, id := range []settings.CompanyID{w.fulfiller.ID, second.ID} {
			_, err := w.SaveFulfiller(ctx, root, id, plugin, settings.Edit{Set: credentials()})
			require.NoError(t, err)
		}
		save := func(l settings.Link, seen int64, set payment.Settings) error {
			_, err := w.SaveLink(ctx, root, l.ID, settings.Edit{Seen: seen, Set: set})
			return err
		}
		stored := func(s string) payment.Settings { return payment.Settings{"stored": s} }

		require.NoError(t, save(w.links[0], 0, stored("1-1-1")))
		require.NoError(t, save(same, 0, stored("1-1-1"))) // the same retailer's
		err = save(w.links[1], 0, stored("1-1-1"))
		require.Equal(t, []string{"stored/taken"}, w.problems(t, err))
		require.NotContains(t, err.Error(), string(w.links[0].ID))
		require.Equal(t, []string{"stored/taken"}, w.problems(t, save(foreign, 0, stored("1-1-1")))) // across fulfillers
		require.NoError(t, save(foreign, 0, stored("2-2-2")))

		// On another site it is another transaction, until the site becomes the same.
		require.NoError(t, save(w.links[1], 0, payment.Settings{"stored": "1-1-1", "site": "test_two"}))
		require.Equal(t, []string{"stored/taken"}, w.problems(t, save(w.links[1], 1, payment.Settings{"site": ""})))
		_, err = w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: 1, Set: payment.Settings{"site": "test_two"}})
		bad := w.problems(t, err)
		require.Contains(t, bad, "0:stored/taken")

		// It is free again once all links of the retailer gave it back.
		require.NoError(t, save(w.links[0], 1, stored("1-1-3")))
		require.Equal(t, []string{"stored/taken"}, w.problems(t, save(foreign, 1, stored("1-1-1"))))
		_, err = w.SaveLink(ctx, root, same.ID, settings.Edit{Seen: 1, Remove: []string{"stored"}})
		require.NoError(t, err)
		require.NoError(t, save(foreign, 1, stored("1-1-1")))
	})
}

func TestCard_TwoChannelsAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		second, err := w.CreateCompany(ctx, root, settings.NewCompany{Type: settings.Fulfiller, Reference: "second"})
		require.NoError(t, err)
		foreign, err := w.CreateLink(ctx, root, settings.NewLink{FulfillerID: second.ID, ChannelID: w.channels[1].ID, Plugin: plugin})
		require.NoError(t, err)
		for _, id := range []settings.CompanyID{w.fulfiller.ID, second.ID} {
			_, err := w.SaveFulfiller(ctx, root, id, plugin, settings.Edit{Set: credentials()})
			require.NoError(t, err)
		}
		// Different fulfillers, so that no revision orders the two.
		for round, card := range []string{"1-1-1", "2-2-2", "1-1-1", "3-3-3"} {
			var errs [2]error
			var wg sync.WaitGroup
			for i, l := range []settings.Link{w.links[0], foreign} {
				view, err := w.ViewLink(ctx, root, l.ID)
				require.NoError(t, err)
				wg.Go(func() {
					_, errs[i] = w.SaveLink(ctx, root, l.ID, settings.Edit{Seen: view.Version, Set: payment.Settings{"stored": card}})
				})
			}
			wg.Wait()
			// Once each had a card, one of them may still hold the one of an earlier round.
			require.False(t, errs[0] == nil && errs[1] == nil, "round %d: both have the card", round)
			for _, err := range errs {
				if err != nil {
					require.Equal(t, []string{"stored/taken"}, w.problems(t, err))
				}
			}
		}
	})
}

func TestCard_OurOwnCharge(t *testing.T) {
	t.Parallel()
	w, ctx := setup(t, databasetest.SQLite(t)), t.Context()
	w.ours["5-5-5"] = true
	_, err := w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Set: credentials()})
	require.NoError(t, err)
	for stored, want := range map[string]string{"5-5-5": "stored/our_charge", "a b": "stored/reference"} {
		_, err = w.SaveLink(ctx, root, w.links[0].ID, settings.Edit{Set: payment.Settings{"stored": stored}})
		require.Equal(t, []string{want}, w.problems(t, err))
	}
	_, err = w.SaveLink(ctx, root, w.links[0].ID, settings.Edit{Set: payment.Settings{"stored": "broken"}})
	require.ErrorContains(t, err, "the books are closed")
}

func TestForSite(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		w.ready(t)
		id := w.links[0].ID
		seen := int64(1)
		fulfiller := func(set payment.Settings) {
			t.Helper()
			w.clock.move(time.Minute)
			v, err := w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: seen, Set: set})
			require.NoError(t, err)
			seen = v.Version
		}
		site := func(endpoint, site string) string {
			t.Helper()
			got, err := w.ForSite(ctx, id, endpoint, site)
			if err != nil {
				requireKind(t, payment.ErrorNotFound, err)
				return ""
			}
			require.Equal(t, site, got["site"])
			return got["password"]
		}
		require.Equal(t, password, site("EU", "test_one"))
		require.Empty(t, site("US", "test_one"))
		require.Empty(t, site("EU", "test_two"))

		fulfiller(payment.Settings{"password": "second-password"})
		require.Equal(t, "second-password", site("EU", "test_one")) // the newest for it
		fulfiller(payment.Settings{"site": "test_two", "password": "third-password"})
		require.Equal(t, "second-password", site("EU", "test_one"))
		require.Equal(t, "third-password", site("EU", "test_two"))

		// A link that went elsewhere by itself is found where it was.
		w.clock.move(time.Minute)
		_, err := w.SaveLink(ctx, root, id, settings.Edit{Seen: 1, Set: payment.Settings{"site": "test_own", "password": "link-password"}})
		require.NoError(t, err)
		require.Equal(t, "link-password", site("EU", "test_own"))
		require.Equal(t, "third-password", site("EU", "test_two"))
		require.Equal(t, "second-password", site("EU", "test_one"))
	})
}

func TestEffective_SeesChanges(t *testing.T) {
	t.Parallel()
	w, ctx := setup(t, databasetest.SQLite(t)), t.Context()
	w.ready(t)
	id := w.links[0].ID
	elsewhere := w.another(t, w.master)
	user := func(s *settings.Service) string {
		t.Helper()
		e, err := s.Effective(ctx, id)
		require.NoError(t, err)
		require.Equal(t, e.Settings["user"], e.Profile.User)
		return e.Settings["user"] + " " + e.Version()
	}
	require.Equal(t, "ws@example.com 1/1", user(w.Service))
	require.Equal(t, "ws@example.com 1/1", user(elsewhere))
	asked := w.gateway.asked
	for range 100 {
		user(w.Service)
	}
	require.Equal(t, asked, w.gateway.asked)

	_, err := w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: 1, Set: payment.Settings{"user": "two"}})
	require.NoError(t, err)
	require.Equal(t, "two 2/1", user(w.Service))            // own writes at once
	require.Equal(t, "ws@example.com 1/1", user(elsewhere)) // others' a little later
	w.clock.move(500 * time.Millisecond)
	require.Equal(t, "two 2/1", user(elsewhere))

	e, err := w.Effective(ctx, id)
	require.NoError(t, err)
	require.Equal(t, w.links[0], e.Link)
	require.Equal(t, w.fulfiller, e.Fulfiller)
	require.Equal(t, w.channels[0], e.Channel)
	require.Equal(t, plugin, e.Plugin)

	// A plugin that is away is no reason to forget.
	w.gateway.change(func(g *gateway) { g.down = &payment.Error{Kind: payment.ErrorUnavailable} })
	w.clock.move(time.Second)
	require.Equal(t, "two 2/1", user(w.Service))
	w.clock.move(time.Hour)
	_, err = w.Effective(ctx, id)
	requireKind(t, payment.ErrorUnavailable, err)
	_, err = w.Effective(ctx, "none")
	requireKind(t, payment.ErrorNotFound, err)
}

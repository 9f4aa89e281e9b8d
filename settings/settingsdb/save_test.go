package settingsdb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

func TestSave_VersionsAndHistory(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		id, actor := w.fulfiller.ID, w.as(w.fulfiller)

		view, err := w.ViewFulfiller(ctx, actor, id, plugin)
		require.NoError(t, err)
		require.Zero(t, view.Version)

		view, err = w.SaveFulfiller(ctx, actor, id, plugin, settings.Edit{Set: credentials(), Reason: "moving in"})
		require.NoError(t, err)
		require.Equal(t, int64(1), view.Version)
		require.Equal(t, "key of maker", view.By)

		// Saving what is there already is no change.
		view, err = w.SaveFulfiller(ctx, actor, id, plugin, settings.Edit{Seen: 1, Set: credentials()})
		require.NoError(t, err)
		require.Equal(t, int64(1), view.Version)

		_, err = w.SaveFulfiller(ctx, actor, id, plugin, settings.Edit{Seen: 0, Set: payment.Settings{"user": "late"}})
		requireKind(t, payment.ErrorConflict, err)
		require.Contains(t, err.Error(), "version 1, saved by key of maker")

		view, err = w.SaveFulfiller(ctx, root, id, plugin, settings.Edit{
			Seen: 1, Set: payment.Settings{"user": "new@example.com", "password": "another-password"}, Remove: []string{"site", "endpoint"},
		})
		require.NoError(t, err)
		require.Equal(t, int64(2), view.Version)

		page, err := w.FulfillerHistory(ctx, actor, id, plugin, settings.Paging{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, "2", page.Next)
		require.Equal(t, []settings.FieldChange{
			{Field: "password", Label: "Password", Act: settings.ActChanged, Secret: true},
			{Field: "site", Label: "Site reference", Act: settings.ActRemoved, Old: "test_one"},
			{Field: "user", Label: "User name", Act: settings.ActChanged, Old: "ws@example.com", New: "new@example.com"},
		}, page.Items[0].Changes)
		page, err = w.FulfillerHistory(ctx, actor, id, plugin, settings.Paging{After: page.Next})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.Equal(t, "moving in", page.Items[0].Reason)
		require.Equal(t, w.clock.now(), page.Items[0].At)
		require.Equal(t, settings.FieldChange{Field: "password", Label: "Password", Act: settings.ActSet, Secret: true}, page.Items[0].Changes[0])
	})
}

func TestSave_Inheritance(t *testing.T) {
	t.Parallel()
	w, ctx := setup(t, databasetest.SQLite(t)), t.Context()
	w.ready(t)
	l := w.links[0]
	effective := func(field string) (string, settings.Origin) {
		t.Helper()
		e, err := w.Effective(ctx, l.ID)
		require.NoError(t, err)
		view, err := w.ViewLink(ctx, root, l.ID)
		require.NoError(t, err)
		for _, f := range view.Fields {
			if f.Name == field {
				require.Equal(t, e.Settings[field], f.Value)
				require.Equal(t, f.Value != "", f.Set)
				return f.Value, f.From
			}
		}
		return "", settings.OriginNone
	}
	steps := []struct {
		name            string
		fulfiller, link payment.Settings
		removeFulfiller []string
		removeLink      []string
		field           string
		want            string
		from            settings.Origin
	}{
		{name: "default", field: "endpoint", want: "EU", from: settings.OriginDefault},
		{name: "nothing", field: "retries"},
		{name: "fulfiller over default", fulfiller: payment.Settings{"endpoint": "US"}, field: "endpoint", want: "US", from: settings.OriginFulfiller},
		{name: "link over fulfiller", link: payment.Settings{"endpoint": "EU"}, field: "endpoint", want: "EU", from: settings.OriginLink},
		{name: "others inherit on", field: "user", want: "ws@example.com", from: settings.OriginFulfiller},
		{name: "the fulfiller's moves, the link's stays", fulfiller: payment.Settings{"user": "u2", "endpoint": "EU"}, link: payment.Settings{"endpoint": "US"}, field: "endpoint", want: "US", from: settings.OriginLink},
		{name: "empty on a link inherits", link: payment.Settings{"endpoint": ""}, field: "endpoint", want: "EU", from: settings.OriginFulfiller},
		{name: "removed from a link inherits", link: payment.Settings{"user": "mine"}, field: "user", want: "mine", from: settings.OriginLink},
		{name: "removed from a link inherits 2", removeLink: []string{"user"}, field: "user", want: "u2", from: settings.OriginFulfiller},
		{name: "removed from the fulfiller is the default", removeFulfiller: []string{"endpoint"}, field: "endpoint", want: "EU", from: settings.OriginDefault},
	}
	fv, lv := int64(1), int64(1)
	for _, s := range steps {
		v, err := w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: fv, Set: s.fulfiller, Remove: s.removeFulfiller})
		require.NoError(t, err, s.name)
		fv = v.Version
		v, err = w.SaveLink(ctx, root, l.ID, settings.Edit{Seen: lv, Set: s.link, Remove: s.removeLink})
		require.NoError(t, err, s.name)
		lv = v.Version
		require.Equal(t, fv, v.FulfillerVersion)
		got, from := effective(s.field)
		require.Equal(t, s.want, got, s.name)
		require.Equal(t, s.from, from, s.name)
	}
}

func TestSave_Problems(t *testing.T) {
	t.Parallel()
	w, ctx := setup(t, databasetest.SQLite(t)), t.Context()
	save := func(e settings.Edit) error {
		_, err := w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, e)
		return err
	}
	// All problems of shape at once, before the plugin is asked.
	err := save(settings.Edit{Set: payment.Settings{
		"endpoint": "MARS", "site": strings.Repeat("x", 51), "password": "short", "user": " u", "retries": "1.5", "sites": "test_one", "stored": "",
	}})
	require.Equal(t, []string{"endpoint/choice", "password/min", "retries/integer", "site/max", "sites/unknown", "stored/empty", "user/space"}, w.problems(t, err))
	require.Contains(t, err.Error(), "Site reference: it must be at most 50 characters")
	require.Contains(t, err.Error(), "sites: fakepay has no such setting")
	require.Zero(t, w.gateway.asked)

	err = save(settings.Edit{Set: payment.Settings{"retries": "6", "user": "a\x00b", "site": "\xff", "password": strings.Repeat("x", 5000)}, Remove: []string{"user", ""}})
	require.Equal(t, []string{"password/max", "retries/max", "site/utf8", "user/contradiction", "/unknown"}, w.problems(t, err))

	// What the plugin finds, secrets masked.
	err = save(settings.Edit{Set: payment.Settings{"site": "prod", "user": "nobody", "password": password}})
	require.Equal(t, []string{"site/site", "user/user"}, w.problems(t, err))

	// A card on the fulfiller would be charged for every retailer.
	err = save(settings.Edit{Set: payment.Settings{"site": "test_one", "stored": "1-1-1"}})
	require.Equal(t, []string{"stored/owner"}, w.problems(t, err))

	// A link's are complete or refused.
	_, err = w.SaveLink(ctx, root, w.links[0].ID, settings.Edit{Set: payment.Settings{"user": "nobody"}})
	require.Equal(t, []string{"site/required", "password/required", "stored/required", "user/user"}, w.problems(t, err))

	// Nothing was written by any of them.
	view, err := w.ViewFulfiller(ctx, root, w.fulfiller.ID, plugin)
	require.NoError(t, err)
	require.Zero(t, view.Version)

	requireKind(t, payment.ErrorInvalid, save(settings.Edit{Reason: strings.Repeat("x", 501)}))
	_, err = w.SaveFulfiller(ctx, root, w.fulfiller.ID, "none", settings.Edit{})
	requireKind(t, payment.ErrorInvalid, err)

	w.gateway.change(func(g *gateway) { g.down = &payment.Error{Kind: payment.ErrorInternal, Text: "gone"} })
	requireKind(t, payment.ErrorUnavailable, save(settings.Edit{Set: credentials()}))
	w.gateway.change(func(g *gateway) { g.down, g.schema[1].Rule = nil, "nonsense=1" })
	err = save(settings.Edit{Set: credentials()})
	requireKind(t, payment.ErrorInternal, err)
	require.Contains(t, err.Error(), `plugin fakepay: its field site has a rule ("nonsense=1") that is none`)
}

func TestSave_FulfillerAndLinksTogether(t *testing.T) {
	t.Parallel()
	w, ctx := setup(t, databasetest.SQLite(t)), t.Context()
	w.ready(t)
	// One link has a user of its own, the other would be left with none.
	_, err := w.SaveLink(ctx, root, w.links[0].ID, settings.Edit{Seen: 1, Set: payment.Settings{"user": "mine"}})
	require.NoError(t, err)
	_, err = w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: 1, Remove: []string{"user"}})
	require.Equal(t, []string{"1:user/required"}, w.problems(t, err))
	require.Contains(t, err.Error(), "link "+string(w.links[1].ID)+": User name: it is missing")

	// What is wrong with the fulfiller's own is said once.
	_, err = w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: 1, Set: payment.Settings{"site": "prod"}})
	require.Equal(t, []string{"site/site"}, w.problems(t, err))

	// Switched off, nothing holds the change up; switching on does.
	off, on := settings.LinkOff, settings.LinkOn
	l, err := w.ChangeLink(ctx, root, w.links[1].ID, settings.LinkChange{Seen: w.links[1].Version, State: &off})
	require.NoError(t, err)
	_, err = w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: 1, Remove: []string{"user"}})
	require.NoError(t, err)
	_, err = w.ChangeLink(ctx, root, l.ID, settings.LinkChange{Seen: l.Version, State: &on})
	require.Equal(t, []string{"user/required"}, w.problems(t, err))

	// A link that is off can give its card back.
	_, err = w.SaveLink(ctx, root, l.ID, settings.Edit{Seen: 1, Remove: []string{"stored"}})
	require.NoError(t, err)
}

func TestSave_TwoWriters(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		// Of eight who saw the same version, the first of all included, one
		// writes the next.
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for seen := range int64(2) {
			for i := range errs {
				host, set := w.another(t, w.master), credentials()
				set["user"] = fmt.Sprint("user ", seen, i)
				wg.Go(func() {
					_, errs[i] = host.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: seen, Set: set})
				})
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					requireKind(t, payment.ErrorConflict, err)
				}
			}
			require.Equal(t, 1, won)
		}

		// Two links are changed at once: both succeed, one of them by deciding anew.
		for i := range w.links {
			host := w.another(t, w.master)
			wg.Go(func() {
				_, errs[i] = host.SaveLink(ctx, root, w.links[i].ID, settings.Edit{Set: payment.Settings{"stored": fmt.Sprint(i)}})
			})
		}
		wg.Wait()
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		revision, err := w.store.Revision(ctx, w.fulfiller.ID, plugin)
		require.NoError(t, err)
		require.Equal(t, int64(6), revision) // two links made, four versions saved
	})
}

func TestStore_StaleRevision(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		sc := settings.Scope{Owner: payment.OwnerFulfiller, ID: string(w.fulfiller.ID), Fulfiller: w.fulfiller.ID, Plugin: plugin}
		v := settings.Version{Scope: sc, Number: 1, At: w.clock.now()}
		require.ErrorIs(t, w.store.AddVersion(ctx, v, 0, nil), settings.ErrStale)
		require.ErrorIs(t, w.store.AddVersion(ctx, v, 1, nil), settings.ErrStale)
		require.NoError(t, w.store.AddVersion(ctx, v, 2, nil))
		require.ErrorIs(t, w.store.AddVersion(ctx, v, 3, nil), settings.ErrStale) // the number is taken
		v.Number = 3
		require.ErrorIs(t, w.store.AddVersion(ctx, v, 3, nil), settings.ErrStale) // there is no second
		v.Number = 2
		require.NoError(t, w.store.AddVersion(ctx, v, 3, nil)) // the refused wrote nothing
		l := w.links[0]
		require.ErrorIs(t, w.store.UpdateLink(ctx, l, 4), settings.ErrStale)
		l.Version++
		require.ErrorIs(t, w.store.UpdateLink(ctx, l, 3), settings.ErrStale)
		require.NoError(t, w.store.UpdateLink(ctx, l, 4))

		// Another plugin begins with its first version.
		sc.Plugin, v.Number = "second", 1
		v.Scope = sc
		require.NoError(t, w.store.AddVersion(ctx, v, 0, nil))
		require.ErrorIs(t, w.store.AddVersion(ctx, v, 0, nil), settings.ErrStale)
	})
}

func TestSecretsStaySealed(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		w.ready(t)

		// Nothing in any column of any table shows them.
		for _, table := range []string{"settings_versions", "data_keys", "preflights", "settings_heads"} {
			var rows []map[string]any
			require.NoError(t, db.Read(ctx).Table(table).Find(&rows).Error)
			require.NotEmpty(t, rows)
			require.NotContains(t, fmt.Sprintf("%s", rows), password, table)
			require.NotContains(t, fmt.Sprintf("%q", rows), password, table)
		}

		e, err := w.Effective(ctx, w.links[0].ID)
		require.NoError(t, err)
		require.Equal(t, password, e.Settings["password"])
		view, err := w.ViewFulfiller(ctx, root, w.fulfiller.ID, plugin)
		require.NoError(t, err)
		linkView, err := w.ViewLink(ctx, w.as(w.channels[0]), w.links[0].ID)
		require.NoError(t, err)
		require.Empty(t, linkView.By)
		for _, f := range linkView.Fields {
			if f.Name == "password" {
				require.True(t, f.Set)
				require.Empty(t, f.Value)
			}
		}
		history, err := w.FulfillerHistory(ctx, root, w.fulfiller.ID, plugin, settings.Paging{})
		require.NoError(t, err)
		for _, shown := range []any{e, &e, view, linkView, history, settings.Edit{Set: credentials()}, w.master} {
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", shown, shown, shown, shown), password)
			if text, err := json.Marshal(shown); err == nil {
				require.NotContains(t, string(text), password)
			}
		}

		// Another host with another master key is told so.
		other := newMaster(t)
		_, err = w.another(t, other).Effective(ctx, w.links[0].ID)
		requireKind(t, payment.ErrorUnavailable, err)
		require.ErrorIs(t, err, settings.ErrMasterKey)
		require.Contains(t, err.Error(), "wrapped by master key "+w.master.ID()+", and the host has "+other.ID())
		_, err = w.another(t, other).SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: 1, Set: payment.Settings{"user": "x"}})
		require.ErrorIs(t, err, settings.ErrMasterKey)
		_, err = settings.New(settings.Config{Store: w.store, Gateways: w.gateway})
		require.ErrorContains(t, err, "there is no master key")

		// A sealed value that is moved to another version does not open.
		_, err = w.SaveFulfiller(ctx, root, w.fulfiller.ID, plugin, settings.Edit{Seen: 1, Set: payment.Settings{"password": "a-new-password"}})
		require.NoError(t, err)
		sc := settings.Scope{Owner: payment.OwnerFulfiller, ID: string(w.fulfiller.ID), Fulfiller: w.fulfiller.ID, Plugin: plugin}
		versions, err := w.store.Versions(ctx, sc, 0, 2)
		require.NoError(t, err)
		sealed, err := json.Marshal(versions[1].Sealed)
		require.NoError(t, err)
		require.NoError(t, db.Tx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE settings_versions SET sealed = ? WHERE owner_id = ? AND number = 2", string(sealed), sc.ID).Error
		}))
		_, err = w.another(t, w.master).Effective(ctx, w.links[0].ID)
		require.ErrorContains(t, err, "altered or moved")
	})
}

package settingsdb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := setup(t, db), t.Context()
		platform, platformKey, err := w.CreateKey(ctx, root, settings.NewKey{Kind: settings.ActorPlatform, Name: "orders"})
		require.NoError(t, err)
		own, ownKey, err := w.CreateKey(ctx, root, settings.NewKey{Kind: settings.ActorCompany, Company: w.fulfiller.ID, Name: "maker's"})
		require.NoError(t, err)
		require.Regexp(t, `^chk_[0-9a-f-]{36}_[0-9a-f]{64}$`, platformKey.Reveal())
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", platformKey, platform, own), platformKey.Reveal()[41:])

		actor, err := w.Authenticate(ctx, platformKey)
		require.NoError(t, err)
		require.Equal(t, settings.Actor{Kind: settings.ActorPlatform, Name: "orders"}, actor)
		actor, err = w.Authenticate(ctx, ownKey)
		require.NoError(t, err)
		require.Equal(t, settings.Actor{Kind: settings.ActorCompany, Company: w.fulfiller.ID, Name: "maker's"}, actor)

		// Neither part of a key is good with another's; and one text is refused like another.
		a, b := platformKey.Reveal(), ownKey.Reveal()
		for _, bad := range []string{
			"", "chk_", a[:40] + b[40:], a + "0", a[:len(a)-1], strings.ToUpper(a), "chk__" + a[41:], a[:41] + strings.Repeat("0", 64),
			"chk_01900000-0000-7000-8000-000000000000_" + a[41:],
		} {
			_, err := w.Authenticate(ctx, payment.Secret(bad))
			requireKind(t, payment.ErrorUnauthorized, err)
			require.Equal(t, "the API key is missing, wrong or revoked; ask the operator of the platform for a new one", err.Error())
		}

		// Only its hash is kept.
		var rows []map[string]any
		require.NoError(t, db.Read(ctx).Table("api_keys").Find(&rows).Error)
		require.NotContains(t, fmt.Sprintf("%s", rows), a[41:])

		page, err := w.Keys(ctx, root, "", settings.Paging{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, platform.ID, page.Items[0].ID)
		require.Equal(t, w.clock.now(), page.Items[0].LastUsedAt)
		page, err = w.Keys(ctx, w.as(w.fulfiller), "", settings.Paging{})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.Equal(t, own.ID, page.Items[0].ID)
		require.Equal(t, w.fulfiller.ID, page.Items[0].Company)

		// The last use is noted once in an hour.
		first := w.clock.now()
		for range 3 {
			w.clock.move(29 * time.Minute)
			_, err = w.Authenticate(ctx, ownKey)
			require.NoError(t, err)
		}
		k, _, err := w.store.Key(ctx, own.ID)
		require.NoError(t, err)
		require.Equal(t, first.Add(87*time.Minute), k.LastUsedAt)

		// Revoked: at once here, within a second elsewhere, for good.
		elsewhere := w.another(t, w.master)
		_, err = elsewhere.Authenticate(ctx, ownKey)
		require.NoError(t, err)
		requireKind(t, payment.ErrorNotFound, w.RevokeKey(ctx, w.as(w.channels[0]), own.ID))
		requireKind(t, payment.ErrorNotFound, w.RevokeKey(ctx, w.as(w.fulfiller), platform.ID))
		require.NoError(t, w.RevokeKey(ctx, w.as(w.fulfiller), own.ID))
		revoked := w.clock.now()
		_, err = w.Authenticate(ctx, ownKey)
		requireKind(t, payment.ErrorUnauthorized, err)
		_, err = elsewhere.Authenticate(ctx, ownKey)
		require.NoError(t, err)
		w.clock.move(time.Second)
		_, err = elsewhere.Authenticate(ctx, ownKey)
		requireKind(t, payment.ErrorUnauthorized, err)
		require.NoError(t, w.RevokeKey(ctx, root, own.ID))
		k, _, err = w.store.Key(ctx, own.ID)
		require.NoError(t, err)
		require.Equal(t, revoked, k.RevokedAt)
		require.Equal(t, "key of maker", k.RevokedBy)

		for _, n := range []settings.NewKey{
			{Kind: settings.ActorPlatform},
			{Name: "x"},
			{Kind: settings.ActorPlatform, Company: w.fulfiller.ID, Name: "x"},
			{Kind: settings.ActorCompany, Name: "x"},
			{Kind: settings.ActorCompany, Company: "01900000-0000-7000-8000-000000000000", Name: "x"},
		} {
			_, _, err := w.CreateKey(ctx, root, n)
			requireKind(t, payment.ErrorInvalid, err)
		}
	})
}

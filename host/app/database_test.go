package app

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/database"
)

// A host doesn't start on a database of another schema.
func TestSchema(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := prepare(t, driver, nil)
		err := b.start()
		require.ErrorIs(t, err, database.ErrSchemaOld)
		require.ErrorContains(t, err, "older than this program needs: run `chargehand migrate` (it is at revision 0")

		b.migrate()
		b.withDatabase(func(db *database.DB) {
			require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error {
				return tx.Exec("INSERT INTO schema_migrations (version_id, is_applied) VALUES (9999, true)").Error
			}))
		})
		err = b.start()
		require.ErrorIs(t, err, database.ErrSchemaNew)
		require.ErrorContains(t, err, "newer than this program knows: upgrade the program (it is at revision 9999")

		b.withDatabase(func(db *database.DB) {
			require.NoError(t, db.Tx(context.Background(), func(tx *gorm.DB) error {
				return tx.Exec("DELETE FROM schema_migrations WHERE version_id = 9999").Error
			}))
		})
		require.NoError(t, b.start())
		b.must(200, b.do("", "GET", "/readyz", nil))

		// A migration meanwhile takes this host out of work.
		require.NoError(t, b.app.db.Tx(context.Background(), func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO schema_migrations (version_id, is_applied) VALUES (9999, true)").Error
		}))
		require.Contains(t, string(b.must(503, b.do("", "GET", "/readyz", nil)).body), "upgrade the program")
	})
}

// What is wrong with the place of a SQLite database is told at the start.
func TestSQLitePlace(t *testing.T) {
	t.Parallel()
	b := prepare(t, "sqlite", nil)
	for name, test := range map[string]struct{ path, want string }{
		"no folder": {b.file("none/chargehand.db"), "no such file or directory"},
		"folder":    {b.file("gateway"), "is a directory"},
		"no database": {
			func() string {
				require.NoError(t, os.WriteFile(b.file("text.db"), []byte(strings.Repeat("no database ", 1000)), 0o600))
				return b.file("text.db")
			}(), "not a database",
		},
	} {
		b.keys["database.path"] = test.path
		require.ErrorContains(t, b.start(), test.want, name)
	}
	b.keys["database.path"] = b.file("chargehand.db")
	b.migrate()
	require.NoError(t, b.start())
	second, err := Start(t.Context(), b.config(), "test", hclog.NewNullLogger())
	require.Nil(t, second)
	require.ErrorIs(t, err, database.ErrInUse)
	require.ErrorContains(t, err, "stop that one, or use MySQL or MariaDB to run more than one host")
	b.must(200, b.do("", "GET", "/readyz", nil))
}

// A server that isn't there, or lets nobody in, is told at the start, without
// the password.
func TestServerNotThere(t *testing.T) {
	t.Parallel()
	const password = "v3ry-secret-dsn-password"
	b := prepare(t, "sqlite", map[string]any{"database.driver": "mysql"})
	b.secret(password)
	for _, test := range []struct{ dsn, want string }{
		{"chargehand:" + password + "@tcp(127.0.0.1:1)/chargehand", database.ErrUnavailable.Error()},
		{"chargehand:" + password + "@tcp(127.0.0.1:1)chargehand", "DSN"},
		{"mysql://chargehand:" + password + "@127.0.0.1:1/chargehand", "DSN"},
	} {
		b.keys["database.dsn"] = test.dsn
		err := b.start()
		require.ErrorContains(t, err, test.want)
		require.NotContains(t, err.Error(), password)
	}
}

// pragma tells a SQLite database's one writing connection something, which it
// keeps to.
func pragma(b *bed, text string) {
	b.t.Helper()
	require.NoError(b.t, b.app.db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.Exec("PRAGMA " + text).Error }))
}

// An order that can't be written down is not taken, not charged, and told so.
// Posted again when there is space, it is taken as new.
func TestDatabaseFull(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	var pages int
	require.NoError(t, b.app.db.Read(t.Context()).Raw("PRAGMA page_count").Row().Scan(&pages))
	pragma(b, fmt.Sprintf("max_page_count(%d)", pages))

	refused := 0
	for i := range 200 { // until the free room in its last pages is used up
		a := b.do(b.key, "POST", "/v1/orders", s.order(fmt.Sprintf("A-%d-%s", i, strings.Repeat("x", 40)), 100, "GBP"))
		if a.status == 202 {
			continue
		}
		require.Equal(t, 503, a.status, "%s", a.body)
		require.Contains(t, a.problem().Detail, "the database has no space left: free or add disk space; nothing was written")
		refused++
		if refused == 3 {
			break
		}
	}
	require.Equal(t, 3, refused)
	rows := b.rows()
	require.Equal(t, rows["orders"], rows["charges"], "an order without its charge, or the other way round")
	require.LessOrEqual(t, int64(b.authorisations()), rows["charges"], "something was charged that is in no book")
	b.must(200, b.do(b.key, "GET", "/v1/charges", nil)) // reading goes on

	pragma(b, "max_page_count(1000000)")
	_, c := b.place(s, "after", 100)
	b.until(c["id"], "released")
	eventually(t, "all that was taken is charged", func() bool {
		return len(b.must(200, b.do(b.key, "GET", "/v1/charges?state=released&limit=200", nil)).items()) == int(rows["charges"])+1
	})
	require.Equal(t, int(rows["charges"])+1, b.authorisations())
}

func TestDatabaseReadOnly(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	before := b.rows()
	pragma(b, "query_only(1)")
	for _, test := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/v1/orders", s.order("A-1", 100, "GBP")},
		{"POST", "/v1/companies", map[string]any{"type": "fulfiller", "reference": "new"}},
		{"PATCH", "/v1/links/" + s.link, map[string]any{"state": "off"}},
		{"PUT", "/v1/links/" + s.link + "/settings", map[string]any{"version": 1, "values": map[string]any{"settle": "at_once"}}},
	} {
		a := b.do(b.key, test.method, test.path, test.body)
		require.Equal(t, 503, a.status, "%s: %s", a.request, a.body)
		require.Contains(t, a.problem().Detail, "the database is read-only: check the file's permissions and the disk's mount")
	}
	items := b.must(200, b.do(b.key, "POST", "/v1/orders/batch", map[string]any{"orders": []any{s.order("A-1", 100, "GBP"), s.order("A-2", 0, "GBP")}})).items()
	require.EqualValues(t, 503, items[0]["status"])
	require.EqualValues(t, 422, items[1]["status"])
	require.Equal(t, before, b.rows())
	require.Zero(t, b.authorisations())

	b.stop()
	require.NoError(t, b.start())
	_, c := b.place(s, "A-1", 100)
	b.until(c["id"], "released")
	require.Equal(t, 1, b.authorisations())
}

// A server that goes away makes the host not ready and everything a 503 that
// says so; nothing is told to be missing that can't be looked up. When it is
// back, so is the host.
func TestServerGoesAway(t *testing.T) {
	t.Parallel()
	b := prepare(t, database.DriverMySQL, nil)
	dsn, err := mysql.ParseDSN(fmt.Sprint(b.keys["database.dsn"]))
	require.NoError(t, err)
	p := newProxy(t, dsn.Addr)
	dsn.Addr = p.address
	b.keys["database.dsn"] = dsn.FormatDSN()
	b.migrate()
	b.key = b.platformKey()
	require.NoError(t, b.start())
	s := b.shop("one")
	order, c := b.place(s, "A-1", 100)
	b.until(c["id"], "released")

	p.unplug()
	require.Contains(t, string(b.must(503, b.do("", "GET", "/readyz", nil)).body), "the database cannot be reached: check that it runs")
	b.must(200, b.do("", "GET", "/healthz", nil))
	b.must(200, b.do("", "GET", "/metrics", nil))
	for _, test := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/v1/orders", s.order("A-2", 100, "GBP")},
		{"GET", fmt.Sprintf("/v1/orders/%s", order["id"]), nil},
		{"GET", "/v1/orders?reference=A-1&channel=" + s.channelNamed, nil},
		{"GET", "/v1/orders?reference=A-1&channel=never-asked-before", nil},
		{"POST", fmt.Sprintf("/v1/orders/%s/cancel", order["id"]), map[string]any{"reason": "x"}},
		{"GET", "/v1/charges", nil},
		{"GET", fmt.Sprintf("/v1/charges/%s", c["id"]), nil},
		{"GET", "/v1/companies", nil},
		{"GET", "/v1/links/" + s.link, nil},
		{"GET", "/v1/links/" + s.link + "/settings", nil},
		{"GET", "/v1/ledger", nil},
	} {
		a := b.do(b.key, test.method, test.path, test.body)
		require.Equal(t, 503, a.status, "%s: %s", a.request, a.body)
		require.Contains(t, a.problem().Detail, "the database cannot be reached", "%s", a.request)
	}
	p.plug()
	eventually(t, "the host is ready again", func() bool { return b.do("", "GET", "/readyz", nil).status == 200 })
	_, c = b.place(s, "A-2", 100)
	b.until(c["id"], "released")
	require.Equal(t, 2, b.authorisations())
	require.Equal(t, order["id"], b.must(200, b.do(b.key, "GET", fmt.Sprintf("/v1/orders/%s", order["id"]), nil)).object()["id"])
}

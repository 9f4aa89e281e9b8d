package restore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/charge/chargedb"
	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
	"github.com/chargehand/chargehand/host/engine"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/host/restore/restoredb"
	"github.com/chargehand/chargehand/host/turn"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/settings/settingsdb"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

var platform = settings.Actor{Kind: settings.ActorPlatform, Name: "test"}

// patience is how long a test waits for what must come.
const patience = time.Minute

func quick() charge.Clocks {
	c := charge.DefaultClocks()
	c.SendWindow, c.AnswerLimit, c.CallSlack, c.LeaseSlack = 5*time.Second, 200*time.Millisecond, time.Second, 200*time.Millisecond
	c.FirstLook, c.MinLooks, c.AbsenceRecorded, c.AbsenceAtOnce = 20*time.Millisecond, 3, 100*time.Millisecond, 200*time.Millisecond
	c.Handoff, c.Follow, c.RetryFirst, c.RetryMost = 3*time.Second, 50*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond
	return c
}

// kind is one kind of database, with the way to back it up and put it back.
type kind struct {
	config database.Config
	backup func(t *testing.T) (putBack func(t *testing.T))
	// under is backup while a host has the database, which is put back under it.
	under func(t *testing.T, db *database.DB) (putBack func(t *testing.T, db *database.DB))
}

// each runs a test on a migrated database of each kind.
func each(t *testing.T, test func(t *testing.T, k kind)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "chargehand.db")
		config := database.Config{Driver: database.DriverSQLite, Path: path}
		migrate(t, config)
		test(t, kind{
			config: config, under: copyRows,
			// Nobody has the file open: it is complete without the files beside it.
			backup: func(t *testing.T) func(*testing.T) {
				content, err := os.ReadFile(path)
				require.NoError(t, err)
				return func(t *testing.T) {
					for _, beside := range []string{"-wal", "-shm"} {
						require.NoError(t, removeIfThere(path+beside))
					}
					require.NoError(t, os.WriteFile(path, content, 0o600))
				}
			},
		})
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		config := database.Config{Driver: database.DriverMySQL, DSN: databasetest.EmptyMySQL(t), MaxOpen: 8}
		migrate(t, config)
		test(t, kind{
			config: config, backup: func(t *testing.T) func(*testing.T) { return copyTables(t, config) },
			under: func(t *testing.T, _ *database.DB) func(*testing.T, *database.DB) {
				putBack := copyTables(t, config)
				return func(t *testing.T, _ *database.DB) { putBack(t) }
			},
		})
	})
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// copyTables copies every table of a server's database, and puts them back in
// one transaction, under whoever works on them.
func copyTables(t *testing.T, config database.Config) func(*testing.T) {
	t.Helper()
	statements := func(list ...string) {
		pool, err := sql.Open("mysql", config.DSN)
		require.NoError(t, err)
		defer pool.Close()
		conn, err := pool.Conn(context.Background())
		require.NoError(t, err)
		defer conn.Close()
		for _, s := range list {
			_, err := conn.ExecContext(context.Background(), s)
			require.NoError(t, err, s)
		}
	}
	db, err := database.Open(context.Background(), config)
	require.NoError(t, err)
	defer db.Close()
	all, err := db.Read(context.Background()).Migrator().GetTables()
	require.NoError(t, err)
	save, back := []string{}, []string{"SET foreign_key_checks = 0", "BEGIN"}
	for _, name := range all {
		if strings.HasPrefix(name, "backup_") || strings.HasPrefix(name, "schema_") {
			continue
		}
		save = append(save, "DROP TABLE IF EXISTS backup_"+name, "CREATE TABLE backup_"+name+" AS SELECT * FROM "+name)
		back = append(back, "DELETE FROM "+name, "INSERT INTO "+name+" SELECT * FROM backup_"+name)
	}
	statements(save...)
	return func(*testing.T) { statements(append(back, "COMMIT")...) }
}

// copyRows copies every table of a file, and puts them back in one transaction,
// through the only process that has it.
func copyRows(t *testing.T, db *database.DB) func(*testing.T, *database.DB) {
	t.Helper()
	ctx := context.Background()
	all, err := db.Read(ctx).Migrator().GetTables()
	require.NoError(t, err)
	save, back := []string{}, []string{"PRAGMA defer_foreign_keys = ON"}
	for _, name := range all {
		if strings.HasPrefix(name, "schema_") || strings.HasPrefix(name, "sqlite_") {
			continue
		}
		save = append(save, "CREATE TABLE backup_"+name+" AS SELECT * FROM "+name)
		back = append(back, "DELETE FROM "+name, "INSERT INTO "+name+" SELECT * FROM backup_"+name)
	}
	run := func(db *database.DB, list []string) {
		require.NoError(t, db.Tx(ctx, func(tx *gorm.DB) error {
			for _, s := range list {
				if err := tx.Exec(s).Error; err != nil {
					return fmt.Errorf("%s: %w", s, err)
				}
			}
			return nil
		}))
	}
	run(db, save)
	return func(_ *testing.T, db *database.DB) { run(db, back) }
}

func migrate(t *testing.T, config database.Config) {
	t.Helper()
	db, err := database.Open(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, database.Migrate(t.Context(), db))
	require.NoError(t, db.Close())
}

// bed is all around a host, and the host when one runs.
type bed struct {
	t       *testing.T
	kind    kind
	dir     string
	gateway *paymenttest.Fake
	log     hclog.Logger
	db      *database.DB
	poll    time.Duration
	placed  time.Time // when the customers ordered; a platform says the same again
	*host
}

// host is a host without its doors.
type host struct {
	file     *restore.File
	watch    *restore.Watch
	settings *settings.Service
	store    *chargedb.Store
	engine   *engine.Engine
	orders   *order.Service
}

func newBed(t *testing.T, k kind) *bed {
	t.Helper()
	b := &bed{t: t, kind: k, dir: t.TempDir(), gateway: paymenttest.NewFake(), log: hclog.NewNullLogger(), poll: 20 * time.Millisecond}
	t.Cleanup(b.stop)
	return b
}

type gateways struct{ gateway payment.Gateway }

func (g gateways) Gateway(string) (payment.Gateway, error) { return g.gateway, nil }

func (b *bed) namer() *charge.Namer {
	n, err := charge.NewNamer("test", make([]byte, charge.MinNamerKey))
	require.NoError(b.t, err)
	return n
}

func (b *bed) open() {
	b.t.Helper()
	var err error
	b.db, err = database.Open(context.Background(), b.kind.config)
	require.NoError(b.t, err)
}

func (b *bed) service() *settings.Service {
	b.t.Helper()
	master, err := settings.ParseMasterKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	require.NoError(b.t, err)
	s, err := settings.New(settings.Config{Store: settingsdb.New(b.db), Gateways: gateways{b.gateway}, Master: master})
	require.NoError(b.t, err)
	return s
}

// start starts a host.
func (b *bed) start() {
	b.t.Helper()
	ctx := context.Background()
	b.open()
	h := &host{settings: b.service()}
	store := restoredb.New(b.db)
	want := restore.Environment{Name: "test", Kind: restore.KindTest, Fingerprint: b.namer().Fingerprint(), BoundAt: time.Now(), BoundBy: "test"}
	there, err := store.Bind(ctx, want)
	require.NoError(b.t, err)
	require.NoError(b.t, there.Check(want))
	past, err := restore.NewPast(ctx, store)
	require.NoError(b.t, err)
	h.file, err = restore.OpenFile(filepath.Join(b.dir, "state"), database.LockFile)
	require.NoError(b.t, err)
	h.watch, err = restore.NewWatch(ctx, restore.WatchConfig{
		Store: store, File: h.file, Owner: "host", Poll: b.poll, Grace: 200 * time.Millisecond, Now: time.Now, Logger: b.log,
	})
	require.NoError(b.t, err)
	h.store = chargedb.Counted(b.db, nil, restoredb.NewCounter(h.watch))
	h.engine, err = engine.New(engine.Config{
		Store: h.store, Settings: h.settings, Gateways: gateways{b.gateway}, Clocks: quick(), Limits: turn.Limits{Plugin: 32, Site: 24},
		Owner: fmt.Sprintf("host-%d", time.Now().UnixNano()), Now: time.Now, Poll: 50 * time.Millisecond, Logger: b.log,
		Gate: restore.Guard{Watch: h.watch, Past: past}, Mode: payment.ModeTest,
	})
	require.NoError(b.t, err)
	require.NoError(b.t, h.engine.Start(ctx))
	h.orders = order.New(order.Config{Store: h.store, Companies: h.settings, Engine: h.engine, Namer: b.namer(), Now: time.Now})
	b.host = h
}

// stop stops the host in order.
func (b *bed) stop() {
	if b.host != nil {
		limited, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		b.engine.Stop(limited)
		b.store.Stop()
		b.watch.Stop(limited)
		require.NoError(b.t, b.file.Close())
		b.host = nil
	}
	if b.db != nil {
		require.NoError(b.t, b.db.Close())
		b.db = nil
	}
}

// shop sets up a fulfiller, a sales channel and a link that charges.
func (b *bed) shop(name string) {
	b.t.Helper()
	ctx := context.Background()
	f, err := b.settings.CreateCompany(ctx, platform, settings.NewCompany{Type: settings.Fulfiller, Reference: "fulfiller-" + name, Name: name})
	require.NoError(b.t, err)
	c, err := b.settings.CreateCompany(ctx, platform, settings.NewCompany{Type: settings.SalesChannel, Reference: "channel-" + name, Name: name})
	require.NoError(b.t, err)
	link, err := b.settings.CreateLink(ctx, platform, settings.NewLink{FulfillerID: f.ID, ChannelID: c.ID, Plugin: "memory"})
	require.NoError(b.t, err)
	values := paymenttest.Settings()
	values["site"] = "site-" + name
	stored := "1-1-" + name
	delete(values, "stored")
	_, err = b.settings.SaveFulfiller(ctx, platform, f.ID, "memory", settings.Edit{Set: values})
	require.NoError(b.t, err)
	b.gateway.Put(payment.Transaction{
		ID: payment.TransactionID(stored), Kind: payment.KindAccountCheck, Outcome: payment.OutcomeApproved, Site: "site-" + name, StartedAt: time.Now().Add(-time.Minute),
	})
	view, err := b.settings.ViewLink(ctx, platform, link.ID)
	require.NoError(b.t, err)
	_, err = b.settings.SaveLink(ctx, platform, link.ID, settings.Edit{Seen: view.Version, Set: payment.Settings{"stored": stored}})
	require.NoError(b.t, err)
	report, err := b.settings.Preflight(ctx, platform, link.ID)
	require.NoError(b.t, err)
	_, err = b.settings.ConfirmCard(ctx, platform, link.ID, report.Place.Stored, report.Card)
	require.NoError(b.t, err)
	link, err = b.settings.Link(ctx, platform, link.ID)
	require.NoError(b.t, err)
	b.placed = time.Now()
	on := settings.LinkOn
	_, err = b.settings.ChangeLink(ctx, platform, link.ID, settings.LinkChange{Seen: link.Version, State: &on})
	require.NoError(b.t, err)
}

func (b *bed) place(shop, reference string) *charge.Charge {
	b.t.Helper()
	c, err := b.tryPlace(shop, reference)
	require.NoError(b.t, err)
	return c
}

func (b *bed) tryPlace(shop, reference string) (*charge.Charge, error) {
	_, cs, _, err := b.orders.Place(context.Background(), order.Placement{
		Channel: "channel-" + shop, Reference: reference, PlacedAt: b.placed,
		Parts: []order.Part{{Fulfiller: "fulfiller-" + shop, Amount: payment.Amount{Minor: 1250, Currency: "GBP"}}},
	}, "test", nil)
	if err != nil {
		return nil, err
	}
	return cs[0], nil
}

func (b *bed) load(id charge.ID) *charge.Charge {
	b.t.Helper()
	cs, err := b.store.Load(context.Background(), id)
	require.NoError(b.t, err)
	require.Len(b.t, cs, 1)
	return cs[0]
}

// until waits for a charge to be as it must become.
func (b *bed) until(id charge.ID, what string, is func(*charge.Charge) bool) *charge.Charge {
	b.t.Helper()
	var c *charge.Charge
	deadline := time.Now().Add(patience)
	for c = b.load(id); !is(c); c = b.load(id) {
		if time.Now().After(deadline) {
			require.Failf(b.t, "it did not become "+what, "%s (%s), case %q, %s, attempts %+v, records %+v", c.State, c.Reason, c.Case, c.Text, c.Attempts, c.Records)
		}
		<-time.After(10 * time.Millisecond)
	}
	return c
}

func (b *bed) untilState(id charge.ID, s charge.State) *charge.Charge {
	b.t.Helper()
	return b.until(id, string(s), func(c *charge.Charge) bool { return c.State == s })
}

// untilStopped waits until the host has noticed.
func (b *bed) untilStopped() {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.watch.Stopped() != "" && !b.watch.RestoredAt().IsZero() }, patience, 5*time.Millisecond)
}

// authorisations are those that the gateway holds for a charge, or has let go.
func (b *bed) authorisations(c *charge.Charge) (all []payment.Transaction) {
	for _, t := range b.gateway.Transactions() {
		if stem, _, ok := charge.SplitReference(t.Reference); ok && stem == c.Stem {
			all = append(all, t)
		}
	}
	return all
}

// sweep runs the command's work, while no host runs.
func (b *bed) sweep(ctx context.Context, task restore.Task, tell func(string)) (restore.Report, error) {
	b.t.Helper()
	b.open() //nolint:contextcheck // an opened database outlives the context of a sweep
	store := chargedb.New(b.db, nil)
	defer func() {
		store.Stop()
		require.NoError(b.t, b.db.Close())
		b.db = nil
	}()
	if task.Until.IsZero() {
		task.Since, task.Until = time.Now().Add(-time.Hour), time.Now()
	}
	clocks := quick()
	clocks.SendWindow, clocks.CallSlack = 100*time.Millisecond, 200*time.Millisecond
	if tell == nil {
		var mu sync.Mutex
		tell = func(s string) { mu.Lock(); defer mu.Unlock(); b.t.Log(s) }
	}
	return restore.NewSweeper(restore.SweepConfig{
		Store: restoredb.New(b.db), Charges: store, Settings: b.service(), Gateways: gateways{b.gateway}, Clocks: clocks,
		By: "operator@test", Now: time.Now, Tell: tell,
	}).Run(ctx, task)
}

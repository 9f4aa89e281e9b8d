package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// A gateway that is started again with its journal is the same gateway: what it
// holds, whom it knows, where its clock stands, and who it is to TLS.
func TestJournalOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	cfg := gateway.Config{Now: func() time.Time { return at }, Seed: 1, Journal: path}
	g, err := gateway.New(cfg)
	require.NoError(t, err)
	require.NoError(t, g.SetSite(gateway.Site{Reference: "test_second", DuplicateCheck: true}))
	require.NoError(t, g.SetUser(gateway.User{Name: "someone", Password: "secret", Sites: []string{"test_second"}}))
	entered := func(g *gateway.Gateway, amount int64, status int) gateway.Entry {
		e, err := g.Enter(gateway.Entered{Site: "test_second", Card: "4111111111111111", Amount: amount, Currency: "GBP", SettleStatus: status})
		require.NoError(t, err)
		return e
	}
	settling, held := entered(g, 100, 0), entered(g, 200, 2)
	_, err = g.Tick(24 * time.Hour)
	require.NoError(t, err)
	before := g.Ledger()
	require.Equal(t, gateway.StatusSettling, before[0].SettleStatus)
	s, err := g.Start(t.Context(), gateway.Listen{})
	require.NoError(t, err)
	ca := s.CAPEM()
	// As after a kill: nothing is closed, and the last line is cut off.
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString(`{"transaction":{"Ref":"55-9-1","Am`)
	require.NoError(t, err)
	require.NoError(t, file.Close())

	again, err := gateway.New(cfg)
	require.NoError(t, err)
	require.Equal(t, before, again.Ledger())
	require.Equal(t, at.Add(24*time.Hour), again.Now())
	user, known := again.User("someone")
	require.True(t, known)
	require.Equal(t, []string{"test_second"}, user.Sites)
	site, known := again.Site("test_second")
	require.True(t, known)
	require.True(t, site.DuplicateCheck)
	s2, err := again.Start(t.Context(), gateway.Listen{})
	require.NoError(t, err)
	require.Equal(t, ca, s2.CAPEM())

	// Time goes on from where it was: each batch ran once.
	_, err = again.Tick(24 * time.Hour)
	require.NoError(t, err)
	require.Equal(t, gateway.StatusSettled, again.Ledger()[0].SettleStatus)
	third := entered(again, 300, 0)
	require.NotContains(t, []string{settling.TransactionReference, held.TransactionReference}, third.TransactionReference)
	// A hold lapses, though it was made before.
	_, err = again.Tick(7 * 24 * time.Hour)
	require.NoError(t, err)
	require.Equal(t, gateway.StatusCancelled, again.Ledger()[1].SettleStatus)
	last := again.Ledger()
	require.NoError(t, s2.Close())
	require.NoError(t, s.Close())

	once, err := gateway.New(cfg)
	require.NoError(t, err)
	require.Equal(t, last, once.Ledger())
	// A reset is kept, too.
	require.NoError(t, once.Reset(t.Context()))
	empty, err := gateway.New(cfg)
	require.NoError(t, err)
	require.Empty(t, empty.Ledger())
	_, known = empty.User("someone")
	require.False(t, known)
}

// A gateway that could not keep what it does processes nothing.
func TestJournalThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	_, err := gateway.New(gateway.Config{Journal: filepath.Join(t.TempDir(), "no", "journal")})
	require.ErrorContains(t, err, "open the journal")
	broken := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(broken, []byte("{\"nothing\n"), 0o600))
	_, err = gateway.New(gateway.Config{Journal: broken})
	require.ErrorContains(t, err, "line 1")
}

// A gateway that is killed in the middle of a batch does not run it again.
func TestJournalCutInABatch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := func(cfg *gateway.Config) { cfg.Journal = path }
	b := setup(t, journal)
	ref := b.charge(nil)
	b.tick(14 * hour)
	require.Equal(t, 10, b.entry(ref).SettleStatus)
	// Nothing came after the last payment that the batch had moved.
	text := b.journal(path)
	moved := strings.LastIndex(text, `{"transaction":`)
	moved += strings.IndexByte(text[moved:], '\n') + 1
	require.NoError(t, os.WriteFile(path, []byte(text[:moved]), 0o600))

	again := setup(t, journal)
	require.Equal(t, 10, again.entry(ref).SettleStatus)
	again.tick(day - 1)
	require.Equal(t, 10, again.entry(ref).SettleStatus)
	again.tick(1)
	require.Equal(t, 100, again.entry(ref).SettleStatus)
}

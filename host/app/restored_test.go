package app

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/restore"
)

// A host of another environment does not start on this one's database, nor one
// with another reference key.
func TestWrongEnvironment(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		b.stop()
		for _, test := range []struct {
			key  string
			bad  any
			want string
		}{
			{"environment", "staging", `belongs to the environment "test"`},
			{"environment_kind", "production", "belongs to a test environment"},
			{"keys.reference_file", b.file("other.key"), "the reference key is not the one"},
		} {
			if test.key == "keys.reference_file" {
				require.NoError(t, newKeyFile(b.file("other.key")))
			}
			good := b.keys[test.key]
			b.keys[test.key] = test.bad
			require.ErrorContains(t, b.start(), test.want)
			if b.keys[test.key] = good; good == nil {
				delete(b.keys, test.key)
			}
		}
		require.NoError(t, b.start())
	})
}

// In a production environment test money charges, and never says produce.
func TestTestMoneyInProduction(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", map[string]any{"environment_kind": "production"})
	s := b.shop("one")
	report := string(b.must(200, b.do(s.fulfillerKey, "POST", "/v1/links/"+s.link+"/preflight", nil)).body)
	require.Contains(t, report, "this is a production environment")
	_, c := b.place(s, "A-1", 1250, "Prefer", "wait=20")
	c = b.until(c["id"], "released", "settled")
	require.Equal(t, "wait", c["produce"])
	require.Equal(t, "test_mode", c["reason"])
	require.Contains(t, c["needs_person"], "case")
}

// The whole way with the plugin and the simulator: the file is put back, the
// host notices, the gateway is swept, and no order is charged twice.
func TestRestoredFile(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	_, c := b.place(s, "old", 1250)
	b.until(c["id"], "released")
	b.stop()
	path := b.file("chargehand.db")
	backup, err := os.ReadFile(path)
	require.NoError(t, err)
	since := time.Now()
	require.NoError(t, b.start())
	again := s.order("lost", 1300, "GBP")
	c = firstCharge(t, b.must(202, b.do(b.key, "POST", "/v1/orders", again)).object())
	b.until(c["id"], "released")
	b.stop()
	for _, name := range []string{"-wal", "-shm"} {
		gone, err := filepath.Glob(path + name)
		require.NoError(t, err)
		for _, g := range gone {
			require.NoError(t, os.Remove(g))
		}
	}
	require.NoError(t, os.WriteFile(path, backup, 0o600))

	require.NoError(t, b.start())
	a := b.do("", "GET", "/readyz", nil)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, string(a.body), "chargehand restored --since")
	require.Contains(t, string(b.must(200, b.do("", "GET", "/metrics", nil)).body), "chargehand_charging_stopped 1")
	b.stop()

	limited, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	report, err := Restored(limited, b.config(), restore.Task{Since: since, Until: time.Now()}, "test", b.log.logger(), func(text string) { t.Log(text) })
	require.NoError(t, err)
	require.True(t, report.Lifted, "%+v", report)
	require.Equal(t, int64(1), report.Sites[0].Kept, "%+v", report)

	require.NoError(t, b.start())
	b.must(200, b.do("", "GET", "/readyz", nil))
	before := b.authorisations()
	c = firstCharge(t, b.must(202, b.do(b.key, "POST", "/v1/orders", again)).object())
	c = b.until(c["id"], "released", "settled")
	require.Equal(t, "yes", c["produce"])
	require.Equal(t, before, b.authorisations(), "it was charged a second time")
}

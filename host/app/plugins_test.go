package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A host doesn't start with a plugin that it must not run. The error names the
// plugin, what is wrong and what to do, and once that is mended the host starts.
func TestRefusedPlugins(t *testing.T) {
	t.Parallel()
	script := func(text string) func(*testing.T, *bed) {
		return func(t *testing.T, b *bed) {
			t.Helper()
			binary := b.file("plugins/trustpayments/trustpayments")
			require.NoError(t, os.Remove(binary))
			require.NoError(t, os.WriteFile(binary, []byte(text), 0o700))
			digest := sha256.Sum256([]byte(text))
			b.installPlugin(func(m map[string]string) { m["sha256"] = hex.EncodeToString(digest[:]) })
		}
	}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, b *bed)
		want  []string
	}{
		"missing": {
			func(t *testing.T, b *bed) {
				t.Helper()
				require.NoError(t, os.Remove(b.file("plugins/trustpayments/trustpayments")))
			},
			[]string{"the binary", "trustpayments/trustpayments is missing; install it"},
		},
		"not executable": {
			func(t *testing.T, b *bed) {
				t.Helper()
				binary := b.file("plugins/trustpayments/trustpayments")
				require.NoError(t, os.Remove(binary))
				require.NoError(t, os.WriteFile(binary, []byte("x"), 0o600))
			},
			[]string{"is not executable; run chmod +x on it"},
		},
		"checksum": {
			func(_ *testing.T, b *bed) {
				b.installPlugin(func(m map[string]string) {
					m["sha256"] = hex.EncodeToString(make([]byte, sha256.Size))
				})
			},
			[]string{"does not have the checksum that its manifest", "trustpayments.json", "install both again"},
		},
		"not a plugin":     {script("#!/bin/sh\necho hello\n"), []string{"is no payment plugin", `wrote "hello"`}},
		"silent":           {script("#!/bin/sh\nexit 3\n"), []string{"ended without a handshake (exit status 3)"}},
		"no program":       {script("what is this"), []string{"can't be executed: it was built for another system, or is no program"}},
		"protocol version": {script("#!/bin/sh\necho '1|99|unix|/tmp/none|grpc|'\nexec sleep 60\n"), []string{"speaks another version of the plugin protocol than this host's 1", "install the plugin that belongs to this host"}},
		"other plugin":     {func(t *testing.T, b *bed) { t.Helper(); rename(t, b, "stripes") }, []string{"plugin stripes", `calls itself "trustpayments"`, "it is another plugin's binary"}},
		"no manifest": {
			func(t *testing.T, b *bed) {
				t.Helper()
				require.NoError(t, os.Remove(b.file("plugins/trustpayments/trustpayments.json")))
			},
			[]string{"plugin trustpayments: manifest", "it is missing; install the plugin again"},
		},
		"unknown key in the manifest": {
			func(_ *testing.T, b *bed) { b.installPlugin(func(m map[string]string) { m["colour"] = "red" }) },
			[]string{`unknown field "colour"`},
		},
		"empty folder": {
			func(t *testing.T, b *bed) {
				t.Helper()
				require.NoError(t, os.RemoveAll(b.file("plugins/trustpayments")))
			},
			[]string{"no plugin is installed in", "each needs a manifest NAME/NAME.json there"},
		},
		"no folder": {
			func(t *testing.T, b *bed) { t.Helper(); require.NoError(t, os.RemoveAll(b.file("plugins"))) },
			[]string{"folder of plugins", "create it, or correct the configuration"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := prepare(t, "sqlite", nil)
			b.keys["listen_file"] = b.file("address")
			b.migrate()
			test.spoil(t, b)
			err := b.start()
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.NoFileExists(t, b.file("address"))

			require.NoError(t, os.RemoveAll(b.file("plugins")))
			b.installPlugin(nil)
			require.NoError(t, b.start(), "what was begun before was not ended again")
			require.FileExists(t, b.file("address"))
			b.stop()
			require.NoFileExists(t, b.file("address"))
		})
	}
}

func rename(t *testing.T, b *bed, name string) {
	t.Helper()
	b.installPlugin(func(m map[string]string) { m["name"] = name })
	require.NoError(t, os.Rename(b.file("plugins/trustpayments/trustpayments.json"), b.file("plugins/trustpayments/"+name+".json")))
	require.NoError(t, os.Rename(b.file("plugins/trustpayments"), b.file("plugins/"+name)))
}

// A plugin that is gone makes the host not ready, and /readyz says why. Orders
// are taken in all the same, and charged once it is back.
func TestPluginGone(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	b.must(200, b.do("", "GET", "/readyz", nil))
	binary := b.file("plugins/trustpayments/trustpayments")
	away := filepath.Join(b.dir, "away")
	require.NoError(t, os.Rename(binary, away))
	require.NoError(t, os.RemoveAll(b.file("plugins/.store/"+pluginSum)), "the host's own copy as well")
	status := b.app.plugins.Status()[0]
	require.NoError(t, syscall.Kill(status.PID, syscall.SIGKILL))

	var checks string
	eventually(t, "the host is not ready", func() bool {
		a := b.do("", "GET", "/readyz", nil)
		checks = string(a.body)
		return a.status == http.StatusServiceUnavailable
	})
	require.Contains(t, checks, `"name":"plugins","ok":false,"text":"plugin trustpayments is `)
	require.Contains(t, checks, `"name":"database","ok":true`)
	b.must(200, b.do("", "GET", "/healthz", nil))
	var listed map[string]any
	eventually(t, "it is told that the binary is missing", func() bool {
		listed = b.must(200, b.do(b.key, "GET", "/v1/plugins", nil)).items()[0]
		return listed["last_error"] != nil
	})
	eventually(t, "it is in quarantine", func() bool {
		listed = b.must(200, b.do(b.key, "GET", "/v1/plugins", nil)).items()[0]
		return listed["state"] == "quarantined"
	})
	require.Contains(t, listed["last_error"], "is missing; install it")
	require.Contains(t, listed["advice"], "chargehand plugin restart trustpayments")
	require.Contains(t, string(b.do("", "GET", "/readyz", nil).body), "chargehand plugin restart trustpayments")
	require.Contains(t, string(b.must(200, b.do("", "GET", "/metrics", nil)).body), `chargehand_plugin_quarantined{plugin="trustpayments"} 1`)
	p := b.do(b.key, "POST", "/v1/plugins/trustpayments/restart", nil)
	require.Equal(t, 422, p.status, "%s", p.body)
	require.Contains(t, p.problem().Detail, "is missing; install it")
	require.Contains(t, p.problem().Detail, "the plugin is quarantined, as before")
	_, c := b.place(s, "A-1", 1250)
	require.Equal(t, "wait", c["produce"])
	p = b.do(s.fulfillerKey, "POST", "/v1/links/"+s.link+"/preflight", nil)
	require.Equal(t, 503, p.status, "%s", p.body)
	require.Contains(t, p.problem().Detail, "plugin")

	require.NoError(t, os.Rename(away, binary))
	eventually(t, "the host is ready again", func() bool { return b.do("", "GET", "/readyz", nil).status == 200 })
	require.EqualValues(t, 1250, b.until(c["id"], "released")["amount"].(map[string]any)["minor"])
	require.Equal(t, 1, b.authorisations())
	require.Greater(t, fmt.Sprint(b.app.plugins.Status()[0].Generation), fmt.Sprint(status.Generation))
}

// The platform alone replaces a plugin, and orders are charged meanwhile.
func TestPluginReplaced(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	for _, path := range []string{"upgrade", "rollback", "restart"} {
		for _, key := range []string{s.fulfillerKey, s.channelKey} {
			require.Contains(t, b.must(403, b.do(key, "POST", "/v1/plugins/trustpayments/"+path, map[string]any{})).problem().Detail, "only the platform may do that")
		}
		require.Contains(t, b.must(404, b.do(b.key, "POST", "/v1/plugins/stripes/"+path, map[string]any{})).problem().Detail, "no payment plugin is named")
	}
	path := "/v1/plugins/trustpayments/"
	change := b.must(200, b.do(b.key, "POST", path+"upgrade", map[string]any{})).object()
	require.Equal(t, false, change["changed"])
	require.Equal(t, pluginSum, change["sha256"])
	require.Contains(t, b.must(422, b.do(b.key, "POST", path+"upgrade", map[string]any{"from": "/nowhere"})).problem().Detail, "from: upgrade of the plugin trustpayments: ")
	require.Contains(t, b.must(409, b.do(b.key, "POST", path+"rollback", map[string]any{})).problem().Detail, "there is no version to go back to")

	for i := range 3 {
		_, c := b.place(s, fmt.Sprint("A-", i), 1250)
		change = b.must(200, b.do(b.key, "POST", path+"restart", nil)).object()
		require.Equal(t, true, change["changed"])
		b.until(c["id"], "released")
	}
	require.Equal(t, 3, b.authorisations())
	listed := b.must(200, b.do(b.key, "GET", "/v1/plugins", nil)).items()[0]
	require.EqualValues(t, 4, listed["generation"])
	require.EqualValues(t, 0, listed["restarts"])
	metrics := string(b.must(200, b.do("", "GET", "/metrics", nil)).body)
	for _, line := range []string{
		`chargehand_plugin_ready{plugin="trustpayments"} 1`, `chargehand_plugin_quarantined{plugin="trustpayments"} 0`,
		`chargehand_plugin_starts_total{plugin="trustpayments",up="yes"} 4`, `chargehand_plugin_generation_age_seconds{plugin="trustpayments"}`,
		`chargehand_plugin_calls_in_flight{plugin="trustpayments"}`, `chargehand_plugin_call_seconds_count{method="charge",outcome="ok",plugin="trustpayments"} 3`,
	} {
		require.Contains(t, metrics, line)
	}
	require.NotContains(t, metrics, "chargehand_plugin_restarts_total{")
	require.NotContains(t, metrics, "chargehand_plugin_unknown_total{")
}

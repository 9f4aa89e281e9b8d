package pluginhost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

// Whatever is wrong with a plugin is told with its place and with what to do,
// and nothing is left behind.
func TestRefused(t *testing.T) {
	t.Parallel()
	replace := func(content string, mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, own string) {
			t.Helper()
			path := filepath.Join(own, "binary")
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.WriteFile(path, []byte(content), mode))
		}
	}
	start := func(how string) map[string]string { return map[string]string{"TESTPLUGIN_START": how} }
	for name, test := range map[string]struct {
		spoil  func(t *testing.T, own string)
		change func(*manifest)
		env    map[string]string
		want   []string
	}{
		"missing": {
			spoil: func(t *testing.T, own string) {
				t.Helper()
				require.NoError(t, os.Remove(filepath.Join(own, "binary")))
			},
			want: []string{"memory/binary is missing; install it"},
		},
		"link": {
			spoil: func(t *testing.T, own string) {
				t.Helper()
				require.NoError(t, os.Remove(filepath.Join(own, "binary")))
				require.NoError(t, os.Symlink(binary, filepath.Join(own, "binary")))
			},
			want: []string{"memory/binary is a symbolic link", "put the file itself there"},
		},
		"behind a link": {
			change: func(m *manifest) { m.Path = "there/testplugin" },
			spoil: func(t *testing.T, own string) {
				t.Helper()
				require.NoError(t, os.Symlink(filepath.Dir(binary), filepath.Join(own, "there")))
			},
			want: []string{"lies behind one"},
		},
		"folder": {
			change: func(m *manifest) { m.Path = "bin" },
			spoil: func(t *testing.T, own string) {
				t.Helper()
				require.NoError(t, os.Mkdir(filepath.Join(own, "bin"), 0o700))
			},
			want: []string{"memory/bin is no file"},
		},
		"not executable": {spoil: replace("x", 0o600), want: []string{"memory/binary is not executable; run chmod +x"}},
		"binary others can write": {
			spoil: func(t *testing.T, own string) {
				t.Helper()
				replace("x", 0o700)(t, own)
				require.NoError(t, os.Chmod(filepath.Join(own, "binary"), 0o720))
			},
			want: []string{"memory/binary has the mode 0720", "run chmod go-w "},
		},
		"folder of the binary others can write": {
			change: func(m *manifest) { m.Path = "bin/binary" },
			spoil: func(t *testing.T, own string) {
				t.Helper()
				require.NoError(t, os.Mkdir(filepath.Join(own, "bin"), 0o700))
				require.NoError(t, os.Rename(filepath.Join(own, "binary"), filepath.Join(own, "bin", "binary")))
				require.NoError(t, os.Chmod(filepath.Join(own, "bin"), 0o770))
			},
			want: []string{"memory/bin has the mode 0770"},
		},
		"checksum": {
			change: func(m *manifest) { m.SHA256 = strings.Repeat("ab", 32) },
			want:   []string{"memory/binary does not have the checksum", "memory.json", "install both again"},
		},
		"no program":       {spoil: replace("what is this", 0o700), change: sumOf("what is this"), want: []string{"can't be executed"}},
		"script":           {spoil: replace("#!/bin/sh\necho password=abc\n", 0o700), change: sumOf("#!/bin/sh\necho password=abc\n"), want: []string{"is no payment plugin", `wrote "password=********"`}},
		"silent":           {spoil: replace("#!/bin/sh\n", 0o700), change: sumOf("#!/bin/sh\n"), want: []string{"ended without a handshake (exit status 0)"}},
		"noise":            {env: start("noise"), want: []string{`wrote "hello, I am a plugin" to standard output`}},
		"exit":             {env: start("exit"), want: []string{"ended without a handshake (exit status 7)"}},
		"cookie":           {env: start("cookie"), want: []string{"ended without a handshake (exit status 1)", "is no payment plugin"}},
		"error":            {env: start("error"), want: []string{"exit status 1", "its last words", "no licence"}},
		"no gateway":       {env: start("none"), want: []string{"its last words", "returned none"}},
		"print":            {env: start("print"), want: []string{"its last words", "made it", "standard output"}},
		"slow":             {env: start("slow"), want: []string{"was not ready within 400ms"}},
		"protocol version": {env: start("version"), want: []string{"speaks another version of the plugin protocol than this host's 1", "Plugin version: 99"}},
		"name":             {env: map[string]string{"TESTPLUGIN_NAME": "other"}, want: []string{`calls itself "other"`, `calls it "memory"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			own := f.install(test.change)
			if test.spoil != nil {
				test.spoil(t, own)
			}
			timing := quick()
			timing.Backoff, timing.MaxBackoff = time.Hour, time.Hour
			if name == "slow" {
				timing.Start = 400 * time.Millisecond
			}
			h, err := New(Config{
				Dir: f.dir, Logger: (&sink{}).logger(), SocketDir: filepath.Join(f.dir, ".s"), Timing: timing,
				Env: map[string]map[string]string{"memory": test.env},
			})
			require.NoError(t, err)
			err = h.Start(t.Context())
			require.ErrorContains(t, err, "plugin memory: ")
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			gateway, gatewayErr := h.Gateway("memory")
			require.NoError(t, gatewayErr)
			_, callErr := gateway.Describe(deadline(t))
			require.True(t, payment.NotSent(callErr))
			h.Stop(t.Context())
			require.Empty(t, f.sockets())
			require.Contains(t, err.Error(), strings.SplitN(h.Status()[0].LastError, "; its last words", 2)[0])
		})
	}
}

// A plugin that is mended comes up without the host being started again.
func TestMendedPluginComesUp(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	own := f.install(nil)
	require.NoError(t, os.Rename(filepath.Join(own, "binary"), filepath.Join(own, "away")))
	h, err := New(Config{Dir: f.dir, Logger: (&sink{}).logger(), SocketDir: filepath.Join(f.dir, ".s"), Timing: quick()})
	require.NoError(t, err)
	defer h.Stop(t.Context())
	require.ErrorContains(t, h.Start(t.Context()), "is missing")
	require.NoError(t, os.Rename(filepath.Join(own, "away"), filepath.Join(own, "binary")))
	eventually(t, "it is ready", func() bool { return h.Status()[0].State == StateReady })
}

// One bad plugin doesn't keep a good one from working.
func TestRefusedBesideAGoodOne(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.install(nil)
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "bad.json"), []byte(`{"name":"bad","colour":"red"}`), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(f.dir, "empty"), 0o700))
	h, err := New(Config{Dir: f.dir, Logger: (&sink{}).logger(), SocketDir: filepath.Join(f.dir, ".s")})
	require.NoError(t, err)
	defer h.Stop(t.Context())
	err = h.Start(t.Context())
	require.ErrorContains(t, err, `bad.json: it can't be read: json: unknown field "colour"`)
	require.ErrorContains(t, err, "empty/empty.json: it is missing; install the plugin again")
	require.NotContains(t, err.Error(), "memory")

	gateway, err := h.Gateway("memory")
	require.NoError(t, err)
	_, err = gateway.Describe(deadline(t))
	require.NoError(t, err)
	_, err = h.Gateway("bad")
	require.ErrorContains(t, err, "bad was refused when the host started")
	require.True(t, payment.NotSent(err))
	require.Equal(t, []State{StateRefused, StateRefused, StateReady}, []State{h.Status()[0].State, h.Status()[1].State, h.Status()[2].State})
}

func TestSocketFolderTooLong(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.install(nil)
	long := filepath.Join(f.dir, strings.Repeat("x", 100))
	require.NoError(t, os.Mkdir(long, 0o700))
	h, err := New(Config{Dir: f.dir, Logger: (&sink{}).logger(), SocketDir: long})
	require.NoError(t, err)
	require.ErrorContains(t, h.Start(t.Context()), "set TMPDIR to a shorter path")
	h.Stop(t.Context())
	left, err := os.ReadDir(long)
	require.NoError(t, err)
	require.Empty(t, left)
}

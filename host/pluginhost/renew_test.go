package pluginhost

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
)

// clock stands still until it is moved, and counts how often it is read: each
// look at a plugin's files does so once.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	reads int
}

func newClock() *clock { return &clock{now: time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	return c.now
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

func (c *clock) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}

// looks waits until the plugin's files were looked at a few times more.
func (c *clock) looks(t *testing.T) {
	t.Helper()
	from := c.count()
	eventually(t, "the files are looked at", func() bool { return c.count() >= from+5 })
}

// renewable has a plugin's environment name a file.
func renewable(c *clock, file string) func(*Config) {
	return func(cfg *Config) {
		cfg.Timing, cfg.Now = quick(), c.Now
		cfg.Env = map[string]map[string]string{"memory": {"TESTPLUGIN_FILE": file}}
	}
}

// put puts a new file in the place of what is there, as a whole.
func put(t *testing.T, file string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file+".new", []byte("x"), 0o600))
	require.NoError(t, os.Rename(file+".new", file))
}

func (b bundle) renewals() int {
	return strings.Count(b.log.String(), "files that the plugin may read are others now")
}

// A file that is replaced under load can be read again by itself, with not one
// call lost; but processes are not started all the time.
func TestRenewedUnderLoad(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	put(t, file)
	c, observer := newClock(), &counts{}
	b := setupConfined(t, func(cfg *Config) {
		renewable(c, file)(cfg)
		cfg.Observer = observer
	})
	first := b.status().PID
	require.NoError(t, b.try("read", file))
	l := b.load(8)
	defer l.stop()
	ctx, finish := context.WithCancel(t.Context())
	defer finish()
	inFlight := make(chan error, 1)
	go func() {
		_, err := b.charge(ctx, "wait")
		inFlight <- err
	}()
	eventually(t, "a call is in flight", func() bool { return strings.Contains(b.log.String(), `"waiting"`) })

	// Between two looks it may be gone: that is no reason for anything.
	require.NoError(t, os.Rename(file, file+".old"))
	c.looks(t)
	require.Equal(t, 1, b.status().Generation)

	put(t, file)
	eventually(t, "another process is there", func() bool { return b.status().Generation == 2 })
	require.NoError(t, b.try("read", file))
	require.ErrorContains(t, b.try("read", file+".old"), "permission denied")
	require.False(t, dead(first), "a call is in flight")
	require.Empty(t, inFlight)
	finish()
	require.ErrorIs(t, <-inFlight, context.Canceled)
	eventually(t, "the first process ends", func() bool { return dead(first) })

	// Once more, within the minute and after it.
	put(t, file)
	for range 2 {
		c.looks(t)
		require.Equal(t, 2, b.status().Generation)
		require.ErrorContains(t, b.try("read", file), "permission denied")
		c.move(30*time.Second - time.Nanosecond)
	}
	c.looks(t)
	require.Equal(t, 2, b.status().Generation)
	c.move(2 * time.Nanosecond)
	eventually(t, "another process is there", func() bool { return b.status().Generation == 3 })
	require.NoError(t, b.try("read", file))

	c.move(time.Hour)
	c.looks(t)
	require.Equal(t, 3, b.status().Generation, "nothing was replaced meanwhile")
	l.after(t, 50)
	l.stop()
	require.NoError(t, l.first)
	require.Zero(t, l.notSent.Load()+l.unknown.Load()+l.other.Load())
	require.Equal(t, 2, b.renewals())
	require.Contains(t, b.log.String(), `"files":["`+file+`"]`)
	require.Zero(t, b.status().Restarts)
	eventually(t, "what was replaced has ended", func() bool { return observer.of(ExitReplaced) == 2 })
	require.Zero(t, observer.of("restart"), "nothing failed")
}

// Whatever way a plugin was given a file, and whatever way that is replaced.
func TestRenewed(t *testing.T) {
	t.Parallel()
	cage := confined(t)
	for name, test := range map[string]struct {
		// prepare puts what a plugin is to read into a folder, and gives the path.
		prepare  func(t *testing.T, dir string) string
		manifest func(m *manifest, path string)
		change   func(t *testing.T, path string)
	}{
		"manifest": {
			prepare:  func(t *testing.T, dir string) string { t.Helper(); put(t, dir+"/list"); return dir + "/list" },
			manifest: func(m *manifest, path string) { m.Read = []string{path} },
			change:   put,
		},
		"execute": {
			prepare:  func(t *testing.T, dir string) string { t.Helper(); put(t, dir+"/tool"); return dir + "/tool" },
			manifest: func(m *manifest, path string) { m.Execute = []string{path} },
			change:   put,
		},
		"not there yet": {
			prepare: func(_ *testing.T, dir string) string { return dir + "/ca.pem" },
			change:  put,
		},
		// As orchestrators do with what they mount: all files change with one link.
		"link above": {
			prepare: func(t *testing.T, dir string) string {
				t.Helper()
				for _, version := range []string{"1", "2"} {
					require.NoError(t, os.Mkdir(filepath.Join(dir, version), 0o700))
					put(t, filepath.Join(dir, version, "ca.pem"))
				}
				require.NoError(t, os.Symlink("1", filepath.Join(dir, "data")))
				require.NoError(t, os.Symlink("data/ca.pem", filepath.Join(dir, "ca.pem")))
				return filepath.Join(dir, "ca.pem")
			},
			change: func(t *testing.T, path string) {
				t.Helper()
				dir := filepath.Dir(path)
				require.NoError(t, os.Symlink("2", filepath.Join(dir, "new")))
				require.NoError(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "data")))
				require.NoError(t, os.RemoveAll(filepath.Join(dir, "1")))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := test.prepare(t, t.TempDir())
			f := newFolder(t)
			f.install(func(m *manifest) {
				if test.manifest != nil {
					test.manifest(m, path)
				}
			})
			b := run(t, f, func(cfg *Config) {
				if test.manifest == nil {
					renewable(newClock(), path)(cfg)
				}
				cfg.Timing, cfg.Confine = quick(), cage
			})
			test.change(t, path)
			eventually(t, "it can be read", func() bool { return b.try("read", path) == nil })
			require.Equal(t, 2, b.status().Generation)
			require.Equal(t, 1, b.renewals())
		})
	}
}

// What a plugin may not have doesn't come to it by taking another's place; the
// process that runs goes on.
func TestRenewalThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, file := filepath.Join(dir, "master.key"), filepath.Join(dir, "ca.pem")
	put(t, key)
	put(t, file)
	c := newClock()
	cage := confined(t)
	cage.Guarded = []string{key}
	b := setup(t, func(cfg *Config) {
		renewable(c, file)(cfg)
		cfg.Confine = cage
	})
	before := b.status()
	require.NoError(t, os.Symlink(key, file+".new"))
	require.NoError(t, os.Rename(file+".new", file))
	const failed = "can't read files that were replaced"
	eventually(t, "it is told", func() bool { return strings.Contains(b.log.String(), failed) })
	require.Contains(t, b.log.String(), "which is the host's alone")
	require.Contains(t, b.log.String(), "; version 1.2.3 goes on serving")
	c.looks(t)
	require.Equal(t, 1, b.renewals())
	_, err := b.charge(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, before, b.status())

	put(t, file)
	c.move(time.Minute)
	eventually(t, "another process is there", func() bool { return b.status().State == StateReady && b.status().PID != before.PID })
	require.NoError(t, b.try("read", file))
	require.Equal(t, 1, strings.Count(b.log.String(), failed))
}

// A plugin that fails over and over is not spared the quarantine by files that
// change over and over.
func TestRenewalForgetsNoFailure(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	put(t, file)
	b := setupConfined(t, renewable(newClock(), file))
	require.NoError(t, syscall.Kill(b.status().PID, syscall.SIGKILL))
	eventually(t, "another process is there", func() bool { return b.status().Generation == 2 && b.status().State == StateReady })
	put(t, file)
	eventually(t, "another process is there", func() bool { return b.status().Generation == 3 })
	require.NoError(t, b.try("read", file))
	s := b.host.plugins[0].supervisor
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.failures.recent, 1)
}

// Who is not confined can read what was replaced, and goes on.
func TestUnconfinedIsNotRenewed(t *testing.T) {
	t.Parallel()
	for name, cage := range map[string]confine.Config{
		"no launcher": {}, "switched off": {Launcher: confine.Self(), Mode: confine.Off},
		"no Landlock": {Launcher: confine.Self(), Landlock: func() int { return 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, c := filepath.Join(t.TempDir(), "ca.pem"), newClock()
			put(t, file)
			b := setup(t, func(cfg *Config) {
				renewable(c, file)(cfg)
				cfg.Confine = cage
			})
			put(t, file)
			c.looks(t)
			require.Equal(t, 1, b.status().Generation)
			require.Zero(t, b.renewals())
			require.NoError(t, b.try("read", file))
		})
	}
}

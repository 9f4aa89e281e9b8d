package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
)

// script is a small program in the place of a plugin.
func script(t *testing.T, text string) plugin {
	t.Helper()
	dir := newFolder(t).dir
	m := manifest{Name: "memory", Version: text, Path: "binary"}
	text = "#!/bin/sh\nexit 0\n# " + text + "\n"
	sumOf(text)(&m)
	p, err := m.plugin("memory", filepath.Join(dir, "memory.json"))
	require.NoError(t, err)
	p.path = filepath.Join(dir, "binary")
	require.NoError(t, os.WriteFile(p.path, []byte(text), 0o700))
	return p
}

func newStore(t *testing.T) *store {
	t.Helper()
	s, err := openStore(filepath.Join(newFolder(t).dir, "store"))
	require.NoError(t, err)
	return s
}

func TestCopyIsTheHostsAlone(t *testing.T) {
	t.Parallel()
	s, p := newStore(t), script(t, "1")
	f, err := s.take(t.Context(), p)
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, filepath.Join(s.dir, p.digest(), "memory"), f.Name())
	for path, mode := range map[string]os.FileMode{s.dir: 0o700, filepath.Dir(f.Name()): 0o700, f.Name(): 0o500} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
	// What was installed is of no matter from here on.
	require.NoError(t, os.Remove(p.path))
	again, err := s.take(t.Context(), p)
	require.NoError(t, err)
	require.NoError(t, again.Close())
	require.NoError(t, exec.CommandContext(t.Context(), f.Name()).Run())
}

func TestCopyThatIsGone(t *testing.T) {
	t.Parallel()
	s, p := newStore(t), script(t, "1")
	p.path = ""
	_, err := s.take(t.Context(), p)
	require.ErrorIs(t, err, errNotStored)
	require.ErrorContains(t, err, "install it again, then run `chargehand plugin upgrade memory`")
}

func TestStoreOthersCanWrite(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.install(nil)
	dir := filepath.Join(f.dir, ".store")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.Chmod(dir, 0o770))
	_, err := New(Config{Dir: f.dir, Logger: hclog.NewNullLogger()})
	require.ErrorContains(t, err, "plugins.store")
	require.ErrorContains(t, err, "run chmod go-w "+dir)
}

// A copy can be executed at once, whatever else is being started meanwhile.
func TestCopyIsNeverBusy(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 10 {
				p := script(t, fmt.Sprint(worker, "/", i))
				f, err := s.take(t.Context(), p)
				if err == nil {
					err = exec.CommandContext(t.Context(), f.Name()).Run()
					_ = f.Close()
				}
				if err != nil {
					t.Errorf("run a copy: %s", err)
				}
			}
		})
	}
	all.Wait()
}

func TestCleanKeepsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	other := &store{dir: s.dir} // another host's
	current, previous, running, old := script(t, "current"), script(t, "previous"), script(t, "running"), script(t, "old")
	var runs *os.File
	for _, p := range []plugin{current, previous, running, old} {
		f, err := s.take(t.Context(), p)
		require.NoError(t, err)
		if p.version == "running" {
			runs = f
		} else {
			require.NoError(t, f.Close())
		}
	}
	for _, p := range []plugin{previous, current} {
		_, err := s.succeed(t.Context(), p.manifest, p.manifest)
		require.NoError(t, err)
	}
	litter := filepath.Join(s.dir, unfinished+"x")
	require.NoError(t, os.WriteFile(litter, nil, 0o600))
	foreign := filepath.Join(s.dir, "note.txt")
	require.NoError(t, os.WriteFile(foreign, nil, 0o600))

	require.NoError(t, other.clean(t.Context()))
	require.True(t, s.has(current))
	require.True(t, s.has(previous))
	require.True(t, s.has(running))
	require.False(t, s.has(old))
	require.NoFileExists(t, litter)
	require.FileExists(t, foreign, "it is not the host's")

	require.NoError(t, runs.Close())
	require.NoError(t, other.clean(t.Context()))
	require.False(t, s.has(running))
}

func TestStoreIsLocked(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var all sync.WaitGroup
	var inside atomic.Bool
	alone := func() error {
		if !inside.CompareAndSwap(false, true) {
			return errors.New("somebody else is at it")
		}
		runtime.Gosched()
		inside.Store(false)
		return nil
	}
	for range 8 {
		all.Go(func() {
			for range 20 {
				if err := s.locked(t.Context(), alone); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestRecord(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	a, b, c := script(t, "a").manifest, script(t, "b").manifest, script(t, "c").manifest
	b.SHA256 = strings.ToUpper(b.SHA256)
	for i, test := range []struct {
		next     manifest
		previous *manifest
	}{{a, nil}, {a, nil}, {b, &a}, {c, &b}, {c, &b}, {b, &c}} {
		r, err := s.succeed(t.Context(), a, test.next)
		require.NoError(t, err)
		require.Equal(t, record{Installed: a, Current: test.next, Previous: test.previous}, r, "step %d", i)
		read, found, err := s.find("memory")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, r, read)
	}
	require.NoError(t, s.forget(t.Context(), map[string]bool{"memory": true}))
	_, found, err := s.find("memory")
	require.NoError(t, err)
	require.True(t, found)
	require.NoError(t, s.forget(t.Context(), map[string]bool{"other": true}))
	_, found, err = s.find("memory")
	require.NoError(t, err)
	require.False(t, found)

	require.NoError(t, os.WriteFile(filepath.Join(s.dir, recordFile), []byte("{"), 0o600))
	_, _, err = s.find("memory")
	require.ErrorContains(t, err, "mend it, or remove it")
}

// The same binary under another manifest is no version to go back to.
func TestRecordOfTheSameBinary(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	a := script(t, "a").manifest
	other := a
	other.Env = []string{"X"}
	_, err := s.succeed(t.Context(), a, a)
	require.NoError(t, err)
	r, err := s.succeed(t.Context(), other, other)
	require.NoError(t, err)
	require.Equal(t, record{Installed: other, Current: other}, r)
}

func TestSocketsOfDeadHosts(t *testing.T) {
	t.Parallel()
	base := newFolder(t).dir
	var log bytes.Buffer
	logger := hclog.New(&hclog.LoggerOptions{Output: &log})
	living, err := openSockets(base, logger)
	require.NoError(t, err)
	own, err := living.make()
	require.NoError(t, err)

	gone, err := openSockets(base, logger)
	require.NoError(t, err)
	litter, err := gone.make()
	require.NoError(t, err)
	require.NoError(t, gone.lock.Close()) // as its end does
	foreign := filepath.Join(base, hostSockets+"foreign")
	require.NoError(t, os.Mkdir(foreign, 0o700))

	next, err := openSockets(base, logger)
	require.NoError(t, err)
	require.NoDirExists(t, filepath.Dir(litter))
	require.DirExists(t, own)
	require.DirExists(t, foreign, "nobody knows whose it is")
	require.Contains(t, log.String(), "a host that is gone")
	for _, s := range []*sockets{living, next} {
		require.NoError(t, s.close())
		require.NoDirExists(t, s.dir)
	}
	require.Error(t, syscall.Access(own, 0))
}

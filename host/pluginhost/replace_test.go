package pluginhost

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

// versioned gives each build its own version, and one of them more variables.
func versioned(b testBuild, variables ...string) func(*Config) {
	return func(c *Config) {
		c.Timing = quick()
		env := map[string]string{}
		for _, each := range builds {
			maps.Copy(env, each.env())
		}
		maps.Copy(env, b.env(variables...))
		c.Env = map[string]map[string]string{"memory": env}
	}
}

func (b testBuild) release() Release { return Release{Version: b.version, SHA256: b.sum} }

// reinstall puts another build into the folder of plugins.
func (b bundle) reinstall(build testBuild) {
	b.folder.put(filepath.Join(b.folder.dir, "memory"), build, nil)
}

// again starts another host on the same folder, as after a restart.
func (b bundle) again(t *testing.T, change func(*Config)) bundle {
	t.Helper()
	b.host.Stop(context.Background())
	return run(t, b.folder, change)
}

func TestUpgradeAndRollback(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[0]))
	ctx := deadline(t)
	old := b.status()
	require.Zero(t, old.Previous)

	// What is installed is no matter until somebody asks for it.
	b.reinstall(builds[1])
	require.NoError(t, syscall.Kill(old.PID, syscall.SIGKILL))
	eventually(t, "the same version is back", func() bool { return b.status().State == StateReady && b.status().Generation == 2 })
	require.Equal(t, builds[0].sum, b.status().SHA256)

	change, err := b.host.Upgrade(ctx, "memory", "")
	require.NoError(t, err)
	require.Equal(t, Change{Changed: true, Current: builds[1].release(), Previous: builds[0].release()}, change)
	st := b.status()
	require.Equal(t, builds[1].version, st.Version)
	require.Equal(t, builds[1].sum, st.SHA256)
	require.Equal(t, builds[0].release(), st.Previous)
	require.Equal(t, StateReady, st.State)
	d, err := b.gateway.Describe(ctx)
	require.NoError(t, err)
	require.Equal(t, builds[1].version, d.Version)

	// Once more, it is in force.
	change, err = b.host.Upgrade(ctx, "memory", "")
	require.NoError(t, err)
	require.Equal(t, Change{Current: builds[1].release(), Previous: builds[0].release()}, change)
	require.Equal(t, st.PID, b.status().PID)

	change, err = b.host.Rollback(ctx, "memory", builds[1].sum)
	require.NoError(t, err)
	require.Equal(t, Change{Changed: true, Current: builds[0].release(), Previous: builds[1].release()}, change)

	// The same wish again does not lead forwards.
	_, err = b.host.Rollback(ctx, "memory", builds[1].sum)
	require.Equal(t, payment.ErrorConflict, payment.KindOf(err), err)
	require.ErrorContains(t, err, "somebody else has changed it")
	require.ErrorContains(t, err, "version 1.2.3 goes on serving")

	// What the folder holds for an upgrade was seen: a restart does not bring it.
	b = b.again(t, versioned(builds[0]))
	require.Equal(t, builds[0].sum, b.status().SHA256)
	require.Equal(t, builds[1].release(), b.status().Previous)
	change, err = b.host.Rollback(ctx, "memory", "")
	require.NoError(t, err)
	require.Equal(t, builds[1].release(), change.Current)
	eventually(t, "the copies needed are there", func() bool { return len(b.folder.stored()) == 2 })
}

// A build that is installed while the host is down is in force when it starts,
// and the one before can be gone back to.
func TestInstalledWhileDown(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[0]))
	for i, build := range []testBuild{builds[1], builds[2]} {
		b.host.Stop(context.Background())
		b.reinstall(build)
		b = b.again(t, versioned(builds[0]))
		require.Equal(t, build.sum, b.status().SHA256)
		require.Equal(t, builds[i].release(), b.status().Previous)
	}
	require.ElementsMatch(t, []string{builds[1].sum, builds[2].sum}, b.folder.stored(), "the oldest is of no use")
}

// An upgrade may come from elsewhere, and outlasts the host even if that place
// is gone.
func TestUpgradeFromElsewhere(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"folder": "", "manifest": "memory.json", "binary": "binary"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, versioned(builds[0]))
			away := filepath.Join(newFolder(t).dir, "new")
			b.folder.put(away, builds[1], nil)
			change, err := b.host.Upgrade(deadline(t), "memory", filepath.Join(away, path))
			require.NoError(t, err)
			require.Equal(t, builds[1].release(), change.Current)
			require.NoError(t, os.RemoveAll(away))
			if name == "folder" {
				b = b.again(t, versioned(builds[0]))
				require.Equal(t, builds[1].sum, b.status().SHA256)
				require.Equal(t, builds[0].release(), b.status().Previous)
			}
		})
	}
}

// Whatever is wrong with a new version, the old one goes on, and the error says
// what is wrong.
func TestUpgradeThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		variables []string
		change    func(*manifest)
		from      func(t *testing.T, b bundle) string
		kind      payment.ErrorKind
		want      string
	}{
		"start":        {variables: []string{"TESTPLUGIN_START", "error"}, want: "no licence"},
		"slow":         {variables: []string{"TESTPLUGIN_START", "slow"}, want: "was not ready within"},
		"another name": {variables: []string{"TESTPLUGIN_NAME", "other"}, want: `calls itself "other"`},
		"settings":     {variables: []string{"TESTPLUGIN_LACKS", "user"}, kind: payment.ErrorConflict, want: "it does not know the setting user"},
		"checksum":     {change: func(m *manifest) { m.SHA256 = strings.Repeat("ab", 32) }, want: "does not have the checksum"},
		"manifest":     {change: func(m *manifest) { m.SHA256 = "" }, want: `"sha256" must be 64 hexadecimal digits`},
		"nowhere":      {from: func(*testing.T, bundle) string { return "/nowhere" }, want: "no such file"},
		"relative":     {from: func(*testing.T, bundle) string { return "memory" }, want: "must be an absolute path"},
		"another binary": {from: func(t *testing.T, b bundle) string {
			t.Helper()
			other := filepath.Join(b.folder.dir, "memory", "other")
			require.NoError(t, os.WriteFile(other, []byte("x"), 0o700))
			return other
		}, want: "is for another binary"},
		"others can write": {from: func(t *testing.T, b bundle) string {
			t.Helper()
			away := filepath.Join(b.folder.dir, ".away")
			b.folder.put(away, builds[1], nil)
			require.NoError(t, os.Chmod(away, 0o777))
			return away
		}, want: "run chmod go-w"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, versioned(builds[1], test.variables...))
			if name == "slow" {
				b.host.plugins[0].supervisor.cfg.Timing.Start = 200 * time.Millisecond
			}
			before := b.status()
			from := ""
			if test.from != nil {
				from = test.from(t, b)
			} else {
				b.folder.put(filepath.Join(b.folder.dir, "memory"), builds[1], test.change)
			}
			_, err := b.host.Upgrade(deadline(t), "memory", from)
			require.ErrorContains(t, err, "upgrade of the plugin memory: ")
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "; version 1.2.3 goes on serving")
			if test.kind == "" {
				test.kind = payment.ErrorInvalid
			}
			require.Equal(t, test.kind, payment.KindOf(err))
			require.Equal(t, before, b.status())
			_, err = b.charge(t.Context(), "")
			require.NoError(t, err)
			require.Equal(t, []string{builds[0].sum}, b.folder.stored(), "its copy is of no use")
			require.Len(t, b.folder.sockets(), 1)
		})
	}
}

func TestNothingToRollBackTo(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := b.host.Rollback(deadline(t), "memory", "")
	require.Equal(t, payment.ErrorConflict, payment.KindOf(err))
	require.ErrorContains(t, err, "there is no version to go back to")
	_, err = b.host.Rollback(deadline(t), "other", "")
	require.Equal(t, payment.ErrorNotFound, payment.KindOf(err))
}

// Going back is always possible, whatever was saved meanwhile.
func TestRollbackToFewerSettings(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[0], "TESTPLUGIN_LACKS", paymenttest.FieldAnswer))
	b.reinstall(builds[1])
	_, err := b.host.Upgrade(deadline(t), "memory", "")
	require.NoError(t, err)
	_, err = b.host.Rollback(deadline(t), "memory", "")
	require.NoError(t, err)
	require.Equal(t, builds[0].sum, b.status().SHA256)
	require.Contains(t, b.log.String(), "does not know the setting "+paymenttest.FieldAnswer)
}

// load makes charges from many workers until it is stopped, and counts what
// they came to.
type load struct {
	ok, notSent, unknown, other atomic.Int64
	mu                          sync.Mutex
	first                       error // of those that are other
	end                         context.CancelFunc
	done                        sync.WaitGroup
}

func (b bundle) load(workers int) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{end: cancel}
	for range workers {
		l.done.Go(func() {
			for ctx.Err() == nil {
				_, err := b.charge(context.Background(), "")
				switch {
				case err == nil:
					l.ok.Add(1)
				case payment.NotSent(err):
					l.notSent.Add(1)
				case payment.KindOf(err) == payment.ErrorUnknown:
					l.unknown.Add(1)
				default:
					l.other.Add(1)
				}
				if err != nil {
					l.mu.Lock()
					l.first = err
					l.mu.Unlock()
				}
			}
		})
	}
	return l
}

func (l *load) stop() {
	l.end()
	l.done.Wait()
}

// after waits for so many more good answers.
func (l *load) after(t *testing.T, calls int64) {
	t.Helper()
	from := l.ok.Load()
	eventually(t, "charges go on", func() bool { return l.ok.Load() >= from+calls })
}

// Replaced again and again under load, with not one error.
func TestReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[0]))
	l := b.load(16)
	defer l.stop()
	l.after(t, 50)
	for i, build := range []testBuild{builds[1], builds[2], builds[0]} {
		b.reinstall(build)
		change, err := b.host.Upgrade(deadline(t), "memory", "")
		require.NoError(t, err)
		require.Equal(t, build.release(), change.Current)
		l.after(t, 50)
		require.Equal(t, i+2, b.status().Generation)
	}
	_, err := b.host.Rollback(deadline(t), "memory", "")
	require.NoError(t, err)
	l.after(t, 50)
	_, err = b.host.Restart(deadline(t), "memory")
	require.NoError(t, err)
	l.after(t, 50)
	l.stop()
	require.NoError(t, l.first)
	require.Zero(t, l.notSent.Load()+l.unknown.Load()+l.other.Load())
	eventually(t, "one process is left", func() bool { return len(b.folder.sockets()) == 1 })
	require.Zero(t, b.status().Restarts)
	require.Zero(t, b.status().InFlight)
}

// The old process lives as long as it has calls in flight, and no longer than
// the drain.
func TestUpgradeDrains(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[0]))
	old := b.status().PID
	ctx, finish := context.WithCancel(t.Context())
	defer finish()
	inFlight := make(chan error, 1)
	go func() {
		_, err := b.charge(ctx, "wait")
		inFlight <- err
	}()
	eventually(t, "the call is in flight", func() bool { return strings.Contains(b.log.String(), `"waiting"`) })
	b.reinstall(builds[1])
	change, err := b.host.Upgrade(deadline(t), "memory", "")
	require.NoError(t, err)
	require.Equal(t, 1, change.Draining)
	require.NotEqual(t, old, b.status().PID)
	for range 20 {
		_, err = b.charge(t.Context(), "")
		require.NoError(t, err)
	}
	require.False(t, dead(old))
	require.Equal(t, 1, b.status().InFlight)
	require.Empty(t, inFlight)
	finish()
	require.ErrorIs(t, <-inFlight, context.Canceled)
	eventually(t, "the old process ends", func() bool { return dead(old) })
}

func TestDrainThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		versioned(builds[0])(c)
		c.Timing.Drain = 50 * time.Millisecond
	})
	inFlight := make(chan error, 1)
	go func() {
		_, err := b.charge(context.Background(), "wait")
		inFlight <- err
	}()
	eventually(t, "the call is in flight", func() bool { return strings.Contains(b.log.String(), `"waiting"`) })
	_, err := b.host.Restart(deadline(t), "memory")
	require.NoError(t, err)
	err = <-inFlight
	require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), err)
	require.False(t, payment.NotSent(err))
	require.Contains(t, b.log.String(), "ends with calls in flight")
	_, err = b.charge(t.Context(), "")
	require.NoError(t, err)
}

// Of many wishes at a time one is granted, and the others are refused.
func TestOneReplacementAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[0]))
	s := b.host.plugins[0].supervisor
	require.True(t, s.acquireStart(t.Context()), "nothing is started meanwhile")
	first := make(chan error, 1)
	go func() {
		_, err := b.host.Restart(deadline(t), "memory")
		first <- err
	}()
	eventually(t, "one is under way", func() bool {
		if s.replacing.TryLock() {
			s.replacing.Unlock()
			return false
		}
		return true
	})
	var refused sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		refused.Go(func() {
			if i%2 == 0 {
				_, errs[i] = b.host.Restart(deadline(t), "memory")
			} else {
				_, errs[i] = b.host.Upgrade(deadline(t), "memory", "")
			}
		})
	}
	refused.Wait()
	for _, err := range errs {
		require.Equal(t, payment.ErrorConflict, payment.KindOf(err), err)
		require.ErrorContains(t, err, "is being replaced at this moment")
	}
	s.releaseStart()
	require.NoError(t, <-first)
	require.Equal(t, 2, b.status().Generation)
}

// The process in force dies while the next one is started: one start follows,
// not two.
func TestCrashDuringUpgrade(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[0]))
	s := b.host.plugins[0].supervisor
	require.True(t, s.acquireStart(t.Context()))
	b.reinstall(builds[1])
	upgraded := make(chan error, 1)
	go func() {
		_, err := b.host.Upgrade(deadline(t), "memory", "")
		upgraded <- err
	}()
	require.NoError(t, syscall.Kill(b.status().PID, syscall.SIGKILL))
	eventually(t, "it is down", func() bool { return b.status().State == StateBackoff })
	_, err := b.charge(t.Context(), "")
	require.True(t, payment.NotSent(err), err)
	s.releaseStart()
	require.NoError(t, <-upgraded)
	require.Equal(t, builds[1].sum, b.status().SHA256)
	require.Equal(t, StateReady, b.status().State)
	_, err = b.charge(t.Context(), "")
	require.NoError(t, err)
	eventually(t, "one process is left", func() bool { return len(b.folder.sockets()) == 1 })
}

// A stop in the middle of an upgrade ends both processes, and leaves the old
// version in force.
func TestStopDuringUpgrade(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[1], "TESTPLUGIN_START", "slow"))
	b.reinstall(builds[1])
	upgraded := make(chan error, 1)
	go func() {
		_, err := b.host.Upgrade(deadline(t), "memory", "")
		upgraded <- err
	}()
	eventually(t, "the new process starts", func() bool { return len(b.folder.sockets()) == 2 })
	b.host.Stop(context.Background())
	err := <-upgraded
	require.Equal(t, payment.ErrorUnavailable, payment.KindOf(err), err)
	require.ErrorContains(t, err, "the host is about to stop")
	require.Equal(t, StateStopped, b.status().State)
	_, err = b.host.Restart(deadline(t), "memory")
	require.ErrorContains(t, err, "the host is about to stop")
	r, found, err := b.host.store.find("memory")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, builds[0].sum, r.Current.SHA256)
}

// A caller who goes away while the new process starts gets nothing.
func TestUpgradeGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[1], "TESTPLUGIN_START", "slow"))
	b.reinstall(builds[1])
	ctx, cancel := context.WithCancel(t.Context())
	upgraded := make(chan error, 1)
	go func() {
		_, err := b.host.Upgrade(ctx, "memory", "")
		upgraded <- err
	}()
	eventually(t, "the new process starts", func() bool { return len(b.folder.sockets()) == 2 })
	cancel()
	err := <-upgraded
	require.ErrorContains(t, err, "the request ended before the new process was ready; version 1.2.3 goes on serving")
	require.Len(t, b.folder.sockets(), 1)
	_, err = b.charge(t.Context(), "")
	require.NoError(t, err)
}

// The record can't be written: nothing has changed.
func TestUpgradeThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t, versioned(builds[0]))
	b.reinstall(builds[1])
	require.NoError(t, os.Mkdir(filepath.Join(b.host.store.dir, unfinished+recordFile), 0o700))
	_, err := b.host.Upgrade(deadline(t), "memory", "")
	require.ErrorContains(t, err, "write the record of plugins")
	require.Equal(t, builds[0].sum, b.status().SHA256)
	_, err = b.charge(t.Context(), "")
	require.NoError(t, err)
}

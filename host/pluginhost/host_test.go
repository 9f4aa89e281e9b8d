package pluginhost

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

func TestSuiteInAProcess(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(t *testing.T) paymenttest.Harness {
		t.Helper()
		return paymenttest.MemoryHarness(setup(t, nil).gateway)
	})
}

func TestStatusWhenReady(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	b := setup(t, func(c *Config) { c.Now = func() time.Time { return at } })
	st := b.status()
	require.NoError(t, syscall.Kill(st.PID, 0))
	st.PID = 0
	require.Equal(t, Status{Name: "memory", Version: "1.2.3", SHA256: sum, State: StateReady, Generation: 1, StartedAt: at}, st)
	d, err := b.gateway.Describe(deadline(t))
	require.NoError(t, err)
	require.Equal(t, "1.2.3", d.Version)
}

func deadline(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// The calls in flight when a process dies are in doubt, all of them and no
// others, and the next process takes calls again.
func TestKilledMidCall(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	const calls = 8
	_, err := b.charge(t.Context(), "")
	require.NoError(t, err)

	errs := make([]error, calls)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = b.charge(t.Context(), "wait") })
	}
	eventually(t, "the calls are in flight", func() bool { return strings.Count(b.log.String(), `"waiting"`) == calls })
	require.Equal(t, calls, b.status().InFlight)
	killed := b.status().PID
	require.NoError(t, syscall.Kill(killed, syscall.SIGKILL))
	all.Wait()
	for _, err := range errs {
		require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), err)
		require.False(t, payment.NotSent(err))
	}

	eventually(t, "a new process is ready", func() bool {
		st := b.status()
		return st.State == StateReady && st.Generation == 2 && strings.Contains(st.LastError, "killed")
	})
	for range 20 {
		result, err := b.charge(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, payment.OutcomeApproved, result.Outcome)
	}
	st := b.status()
	require.NotEqual(t, killed, st.PID)
	require.Equal(t, 1, st.Restarts)
	require.Zero(t, st.InFlight)
	require.Contains(t, b.log.String(), `"pause":"0s"`)
	eventually(t, "the old socket folder is gone", func() bool { return len(b.folder.sockets()) == 1 })
}

func TestExitMidCall(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := b.charge(t.Context(), "exit")
	require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), err)
	require.False(t, payment.NotSent(err))
	eventually(t, "its end is told", func() bool { return strings.Contains(b.status().LastError, "exit status 9") })
}

func TestCrashesOverAndOver(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Timing = quick() })
	for generation := 1; generation <= 10; generation++ {
		eventually(t, "a process is ready", func() bool {
			st := b.status()
			return st.Generation == generation && st.State == StateReady
		})
		require.NoError(t, syscall.Kill(b.status().PID, syscall.SIGKILL))
	}
	eventually(t, "only the newest socket folder is there", func() bool {
		st := b.status()
		return st.Generation == 11 && st.State == StateReady && len(b.folder.sockets()) == 1
	})
}

func TestPanicLeavesNeighboursAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	neighbour := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := b.charge(ctx, "wait")
		neighbour <- err
	}()
	eventually(t, "the neighbour is in flight", func() bool { return strings.Contains(b.log.String(), `"waiting"`) })
	for _, do := range []string{"panic", "index"} {
		_, err := b.charge(t.Context(), do)
		require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), err)
		require.False(t, payment.NotSent(err))
	}
	cancel()
	require.ErrorIs(t, <-neighbour, context.Canceled)
	require.Equal(t, 1, b.status().Generation)
	eventually(t, "the panics are logged", func() bool { return strings.Count(b.log.String(), "a call panicked") == 2 })
	require.Contains(t, b.log.String(), "testplugin/main.go", "with the place")
	require.NotContains(t, b.log.String(), paymenttest.Password)
}

func TestHungProcessIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Timing = hasty() })
	st := b.status()
	require.NoError(t, syscall.Kill(st.PID, syscall.SIGSTOP))
	_, err := b.charge(t.Context(), "")
	for err == nil { // its threads stop when they get to it
		_, err = b.charge(t.Context(), "")
	}
	require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), err)
	require.False(t, payment.NotSent(err))
	eventually(t, "a new process is ready", func() bool {
		st := b.status()
		return st.Generation >= 2 && st.State == StateReady && strings.Contains(st.LastError, "hangs")
	})
	eventually(t, "the old one is dead", func() bool { return dead(st.PID) })
}

// dead reports whether a process is gone, or waits for whoever adopted it to
// notice.
func dead(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// What a plugin started holds its pipes open; it neither delays the replacement
// nor outlives the plugin.
func TestGrandchildDiesToo(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Timing = hasty()
		c.Env = map[string]map[string]string{"memory": {"TESTPLUGIN_START": "grandchild", "PATH": os.Getenv("PATH")}}
	})
	pid := b.status().PID
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	eventually(t, "a new process is ready", func() bool {
		st := b.status()
		return st.Generation >= 2 && st.State == StateReady
	})
	eventually(t, "the whole group is gone", func() bool { return groupDead(pid) })
}

func groupDead(pgid int) bool {
	out, _ := exec.Command("ps", "-eo", "pgid=,stat=").Output()
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == strconv.Itoa(pgid) && !strings.HasPrefix(f[1], "Z") {
			return false
		}
	}
	return true
}

func TestStopDrains(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ctx, finish := context.WithCancel(t.Context())
	defer finish()
	inFlight := make(chan error, 1)
	go func() {
		_, err := b.charge(ctx, "wait")
		inFlight <- err
	}()
	eventually(t, "the call is in flight", func() bool { return strings.Contains(b.log.String(), `"waiting"`) })
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		b.host.Stop(context.Background())
	}()
	eventually(t, "the host drains", func() bool { return b.status().State == StateDraining })
	_, err := b.charge(t.Context(), "")
	require.Equal(t, payment.ErrorUnavailable, payment.KindOf(err))
	require.True(t, payment.NotSent(err), "a call that found nobody was not sent")
	require.ErrorContains(t, err, "memory is not running (draining)")
	require.NoError(t, syscall.Kill(b.status().PID, 0), "it lives as long as a call is in flight")
	require.False(t, closed(stopped))

	finish()
	require.ErrorIs(t, <-inFlight, context.Canceled)
	<-stopped
	require.Equal(t, StateStopped, b.status().State)
	b.host.Stop(context.Background()) // again, without harm
}

func TestStopCutShort(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	inFlight := make(chan error, 1)
	go func() {
		_, err := b.charge(context.Background(), "wait")
		inFlight <- err
	}()
	eventually(t, "the call is in flight", func() bool { return strings.Contains(b.log.String(), `"waiting"`) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.host.Stop(ctx)
	err := <-inFlight
	require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), err)
	require.False(t, payment.NotSent(err))
	require.Contains(t, b.log.String(), "ends with calls in flight")
}

func TestStopWithoutStart(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.install(nil)
	h, err := New(Config{Dir: f.dir, Logger: (&sink{}).logger()})
	require.NoError(t, err)
	gateway, err := h.Gateway("memory")
	require.NoError(t, err)
	_, err = gateway.Describe(deadline(t))
	require.True(t, payment.NotSent(err))
	h.Stop(t.Context())
	require.ErrorContains(t, h.Start(t.Context()), "started before")
}

func TestGatewayOfUnknownName(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.install(nil)
	h, err := New(Config{Dir: f.dir, Logger: (&sink{}).logger()})
	require.NoError(t, err)
	_, err = h.Gateway("other")
	require.EqualError(t, err, `find the payment plugin: no payment plugin is named "other"; installed are: memory`)
	require.Equal(t, payment.ErrorNotFound, payment.KindOf(err))
}

// The host's end, however sudden, is the plugin's end, and leaves no socket.
func TestHostKilled(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.install(func(m *manifest) { m.Env = []string{"TESTPLUGIN_START", "PATH"} })
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), hostEnv+"="+f.dir, "TESTPLUGIN_START=grandchild")
	host.Stderr = os.Stderr
	stdin, err := host.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := host.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, host.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.False(t, dead(pid))
	require.Len(t, f.sockets(), 1)

	require.NoError(t, host.Process.Kill())
	require.Error(t, host.Wait())
	eventually(t, "the plugin has ended, with all that it started", func() bool { return groupDead(pid) })
	require.Empty(t, f.sockets())

	// What it could not remove itself, the next host does.
	left := func() int {
		folders, err := filepath.Glob(filepath.Join(f.dir, ".s", "*"))
		require.NoError(t, err)
		return len(folders)
	}
	require.Equal(t, 1, left())
	run(t, f, nil)
	require.Equal(t, 1, left(), "its own")
}

// No t.Parallel: the environment is the process's.
func TestEnvironmentIsTheAllowList(t *testing.T) {
	t.Setenv("DB_DSN", "secret")
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	t.Setenv("TZ", "Europe/London")
	t.Setenv("NO_PROXY", "localhost")
	t.Setenv("SSL_CERT_FILE", "/etc/ca.pem")
	t.Setenv("WANTED", "by the manifest")
	f := newFolder(t)
	f.install(func(m *manifest) { m.Env = []string{"WANTED", "NOT_SET"} })
	h, err := New(Config{
		Dir: f.dir, Logger: (&sink{}).logger(),
		Env: map[string]map[string]string{"memory": {"TZ": "UTC", "EXTRA": "1"}, "other": {"HIDDEN": "1"}},
	})
	require.NoError(t, err)
	defer h.Stop(t.Context())
	require.NoError(t, h.Start(t.Context()))
	gateway, err := h.Gateway("memory")
	require.NoError(t, err)
	report, err := gateway.ValidateSettings(deadline(t), payment.SettingsRequest{Settings: payment.Settings{"report": "environment"}})
	require.NoError(t, err)

	got := map[string]string{}
	var handshake []string
	for _, p := range report.Problems {
		if strings.HasPrefix(p.Field, "PLUGIN_") || strings.HasPrefix(p.Field, "CHARGEHAND_PLUGIN") {
			handshake = append(handshake, p.Field)
		} else {
			got[p.Field] = p.Text
		}
	}
	require.Equal(t, map[string]string{
		"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "localhost", "SSL_CERT_FILE": "/etc/ca.pem",
		"TZ": "UTC", "EXTRA": "1", "WANTED": "by the manifest",
	}, got)
	slices.Sort(handshake)
	require.Equal(t, []string{
		"CHARGEHAND_PLUGIN", "CHARGEHAND_PLUGIN_LIFELINE", "PLUGIN_CLIENT_CERT", "PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT",
		"PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR",
	}, handshake)
}

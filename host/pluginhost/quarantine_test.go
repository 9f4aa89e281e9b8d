package pluginhost

import (
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/shared/payment"
)

func TestFailures(t *testing.T) {
	t.Parallel()
	timing := Timing{}.withDefaults()
	at := time.Now()
	f := failures{timing: timing}
	for i := range 4 {
		pause, quarantine := f.add(at.Add(time.Duration(i) * 2 * time.Minute))
		require.False(t, quarantine, "failure %d", i)
		require.LessOrEqual(t, pause, timing.Backoff<<max(i-1, 0))
		if i == 0 {
			require.Zero(t, pause, "the first new start is made at once")
		}
	}
	// The first has been ten minutes ago by now.
	_, quarantine := f.add(at.Add(10 * time.Minute))
	require.False(t, quarantine)
	_, quarantine = f.add(at.Add(10*time.Minute + time.Second))
	require.True(t, quarantine)

	// A process that was well for long begins a new row, but what it did counts.
	f.healthy()
	pause, quarantine := f.add(at.Add(10*time.Minute + 2*time.Second))
	require.Zero(t, pause)
	require.True(t, quarantine)
	f.forget()
	pause, quarantine = f.add(at.Add(10*time.Minute + 3*time.Second))
	require.Zero(t, pause)
	require.False(t, quarantine)
}

// counts is an Observer.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what]++
}

func (c *counts) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[what]
}

// Started implements Observer.
func (c *counts) Started(_ string, up bool) {
	if up {
		c.add("up")
	} else {
		c.add("not up")
	}
}

// Exited implements Observer.
func (c *counts) Exited(_, reason string) { c.add(reason) }

// Restarted implements Observer.
func (c *counts) Restarted(string) { c.add("restart") }

// Called implements Observer.
func (c *counts) Called(_, method, outcome string, _ time.Duration) { c.add(method + " " + outcome) }

// quarantined starts a host and kills its plugin until it is given up.
func quarantined(t *testing.T, observer Observer) bundle {
	t.Helper()
	b := setup(t, func(c *Config) {
		versioned(builds[0])(c)
		c.Timing.Failures, c.Observer = 3, observer
	})
	for generation := 1; generation <= 3; generation++ {
		eventually(t, "a process is ready", func() bool {
			st := b.status()
			return st.Generation == generation && st.State == StateReady
		})
		require.NoError(t, syscall.Kill(b.status().PID, syscall.SIGKILL))
	}
	eventually(t, "it is in quarantine", func() bool { return b.status().State == StateQuarantined })
	return b
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	c := &counts{}
	b := quarantined(t, c)
	st := b.status()
	require.Equal(t, 3, st.Generation, "no other is started")
	require.Equal(t, 3, st.Restarts)
	require.Zero(t, st.PID)
	eventually(t, "it is told how it ended", func() bool { return strings.Contains(b.status().LastError, "killed") })
	require.Contains(t, st.Advice, "it failed 3 times within 10m0s")
	require.Contains(t, st.Advice, "chargehand plugin restart memory")
	_, err := b.charge(t.Context(), "")
	require.True(t, payment.NotSent(err))
	require.ErrorContains(t, err, "memory is not running (quarantined); it failed too often and waits for the operator")
	require.Equal(t, 3, c.of("up"))
	require.Equal(t, 2, c.of("restart"), "the last is not made up for")
	require.Equal(t, 1, c.of("charge not_sent"))
	eventually(t, "all ends are counted", func() bool { return c.of(ExitCrashed) == 3 })

	// A person asks, and it has all its tries again.
	change, err := b.host.Restart(deadline(t), "memory")
	require.NoError(t, err)
	require.Equal(t, Change{Changed: true, Current: builds[0].release()}, change)
	require.Equal(t, StateReady, b.status().State)
	require.Empty(t, b.status().Advice)
	_, err = b.charge(t.Context(), "")
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(b.status().PID, syscall.SIGKILL))
	eventually(t, "it is started by itself", func() bool { return b.status().Generation == 5 && b.status().State == StateReady })
	require.Equal(t, 1, c.of("charge ok"))
}

// Another build that is installed ends a quarantine by itself.
func TestQuarantineEndsWithAnotherBuild(t *testing.T) {
	t.Parallel()
	b := quarantined(t, nil)
	b.reinstall(builds[1])
	eventually(t, "the other build runs", func() bool { return b.status().State == StateReady })
	require.Equal(t, builds[1].sum, b.status().SHA256)
	require.Equal(t, builds[0].release(), b.status().Previous)
}

func TestQuarantineEndsWithAnUpgrade(t *testing.T) {
	t.Parallel()
	b := quarantined(t, nil)
	away := filepath.Join(newFolder(t).dir, "new")
	b.folder.put(away, builds[1], nil)
	_, err := b.host.Upgrade(deadline(t), "memory", away)
	require.NoError(t, err)
	require.Equal(t, builds[1].sum, b.status().SHA256)
	require.Equal(t, StateReady, b.status().State)
	_, err = b.charge(t.Context(), "")
	require.NoError(t, err)
}

// A wish that fails leaves it in quarantine.
func TestQuarantineStays(t *testing.T) {
	t.Parallel()
	b := quarantined(t, nil)
	away := filepath.Join(newFolder(t).dir, "new")
	b.folder.put(away, builds[1], func(m *manifest) { m.SHA256 = builds[2].sum })
	_, err := b.host.Upgrade(deadline(t), "memory", away)
	require.ErrorContains(t, err, "does not have the checksum")
	require.ErrorContains(t, err, "the plugin is quarantined, as before")
	require.Equal(t, StateQuarantined, b.status().State)
}

func TestIncompatible(t *testing.T) {
	t.Parallel()
	old := payment.Description{
		Capabilities: []string{"charge", "query"},
		Settings: []payment.Field{
			{Name: "a", Kind: payment.FieldText},
			{Name: "b", Kind: payment.FieldSecret, Required: true},
			{Name: "c", Kind: payment.FieldChoice, Choices: []payment.Choice{{Value: "x"}, {Value: "y"}}},
		},
	}
	next := payment.Description{
		Capabilities: []string{"query"},
		Settings: []payment.Field{
			{Name: "b", Kind: payment.FieldText, Required: true},
			{Name: "c", Kind: payment.FieldChoice, Choices: []payment.Choice{{Value: "y"}}, Required: true, Default: "y"},
			{Name: "d", Required: true},
			{Name: "e"},
		},
	}
	require.Empty(t, incompatible(old, old))
	require.Empty(t, incompatible(payment.Description{}, payment.Description{}))
	require.Equal(t, []string{
		"it can't charge any more", "it does not know the setting a", "the setting b is of the kind text, not secret",
		`the setting c can't be "x" any more`, "it requires the setting d, which nobody had to enter",
	}, incompatible(old, next))
}

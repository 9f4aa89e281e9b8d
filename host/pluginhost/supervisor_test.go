package pluginhost

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	timing := Timing{}.withDefaults()
	require.Zero(t, backoff(0, timing), "the first new start is made at once")
	for failures, most := range map[int]time.Duration{
		1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 7: 16 * time.Second, 8: 30 * time.Second, 1000: 30 * time.Second,
	} {
		var longest time.Duration
		for range 1000 {
			pause := backoff(failures, timing)
			require.LessOrEqual(t, pause, most)
			longest = max(longest, pause)
		}
		require.Greater(t, longest, most/2, "after %d failures", failures)
	}
}

// A generation is idle when it takes no more calls and the last one is done.
func TestGenerationDrain(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	g := &generation{idle: make(chan struct{})}
	require.True(t, g.enter())
	require.True(t, g.enter())
	g.leave()
	require.False(t, closed(g.idle), "a pause between calls is no end")
	require.Equal(t, 1, g.drain(ended))
	require.False(t, g.enter())
	g.leave()
	require.True(t, closed(g.idle))

	none := &generation{idle: make(chan struct{})}
	require.Zero(t, none.drain(t.Context()))
}

// A process that leaves probes unanswered but answers calls is busy, not hung.
func TestBusyIsNotHung(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	s := b.host.plugins[0].supervisor
	g := s.current.Load()
	require.NotNil(t, g)
	watcher := newSupervisor(g.plugin, s.cfg, s.store)
	watcher.cfg.Timing.ProbeEvery = time.Hour // it probes when it is told to
	stalled := &generation{number: 1, pid: g.pid, timing: Timing{Probe: time.Nanosecond}, conn: g.conn, gateway: g.gateway}
	watched := make(chan error, 1)
	go func() { watched <- watcher.watch(t.Context(), stalled).err }()
	for range 10 * probeMisses {
		stalled.answered.Store(true)
		watcher.suspect <- struct{}{}
	}
	require.Empty(t, watched)
	for {
		select {
		case watcher.suspect <- struct{}{}:
		case err := <-watched:
			require.ErrorContains(t, err, "hangs: it left 3 probes unanswered")
			return
		}
	}
}

func TestCallsWithoutDeadlineGetOne(t *testing.T) {
	t.Parallel()
	intercept := needingDeadline(time.Minute)
	var left time.Duration
	invoker := func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
		at, ok := ctx.Deadline()
		require.True(t, ok)
		left = time.Until(at)
		return nil
	}
	require.NoError(t, intercept(context.Background(), "", nil, nil, nil, invoker))
	require.InDelta(t, time.Minute, left, float64(5*time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	require.NoError(t, intercept(ctx, "", nil, nil, nil, invoker))
	require.InDelta(t, time.Hour, left, float64(5*time.Second))
}

// Lines that would end a host that trusted them, and lines with secrets.
func TestPluginLog(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, text := range []string{
		`{"@message":1}`, `{"@message":"m","@level":7,"@timestamp":{}}`, "\xff\xfe", strings.Repeat("long", 100_000),
	} {
		_, err := b.charge(t.Context(), "write "+strings.ToValidUTF8(text, "?"))
		require.NoError(t, err)
	}
	_, err := b.charge(t.Context(), "log")
	require.NoError(t, err)
	eventually(t, "the log got through", func() bool {
		return strings.Contains(b.log.String(), `"a line"`) && strings.Contains(b.log.String(), "cut_after_bytes")
	})
	require.NotContains(t, b.log.String(), paymenttest.Password)
	require.Contains(t, b.log.String(), `"password":"********"`)
	require.Equal(t, 1, b.status().Generation)
}

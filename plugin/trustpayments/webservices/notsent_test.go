package webservices

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDo_NotSent_Refused(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	c := newTestClient(t, Config{URLEU: "https://" + address, CAFile: caFile(t)})
	_, err = c.Do(t.Context(), authCall())
	require.False(t, failure(t, err).Sent)
	require.ErrorIs(t, err, ErrConnect)
}

func TestDo_NotSent_TLS(t *testing.T) {
	t.Parallel()
	old := serverTLS(t)
	old.MaxVersion = tls.VersionTLS11
	for _, tc := range []struct {
		name   string
		config *tls.Config
		caFile string
	}{
		{"unknown authority", serverTLS(t), ""},
		{"too old", old, caFile(t)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, tc.config, func(_ *gate, _ int64, c *gateConn) { _, _ = io.Copy(io.Discard, c) })
			c := newTestClient(t, Config{URLEU: g.url, CAFile: tc.caFile})
			_, err := c.Do(t.Context(), authCall())
			require.False(t, failure(t, err).Sent)
			require.ErrorIs(t, err, ErrConnect)
			require.Zero(t, g.bytes.Load())
		})
	}
}

func TestDo_NotSent_Proxy(t *testing.T) {
	t.Parallel()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refuses.Close)
	for _, proxy := range []string{refuses.URL, "socks5://127.0.0.1:1"} {
		through, err := url.Parse(proxy)
		require.NoError(t, err)
		c := newTestClient(t, Config{URLEU: "https://gateway.invalid/", Proxy: http.ProxyURL(through)})
		_, err = c.Do(t.Context(), authCall())
		require.False(t, failure(t, err).Sent)
		require.ErrorIs(t, err, ErrConnect)
	}
}

func TestDo_NotSent_TooLate(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, Config{URLEU: "https://gateway.invalid/"})
	call := authCall()
	call.SendBefore = time.Now().Add(-time.Nanosecond)
	_, err := c.Do(t.Context(), call)
	require.False(t, failure(t, err).Sent)
	require.ErrorIs(t, err, ErrTooLate)
}

// The connection comes about in time, but took so long that the clock has
// passed the moment when it is ready.
func TestDo_NotSent_TooLateAfterConnecting(t *testing.T) {
	t.Parallel()
	g := newGate(t, serverTLS(t), func(_ *gate, _ int64, c *gateConn) { _, _ = io.Copy(io.Discard, c) })
	start := time.Now()
	now := func() time.Time { // jumps once the gateway has accepted
		if g.connections.Load() > 0 {
			return start.Add(time.Hour)
		}
		return start
	}
	c := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t), Now: now})
	call := authCall()
	call.SendBefore = start.Add(time.Minute)
	_, err := c.Do(t.Context(), call)
	require.False(t, failure(t, err).Sent)
	require.ErrorIs(t, err, ErrTooLate)
	require.EqualValues(t, 1, g.connections.Load())
	require.Zero(t, g.bytes.Load())
}

// Nothing answers the handshake: the call ends at the moment to send by, not
// at the end of the time allowed for connecting.
func TestDo_NotSent_TooLateWhileConnecting(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel, says nothing
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	c := newTestClient(t, Config{URLEU: "https://" + listener.Addr().String(), CAFile: caFile(t)})
	call := authCall()
	call.SendBefore = time.Now().Add(50 * time.Millisecond)
	_, err = c.Do(t.Context(), call)
	require.False(t, failure(t, err).Sent)
	require.ErrorIs(t, err, ErrTooLate)
}

func TestDo_NotSent_Cancelled(t *testing.T) {
	t.Parallel()
	g := newGate(t, serverTLS(t), func(_ *gate, _ int64, c *gateConn) { _, _ = io.Copy(io.Discard, c) })
	c := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Do(ctx, authCall())
	require.False(t, failure(t, err).Sent)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, g.bytes.Load())
}

// The context ends between the handshake and the first byte.
func TestDo_NotSent_CancelledAfterConnecting(t *testing.T) {
	t.Parallel()
	g := newGate(t, serverTLS(t), func(_ *gate, _ int64, c *gateConn) { _, _ = io.Copy(io.Discard, c) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	readings := 0
	now := func() time.Time {
		if readings++; g.connections.Load() > 0 {
			cancel() // newConn reads the clock right after the handshake
		}
		return time.Now()
	}
	c := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t), Now: now})
	_, err := c.Do(ctx, authCall())
	require.False(t, failure(t, err).Sent)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, 1, g.connections.Load())
	require.Zero(t, g.bytes.Load())
	require.NotZero(t, readings)
}

func TestDoor(t *testing.T) {
	t.Parallel()
	start := time.Now() // carries the monotonic clock
	wall := func(d time.Duration) time.Time { return start.Round(0).Add(d) }
	for _, tc := range []struct {
		name  string
		shuts time.Time
		now   time.Time
		want  error
	}{
		{"no moment", time.Time{}, start.Add(time.Hour), nil},
		{"in time", wall(time.Second), start.Add(time.Second), nil},
		{"too late on both clocks", wall(time.Second), start.Add(time.Second + 1), ErrTooLate},
		{"too late on the wall alone", wall(time.Second), wall(time.Second + 1), ErrTooLate},
	} {
		require.Equal(t, tc.want, newDoor(start, tc.shuts).open(t.Context(), tc.now), tc.name)
	}
	// The wall clock was set back by an hour while the call waited: only the
	// monotonic clock knows. A reading of one clock with another's wall time
	// can't be made, so the door is told what it learned on entering.
	d := door{shuts: wall(time.Hour), entered: start, left: time.Second}
	require.Equal(t, ErrTooLate, d.open(t.Context(), start.Add(2*time.Second)))
}

package webservices

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The gateway closes a connection that lies idle. The next call must notice
// before it writes, and go out on a fresh one, once.
func TestReuse_ClosedWhileIdle(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 2)
	g := newGate(t, serverTLS(t), func(_ *gate, _ int64, c *gateConn) {
		if reference, ok := c.readRequest(); ok {
			c.approve(reference)
		}
		_ = c.raw.Close()
		closed <- struct{}{}
	})
	c := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t)})
	for n := range int64(2) {
		_, err := c.Do(t.Context(), authCall())
		require.NoError(t, err)
		<-closed
		require.Equal(t, n+1, g.requests.Load())
		require.Equal(t, n+1, g.connections.Load())
	}
}

// The gateway closes just when the request comes in: nobody can know whether
// it was processed. That is doubt, and the request does not go out again.
func TestReuse_ClosedWhileWriting(t *testing.T) {
	t.Parallel()
	g := newGate(t, serverTLS(t), func(_ *gate, n int64, c *gateConn) {
		for {
			reference, ok := c.readRequest()
			if !ok {
				return
			}
			if n == 1 && c.gate.requests.Load() == 2 {
				c.reset()
				return
			}
			c.approve(reference)
		}
	})
	c := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t)})
	_, err := c.Do(t.Context(), authCall())
	require.NoError(t, err)
	_, err = c.Do(t.Context(), authCall())
	require.True(t, failure(t, err).Sent)
	require.EqualValues(t, 2, g.requests.Load())
	require.EqualValues(t, 1, g.connections.Load())
}

// Bytes that nobody asked for could be taken for the answer to the next call.
func TestReuse_UnaskedBytes(t *testing.T) {
	t.Parallel()
	stray := make(chan struct{}, 2)
	g := newGate(t, serverTLS(t), func(_ *gate, _ int64, c *gateConn) {
		if reference, ok := c.readRequest(); ok {
			c.approve(reference)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		}
		stray <- struct{}{}
		_, _ = io.Copy(io.Discard, c)
	})
	c := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t)})
	for n := range int64(2) {
		_, err := c.Do(t.Context(), authCall())
		require.NoError(t, err)
		<-stray
		require.Equal(t, n+1, g.connections.Load())
	}
}

func TestPool(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := &pool{now: func() time.Time { return now }}
	t.Cleanup(p.close)
	config := serverTLS(t)
	config.SessionTicketsDisabled = true // they would come unasked
	add := func() *conn {
		raw, secured := tlsPair(t, config)
		c := newConn(raw, secured, now)
		p.put(c)
		return c
	}

	first, second := add(), add()
	require.Same(t, second, p.get(), "the newest first, so that a lull lets the rest go")
	p.put(second)

	now = now.Add(maxIdle)
	require.Nil(t, p.get(), "idle for too long")
	require.ErrorIs(t, first.raw.SetDeadline(time.Time{}), net.ErrClosed)

	old := add()
	for range int(maxAge / time.Second) {
		now = now.Add(time.Second)
		if got := p.get(); got != nil {
			p.put(got)
		}
	}
	require.Nil(t, p.get(), "busy, but too old")
	require.ErrorIs(t, old.raw.SetDeadline(time.Time{}), net.ErrClosed)

	add()
	now = now.Add(maxIdle)
	p.expire()
	require.Empty(t, p.idle)

	for range maxPooled + 1 {
		add()
	}
	require.Len(t, p.idle, maxPooled)
	p.close()
	require.Empty(t, p.idle)
	late := add()
	require.ErrorIs(t, late.raw.SetDeadline(time.Time{}), net.ErrClosed, "nothing comes back after the end")
}

func tlsPair(t *testing.T, config *tls.Config) (net.Conn, *tls.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	here, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	there, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = there.Close() })
	handshake := make(chan error, 1)
	go func() { handshake <- tls.Server(there, config).Handshake() }()
	secured := tls.Client(here, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, secured.Handshake())
	require.NoError(t, <-handshake)
	return here, secured
}

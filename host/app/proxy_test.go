package app

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands before a server and can be taken away, like a cable.
type proxy struct {
	t       *testing.T
	target  string
	address string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	work     sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	p := &proxy{t: t, target: target, address: "127.0.0.1:0"}
	p.plug()
	t.Cleanup(p.unplug)
	return p
}

// plug opens the port, the same one each time.
func (p *proxy) plug() {
	p.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", p.address)
	require.NoError(p.t, err)
	p.mu.Lock()
	p.listener, p.address, p.conns = l, l.Addr().String(), map[net.Conn]bool{}
	p.mu.Unlock()
	p.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.work.Go(func() { p.relay(c) })
		}
	})
}

// unplug closes the port and all connections.
func (p *proxy) unplug() {
	p.mu.Lock()
	if p.listener != nil {
		_ = p.listener.Close()
	}
	for c := range p.conns {
		_ = c.Close()
	}
	p.listener, p.conns = nil, nil
	p.mu.Unlock()
	p.work.Wait()
}

func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) relay(from net.Conn) {
	defer from.Close()
	to, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer to.Close()
	if !p.keep(from) || !p.keep(to) {
		return
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
		close(done)
	}()
	_, _ = io.Copy(from, to)
	_ = from.Close()
	<-done
}

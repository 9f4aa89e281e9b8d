package crash

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"time"
)

// lobby stands before a gateway and keeps the first connections waiting before a
// byte of theirs gets through: they are made, but nobody answers the handshake.
type lobby struct {
	listener net.Listener
	target   string
	wait     time.Duration

	mu    sync.Mutex
	left  int // connections that still have to wait
	conns []net.Conn
	all   sync.WaitGroup
	stop  context.CancelFunc
}

// openLobby opens one for the first so many connections. It gives the address
// that leads through it.
func openLobby(ctx context.Context, to string, first int, wait time.Duration) (*lobby, string, error) {
	address, err := url.Parse(to)
	if err != nil {
		return nil, "", err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	// Its end is close, not that of whoever opened it.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	g := &lobby{listener: listener, target: address.Host, wait: wait, left: first, stop: stop}
	address.Host = listener.Addr().String()
	g.all.Go(func() { g.accept(ctx) })
	return g, address.String(), nil
}

func (g *lobby) accept(ctx context.Context) {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return // closed
		}
		g.mu.Lock()
		g.conns = append(g.conns, conn)
		slow := g.left > 0
		g.left--
		g.mu.Unlock()
		g.all.Go(func() { g.carry(ctx, conn, slow) })
	}
}

func (g *lobby) carry(ctx context.Context, conn net.Conn, slow bool) {
	defer conn.Close()
	if slow {
		select {
		case <-time.After(g.wait):
		case <-ctx.Done():
			return
		}
	}
	on, err := (&net.Dialer{}).DialContext(ctx, "tcp", g.target)
	if err != nil {
		return
	}
	defer on.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(conn, on) // however it ends, both ends are closed
		_ = conn.Close()
	}()
	_, _ = io.Copy(on, conn)
	_ = on.Close()
	<-back
}

func (g *lobby) close() error {
	if g == nil {
		return nil
	}
	g.stop()
	err := g.listener.Close()
	g.mu.Lock()
	for _, c := range g.conns {
		err = errors.Join(err, ignoreClosed(c.Close()))
	}
	g.mu.Unlock()
	g.all.Wait()
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

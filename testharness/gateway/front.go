package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// front is the service's port. It can be closed, with every connection on it,
// and opened again at the same address.
type front struct {
	mu      sync.Mutex
	started bool
	listen  func(ctx context.Context, network, address string) (net.Listener, error)
	rebind  func() error // bind on nobody's behalf
	address string       // host:port, fixed by the first opening
	config  *tls.Config
	server  *http.Server // nil while down
	served  sync.WaitGroup
	// listener is nil while a fault keeps the port closed.
	listener net.Listener
	// silent are the connections that a fault keeps open without a word.
	silent map[net.Conn]struct{}
}

// start opens the port for the first time, unless it is to begin closed.
func (f *front) start(ctx context.Context, g *Gateway, address string, config *tls.Config, down bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.address, f.config = address, config
	f.rebind = func() error { return f.bind(context.WithoutCancel(ctx)) }
	if err := f.open(ctx, g); err != nil {
		return err
	}
	f.started = true
	if down {
		return f.close()
	}
	return nil
}

// setDown closes or opens the port of a gateway that was started.
func (f *front) setDown(ctx context.Context, g *Gateway, down bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.started || down == (f.server == nil):
		return nil
	case down:
		return f.close()
	default:
		return f.open(ctx, g)
	}
}

// stop closes the port for good.
func (f *front) stop() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started = false
	err := f.close()
	f.served.Wait()
	return err
}

// public is the root of the service as clients reach it, without a slash at its
// end.
func (f *front) public() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	host, port, err := net.SplitHostPort(f.address)
	switch ip := net.ParseIP(host); {
	case err != nil:
		return "https://localhost" // not started: someone serves the handler
	case ip != nil && ip.IsUnspecified():
		return "https://" + net.JoinHostPort("127.0.0.1", port) // the certificate names no "any" address
	default:
		return "https://" + f.address
	}
}

func (f *front) open(ctx context.Context, g *Gateway) error {
	if err := f.bind(ctx); err != nil {
		return err
	}
	f.silent = map[net.Conn]struct{}{}
	f.server = &http.Server{
		Handler:           g.Handler(),
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ConnState:         g.stats.connection,
		ConnContext:       countCalls,
		// Broken handshakes are what this server is for; they are no news.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	if g.script.refusing() { // the port had to be found all the same
		return f.unbind()
	}
	f.serve(g)
	return nil
}

// bind opens the listener.
func (f *front) bind(ctx context.Context) error {
	listener, err := f.listen(ctx, "tcp", f.address)
	if err != nil {
		return fmt.Errorf("open the service's port: %w", err)
	}
	f.listener, f.address = listener, listener.Addr().String()
	return nil
}

// unbind closes the listener and leaves connections alone.
func (f *front) unbind() error {
	if f.listener == nil {
		return nil
	}
	err := f.listener.Close()
	f.listener = nil
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the service's port: %w", err)
	}
	return nil
}

// serve lets the server take connections from the listener.
func (f *front) serve(g *Gateway) {
	server, listener := f.server, tls.NewListener(&door{Listener: f.listener, g: g}, f.config)
	f.served.Go(func() {
		_ = server.Serve(listener) // ends when either is closed, on purpose, and says so
	})
}

// followScript closes or opens the listener as the faults want it. If something
// else took the port meanwhile, it tries again until it is free.
func (f *front) followScript(g *Gateway) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.started || f.server == nil {
		return
	}
	if g.script.refusing() {
		_ = f.unbind() // nothing is left to do about a listener that does not close
		return
	}
	if f.listener != nil {
		return
	}
	if err := f.rebind(); err != nil {
		time.AfterFunc(100*time.Millisecond, func() { f.followScript(g) })
		return
	}
	f.serve(g)
}

func (f *front) close() error {
	if f.server == nil {
		return nil
	}
	err := f.server.Close()
	f.server, f.listener = nil, nil
	for conn := range f.silent {
		closeRaw(conn, false)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the service's port: %w", err)
	}
	return nil
}

// door turns connections away while a fault says so.
type door struct {
	net.Listener
	g *Gateway
}

// Accept returns the next connection that is let in.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // http.Server looks at the error itself
		}
		reset, stall := d.g.script.arrives()
		switch {
		case reset:
			d.g.stats.change(func(s *Stats) { s.Refused++ })
			closeRaw(conn, true)
		case stall > 0:
			return newStalled(conn, stall), nil
		default:
			return conn, nil
		}
	}
}

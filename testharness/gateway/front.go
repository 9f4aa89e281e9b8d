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
	address string // host:port, fixed by the first opening
	config  *tls.Config
	server  *http.Server // nil while down
	served  sync.WaitGroup
}

// start opens the port for the first time, unless it is to begin closed.
func (f *front) start(ctx context.Context, g *Gateway, address string, config *tls.Config, down bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.address, f.config = address, config
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
	listener, err := f.listen(ctx, "tcp", f.address)
	if err != nil {
		return fmt.Errorf("open the service's port: %w", err)
	}
	f.address = listener.Addr().String()
	server := &http.Server{
		Handler:           g.Handler(),
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ConnState:         g.stats.connection,
		// Broken handshakes are what this server is for; they are no news.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	f.server = server
	f.served.Go(func() {
		// Ends when the server is closed, on purpose, and says so.
		_ = server.Serve(tls.NewListener(&door{Listener: listener, g: g}, f.config))
	})
	return nil
}

func (f *front) close() error {
	if f.server == nil {
		return nil
	}
	err := f.server.Close()
	f.server = nil
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
		if err != nil || !d.g.script.refuses() {
			return conn, err //nolint:wrapcheck // http.Server looks at the error itself
		}
		d.g.stats.change(func(s *Stats) { s.Refused++ })
		closeRaw(conn, true)
	}
}

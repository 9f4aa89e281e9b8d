package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// maxBody bounds a request or an answer that passes, in bytes.
	maxBody = 16 << 20
	// forwardLimit bounds a call of the front's own to the simulator.
	forwardLimit = 30 * time.Second
)

// front stands between the plugin and the simulator: an HTTPS server that
// passes requests on, one fault at a time.
type front struct {
	upstream  *url.URL
	transport *http.Transport
	server    *http.Server
	listener  net.Listener
	ca        []byte
	served    sync.WaitGroup

	mu         sync.Mutex
	fault      *fault
	window     *window
	forwarding int
	last       *reply // the last answer of the simulator that passed
}

// window is what came from the plugin since a call began.
type window struct {
	mu       sync.Mutex
	requests []*passing
}

// passing is one request on its way.
type passing struct {
	text string        // path and body
	left chan struct{} // closed when the plugin has given it up, or has its answer
}

// reply is an answer of the simulator, whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func newFront(ctx context.Context, upstream string, roots *x509.CertPool) (*front, error) {
	target, err := url.Parse(upstream)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, fmt.Errorf("the simulator's url %q begins with neither http:// nor https://", upstream)
	}
	certificate, err := newCertificate()
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the front's port: %w", err)
	}
	f := &front{
		upstream: target, listener: listener, ca: certificate.pem, window: &window{},
		transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableCompression: true, MaxIdleConnsPerHost: concurrently,
		},
	}
	f.server = &http.Server{
		Handler: f, ReadHeaderTimeout: forwardLimit,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // broken handshakes are what it is for
		// HTTP/1.1 alone: a fault is about one connection.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate.pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	f.served.Go(func() { _ = f.server.Serve(tls.NewListener(&door{Listener: listener, front: f}, config)) }) // ends with close
	return f, nil
}

// url is where the plugin finds the gateway.
func (f *front) url() string {
	at := *f.upstream
	at.Scheme, at.Host = "https", f.listener.Addr().String()
	return at.String()
}

func (f *front) close() {
	f.set(nil)
	_ = f.server.Close()
	f.served.Wait()
	f.transport.CloseIdleConnections()
}

// set makes a fault the one in force; nil is none. What the one before holds
// back is let go.
func (f *front) set(next *fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault != nil {
		f.fault.release()
	}
	f.fault = next
}

// open begins to count anew: what comes in belongs to the call that begins now.
func (f *front) open() *window {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.window = &window{}
	return f.window
}

// settled reports whether the simulator has answered all that it was asked.
func (f *front) settled() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.forwarding == 0
}

// ServeHTTP passes one request on, as the fault in force allows.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the plugin has left before its request was whole
	}
	request := &passing{text: r.URL.String() + " " + string(body), left: make(chan struct{})}
	defer close(request.left)
	f.mu.Lock()
	fault, last := f.fault, f.last
	f.window.add(request)
	f.mu.Unlock()
	if fault == nil {
		fault = noFault
	}
	var answer *reply
	if fault.reaches {
		if answer, err = f.forward(r, body); err != nil {
			http.Error(w, "the conformance kit could not reach the simulator: "+err.Error(), http.StatusBadGateway)
			return
		}
	}
	if !fault.wait(r.Context()) {
		cut(w, false)
		return
	}
	fault.answer(w, answer, last)
	if answer != nil && fault == noFault {
		f.mu.Lock()
		f.last = answer
		f.mu.Unlock()
	}
}

// forward asks the simulator, whether or not the plugin waits for the answer.
func (f *front) forward(r *http.Request, body []byte) (*reply, error) {
	f.mu.Lock()
	f.forwarding++
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.forwarding--
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), forwardLimit)
	defer cancel()
	target := *r.URL
	target.Scheme, target.Host = f.upstream.Scheme, f.upstream.Host
	request, err := http.NewRequestWithContext(ctx, r.Method, target.String(), bytes.NewReader(body)) //nolint:gosec // Its host is the simulator's.
	if err != nil {
		return nil, err
	}
	request.Header = r.Header.Clone()
	for _, hop := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade"} {
		request.Header.Del(hop)
	}
	answer, err := f.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	return &reply{status: answer.StatusCode, header: answer.Header, body: content}, err
}

func (w *window) add(r *passing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, r)
}

// all are the requests so far.
func (w *window) all() []*passing {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*passing(nil), w.requests...)
}

// count is how many requests came; of those that hold the text, if one is
// given.
func (w *window) count(text string) int {
	n := 0
	for _, r := range w.all() {
		if strings.Contains(r.text, text) {
			n++
		}
	}
	return n
}

// door is the front's port.
type door struct {
	net.Listener
	front *front
}

// Accept turns connections away, or keeps them waiting, while a fault says so.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d.front.mu.Lock()
		fault := d.front.fault
		d.front.mu.Unlock()
		switch {
		case fault == nil:
			return conn, nil
		case fault.refuse:
			closeRaw(conn, true)
		case fault.silent:
			return &muted{Conn: conn, until: fault.held}, nil
		default:
			return conn, nil
		}
	}
}

// muted is a connection on which nothing is read until it is let go.
type muted struct {
	net.Conn
	until <-chan struct{}
}

// Read waits first.
func (m *muted) Read(p []byte) (int, error) {
	<-m.until
	return m.Conn.Read(p)
}

// cut ends the connection of a request without an answer.
func cut(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrHijacked) || conn == nil {
		return
	}
	closeRaw(conn, reset)
}

// closeRaw closes the connection below TLS, with a reset if asked to.
func closeRaw(conn net.Conn, reset bool) {
	for {
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = inner.NetConn()
	}
	if m, ok := conn.(*muted); ok {
		conn = m.Conn
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// now is the window of the call that began last.
func (f *front) now() *window {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.window
}

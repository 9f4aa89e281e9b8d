package webservices

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chargehand/chargehand/shared/payment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testUser     = "webservices@example.com"
	testPassword = payment.Secret("Password1^")
)

// noProxy keeps the tests independent of the machine's environment.
func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// newTestClient makes a client whose EU address is the given one.
func newTestClient(tb testing.TB, cfg Config) *Client {
	tb.Helper()
	if cfg.Proxy == nil {
		cfg.Proxy = noProxy
	}
	c, err := New(cfg)
	require.NoError(tb, err)
	tb.Cleanup(c.Close)
	return c
}

// caFile writes the certificate of the test servers to a file.
func caFile(tb testing.TB) string {
	tb.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	file := filepath.Join(tb.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}
	require.NoError(tb, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	return file
}

// serverTLS is the certificate of the httptest package, for servers that are
// written by hand.
func serverTLS(tb testing.TB) *tls.Config {
	tb.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS10}
}

// gate is a server that is written by hand: script gets each connection once
// its TLS handshake is done.
type gate struct {
	url         string
	connections atomic.Int64
	requests    atomic.Int64 // counted by readRequest
	bytes       atomic.Int64 // application bytes that arrived
}

func newGate(tb testing.TB, config *tls.Config, script func(g *gate, n int64, c *gateConn)) *gate {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	g := &gate{url: "https://" + listener.Addr().String() + "/json/"}
	done := make(chan struct{})
	running := make(chan struct{}, 64)
	go func() {
		defer close(done)
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			n := g.connections.Add(1)
			running <- struct{}{}
			go func() {
				defer func() { <-running }()
				defer raw.Close()
				secured := tls.Server(raw, config)
				if secured.Handshake() != nil {
					return
				}
				c := &gateConn{Conn: secured, raw: raw, gate: g}
				c.reader = bufio.NewReader(c)
				script(g, n, c)
			}()
		}
	}()
	tb.Cleanup(func() {
		_ = listener.Close()
		<-done
		for range cap(running) {
			running <- struct{}{}
		}
	})
	return g
}

type gateConn struct {
	net.Conn
	raw    net.Conn
	gate   *gate
	reader *bufio.Reader
}

func (c *gateConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.gate.bytes.Add(int64(n))
	return n, err
}

// readRequest reads one request and gives its reference.
func (c *gateConn) readRequest() (reference string, ok bool) {
	req, err := http.ReadRequest(c.reader)
	if err != nil {
		return "", false
	}
	c.gate.requests.Add(1)
	_, _ = io.Copy(io.Discard, req.Body)
	return req.Header.Get("REQUESTREFERENCE"), true
}

// approve answers well.
func (c *gateConn) approve(reference string) {
	body := okBody(reference)
	_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// reset closes the socket so that the other side sees a reset.
func (c *gateConn) reset() {
	_ = c.raw.(*net.TCPConn).SetLinger(0)
	_ = c.raw.Close()
}

func okBody(reference string) string {
	return `{"requestreference":"` + reference + `","version":"1.00","secrand":"x","response":[{"errorcode":"0","requesttypedescription":"AUTH"}]}`
}

// newServer is a well-behaved HTTP server around the handler.
func newServer(tb testing.TB, h http.HandlerFunc) *httptest.Server {
	tb.Helper()
	s := httptest.NewTLSServer(h)
	tb.Cleanup(s.Close)
	return s
}

func okHandler(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, okBody(r.Header.Get("REQUESTREFERENCE")))
}

func authCall() Call {
	return Call{
		Region: RegionEU, User: testUser, Password: testPassword,
		Requests: []Request{{
			Type: TypeAuth, SiteReference: "test_site12345", AccountTypeDescription: "ECOM", ParentTransactionReference: "55-9-1000",
			BaseAmount: "2499", CurrencyISO3A: "GBP", OrderReference: "k1001a1", CredentialsOnFile: "2", InitiationReason: "C", SettleStatus: "2",
		}},
	}
}

func decodeJSON(tb testing.TB, body []byte) map[string]any {
	tb.Helper()
	var v map[string]any
	require.NoError(tb, json.Unmarshal(body, &v))
	return v
}

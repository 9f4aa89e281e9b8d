package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// A host whose clock is off is not ready: leases and the windows for sending
// are compared between hosts.
func TestClockOff(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		require.Contains(t, string(b.must(200, b.do("", "GET", "/readyz", nil)).body), `{"name":"clock","ok":true}`)
		if driver == database.DriverSQLite {
			b.skew.Store(int64(time.Hour))
			b.must(200, b.do("", "GET", "/readyz", nil)) // there is no other clock to differ from
			return
		}
		for _, test := range []struct {
			off    time.Duration
			status int
		}{{4 * time.Second, 200}, {-4 * time.Second, 200}, {6 * time.Second, 503}, {-6 * time.Second, 503}, {time.Hour, 503}} {
			b.skew.Store(int64(test.off))
			a := b.must(test.status, b.do("", "GET", "/readyz", nil))
			require.Equal(t, "application/json", a.header.Get("Content-Type"))
			require.Equal(t, test.status == 200, a.object()["ready"])
			if test.status != 200 {
				require.Contains(t, string(a.body), "from the database's; the most is 5s: synchronise both")
			}
		}
	})
}

// Health and metrics need no key and name no company, order or payment.
func TestProbesTellNothingOfCompanies(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("acme-secret-customer")
	order, c := b.place(s, "their-order-1", 1250)
	c = b.until(c["id"], "released")
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		body := string(b.must(200, b.do("", "GET", path, nil)).body)
		for _, theirs := range []any{
			"acme", "their-order", s.fulfiller, s.channel, s.link, s.stored, order["id"], c["id"], c["transaction"], gateway.DefaultSite, gateway.DefaultUser,
		} {
			require.NotContains(t, body, theirs, "%s", path)
		}
	}
	metrics := string(b.must(200, b.do("", "GET", "/metrics", nil)).body)
	require.Contains(t, metrics, "chargehand_pauses 0")
	require.Regexp(t, `chargehand_\w+\{[^}]*plugin="trustpayments"[^}]*\} [1-9]`, metrics)
	b.must(405, b.do("", "POST", "/metrics", nil))
	b.must(405, b.do("", "DELETE", "/healthz", nil))
}

// Answers are not for browsers to keep or to guess about.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	for _, a := range []answer{
		b.do("", "GET", "/healthz", nil), b.do(b.key, "GET", "/v1/companies", nil), b.do("", "GET", "/v1/companies", nil), b.do("", "GET", "/x", nil),
	} {
		require.Equal(t, "no-store", a.header.Get("Cache-Control"), a.request)
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), a.request)
		require.Len(t, a.header.Get("X-Request-Id"), 16, a.request)
	}
	one, two := b.do("", "GET", "/healthz", nil), b.do("", "GET", "/healthz", nil)
	require.NotEqual(t, one.header.Get("X-Request-Id"), two.header.Get("X-Request-Id"))
}

// Over HTTPS, with a certificate that is read before anybody is told that the
// host is ready.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	b := prepare(t, "sqlite", nil)
	b.migrate()
	b.keys["listen_file"] = b.file("address")
	b.keys["tls.cert"], b.keys["tls.key"] = b.file("gateway/ca.pem"), b.file("master.key")
	err := b.start()
	require.ErrorContains(t, err, "certificate for the API (tls.cert, tls.key)")
	require.NoFileExists(t, b.file("address"))

	cert, key := selfSigned(t)
	require.NoError(t, os.WriteFile(b.file("cert.pem"), cert, 0o600))
	require.NoError(t, os.WriteFile(b.file("key.pem"), key, 0o600))
	b.keys["tls.cert"], b.keys["tls.key"] = b.file("cert.pem"), b.file("key.pem")
	host, err := Start(t.Context(), b.config(), "test", b.log.logger())
	require.NoError(t, err)
	defer host.Stop(context.Background())
	address, err := os.ReadFile(b.file("address"))
	require.NoError(t, err)
	require.Equal(t, host.URL()+"\n", string(address))
	require.True(t, strings.HasPrefix(host.URL(), "https://127.0.0.1:"))
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(cert))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, host.URL()+"/healthz", nil)
	require.NoError(t, err)
	res, err := (&http.Client{Transport: transport}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"status":"alive"}`, string(body))
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	other := prepare(t, "sqlite", map[string]any{"listen": strings.TrimPrefix(b.url, "http://")})
	other.migrate()
	require.ErrorContains(t, other.start(), "listen for the API")
}

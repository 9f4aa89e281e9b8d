package page_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/page"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	pages := page.Parse(fstest.MapFS{"a.html": {Data: []byte(`<b>{{.}}</b> {{money 1050 "EUR"}}{{money 0 ""}}`)}, "b.html": {Data: []byte(`begun {{.No.Such}}`)}}, nil, "*.html")
	w := httptest.NewRecorder()
	page.Write(w, http.StatusGone, pages, "a.html", `<script>`, "https://shop.example.com:8443/x", "ftp://no", "http://[::1]:80/", "https://a;b/")
	require.Equal(t, http.StatusGone, w.Code)
	require.Equal(t, "<b>&lt;script&gt;</b> 10.50 EUR", w.Body.String())
	require.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
	require.Equal(t, "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "+
		"form-action 'self' https://shop.example.com:8443 http: https:", w.Header().Get("Content-Security-Policy"))

	w = httptest.NewRecorder()
	page.Write(w, http.StatusOK, pages, "b.html", "text")
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.NotContains(t, w.Body.String(), "begun")
}

func TestAssets(t *testing.T) {
	t.Parallel()
	for path, kind := range map[string]string{
		"/style.css": "text/css; charset=utf-8", "/deep/down/keys.js": "text/javascript; charset=utf-8", "/icon.svg": "image/svg+xml",
	} {
		w := httptest.NewRecorder()
		page.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, kind, w.Header().Get("Content-Type"))
	}
	w := httptest.NewRecorder()
	page.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/page.go", http.NoBody))
	require.Equal(t, http.StatusNotFound, w.Code)
}

func TestLocal(t *testing.T) {
	t.Parallel()
	h := page.Local(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, c := range map[string]struct {
		method, host, origin, site string
		status                     int
	}{
		"script":         {"POST", "127.0.0.1:80", "", "", 200},
		"page":           {"POST", "localhost:80", "http://localhost:80", "same-origin", 200},
		"page, old":      {"POST", "[::1]:80", "http://[::1]:80", "", 200},
		"other page":     {"POST", "127.0.0.1:80", "https://evil.example.com", "cross-site", 403},
		"other, old":     {"POST", "127.0.0.1:80", "https://evil.example.com", "", 403},
		"other port":     {"POST", "127.0.0.1:80", "http://127.0.0.1:81", "same-site", 403},
		"link elsewhere": {"GET", "127.0.0.1:80", "", "cross-site", 200},
		"other name":     {"GET", "evil.example.com:80", "", "", 421},
		"other address":  {"GET", "192.0.2.1", "", "", 421},
		"looks like it":  {"GET", "127.0.0.1.example.com", "", "", 421},
		"mapped":         {"GET", "[::ffff:127.0.0.1]:80", "", "", 200},
	} {
		r := httptest.NewRequest(c.method, "/", http.NoBody)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, c.status, w.Code, name)
	}
}

package gateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// admin calls the admin API and decodes its answer.
func (b *bench) admin(method, path, body string, status int) map[string]any {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.g.AdminHandler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	require.Equal(b.t, status, w.Code, w.Body.String())
	var out any
	require.NoError(b.t, json.Unmarshal(w.Body.Bytes(), &out))
	if object, ok := out.(map[string]any); ok {
		return object
	}
	return map[string]any{"list": out}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	entered := b.admin("POST", "/vt", `{"sitereference":"test_site12345","card":"4111111111111111","amount":1,"currency":"GBP","credentials_on_file":"1"}`, 200)
	parent := entered["transactionreference"].(string)
	require.Equal(t, "0", b.ask1(auth(parent))["errorcode"])
	ledger := b.admin("GET", "/ledger", "", 200)["list"].([]any)
	require.Len(t, ledger, 2)
	require.Equal(t, parent, ledger[0].(map[string]any)["transactionreference"])
	require.InDelta(t, 1050, ledger[1].(map[string]any)["amount"], 0)
	require.Equal(t, "2026-03-06T10:00:00Z", b.admin("POST", "/tick", `{"duration":"48h"}`, 200)["now"])
	require.Equal(t, 100, b.entry(parent).SettleStatus)
	require.InDelta(t, 1, b.admin("GET", "/stats", "", 200)["calls"], 0)

	require.Equal(t, []any{"f1"}, b.admin("POST", "/faults", `{"effect":"held","times":1}`, 200)["ids"])
	require.Equal(t, []any{"f2", "f3"}, b.admin("POST", "/faults", `[{"effect":"reset"},{"effect":"code","code":"71000"}]`, 200)["ids"])
	require.Len(t, b.admin("GET", "/faults", "", 200)["list"], 3)
	b.admin("DELETE", "/faults/f2", "", 200)
	b.admin("DELETE", "/faults/f2", "", 404)
	require.Len(t, b.g.Faults(), 2)
	b.admin("DELETE", "/faults", "", 200)
	require.Empty(t, b.g.Faults())

	b.admin("POST", "/reset", "", 200)
	require.Empty(t, b.g.Ledger())
	require.Equal(t, begin, b.g.Now())
	require.Equal(t, "20004", b.ask1(auth(parent))["errorcode"])
	require.NotEqual(t, parent, b.mint(), "references go on")
}

func TestAdminChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.admin("POST", "/sites", `{"sitereference":"test_new","accounts":["MOTO"]}`, 200)
	b.admin("POST", "/sites", `{"sitereference":"test_new","duplicate_check":true}`, 200)
	s, ok := b.g.Site("test_new")
	require.True(t, ok)
	require.Equal(t, gateway.Site{Reference: "test_new", Accounts: []string{"MOTO"}, DuplicateCheck: true}, s)
	b.admin("POST", "/users", `{"name":"webservices@example.com","sites":["test_new"]}`, 200)
	u, ok := b.g.User(gateway.DefaultUser)
	require.True(t, ok)
	require.Equal(t, gateway.DefaultPassword, u.Password)
	require.Equal(t, []string{"test_new"}, u.Sites)
	b.admin("POST", "/users", `{"name":"second@example.com","password":"p","addresses":["10.0.0.0/8"],"locked":true}`, 200)
	require.Len(t, b.admin("GET", "/users", "", 200)["list"], 2)
	require.Len(t, b.admin("GET", "/sites", "", 200)["list"], 2)
	b.admin("POST", "/switches", `{"query_lag":"5s"}`, 200)
	require.Equal(t, true, b.admin("POST", "/switches", `{"plain":true}`, 200)["plain"])
	require.Equal(t, "5s", b.admin("GET", "/switches", "", 200)["query_lag"])
}

func TestAdminErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range [][3]string{
		{"/tick", `{"duration":"soon"}`, "is no duration"},
		{"/tick", `{"duration":"-1h"}`, "less than zero"},
		{"/tick", `{"duration":"10000h"}`, "not within"},
		{"/tick", `{"time":"1h"}`, `unknown field "time"`},
		{"/tick", `{} {}`, "follows its end"},
		{"/tick", ``, "read JSON"},
		{"/tick", strings.Repeat(" ", 1<<20+1), "too large"},
		{"/faults", `{"effect":"held","typ":"AUTH"}`, `line 1: there is no member "typ"; a fault has `},
		{"/faults", `[{"effect":"none"}]`, "is none of"},
		{"/faults", `7`, "read faults"},
		{"/sites", `{"sitereference":"no spaces"}`, "letters, digits"},
		{"/sites", `{"sitereference":"a","accounts":["SHOP"]}`, "account type"},
		{"/sites", `{"sitereference":"a","max_multiple":-1}`, "less than zero"},
		{"/users", `{"name":"new@example.com"}`, "no password"},
		{"/users", `{"name":"a:b","password":"p"}`, "no colon"},
		{"/users", `{"name":"a","password":"p","addresses":["here"]}`, "neither an address"},
		{"/vt", `{"sitereference":"test_site12345","card":"4012888888881881","amount":1,"currency":"GBP"}`, "only test cards"},
		{"/vt", `{"sitereference":"test_site12345","card":"4111111111111111","amount":0,"currency":"GBP"}`, "more than zero"},
		{"/vt", `{"sitereference":"test_site12345","card":"4111111111111111","amount":1,"currency":"Pound"}`, "capital letters"},
		{"/vt", `{"sitereference":"test_site12345","card":"4111111111111111","amount":1,"currency":"GBP","expirydate":"x"}`, "MM/YYYY"},
		{"/vt", `{"sitereference":"test_site12345","card":"4111111111111111","amount":1,"currency":"GBP","type":"X"}`, "AUTH or ACCOUNTCHECK"},
		{"/vt", `{"sitereference":"test_site12345","card":"4111111111111111","amount":1,"currency":"GBP","settlestatus":3}`, "0, 1 or 2"},
		{"/vt", `{"sitereference":"test_site12345","card":"4111111111111111","amount":1,"currency":"GBP","credentials_on_file":"9"}`, "0, 1 or 2"},
		{"/vt", `{"sitereference":"test_x","card":"4111111111111111","amount":1,"currency":"GBP"}`, "30001"},
	} {
		require.Contains(t, b.admin("POST", c[0], c[1], 400)["error"], c[2], c[1])
	}
	require.Empty(t, b.g.Ledger())
}

func TestVirtualTerminalNeedsMOTO(t *testing.T) {
	t.Parallel()
	b := setup(t, site(func(s *gateway.Site) { s.Accounts = []string{"ECOM"} }))
	_, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Amount: 1, Currency: "GBP"})
	require.ErrorContains(t, err, "40000")
}

func TestStartWritesItsFiles(t *testing.T) {
	t.Parallel()
	g, err := gateway.New(gateway.Config{Seed: 9})
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "new")
	s, err := g.Start(t.Context(), gateway.Listen{Dir: dir})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()

	content, err := os.ReadFile(filepath.Join(dir, "gateway.json"))
	require.NoError(t, err)
	var info gateway.Info
	require.NoError(t, json.Unmarshal(content, &info))
	require.Equal(t, gateway.Info{
		JSONURL: s.JSONURL(), XMLURL: s.XMLURL(), AdminURL: s.AdminURL(), CAFile: filepath.Join(dir, "ca.pem"), Seed: 9,
		Users: []gateway.InfoUser{{Name: gateway.DefaultUser, Password: gateway.DefaultPassword}}, Sites: []string{gateway.DefaultSite},
	}, info)
	ca, err := os.ReadFile(info.CAFile)
	require.NoError(t, err)
	require.Equal(t, s.CAPEM(), ca)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	for _, url := range []string{info.XMLURL, strings.Replace(info.XMLURL, "127.0.0.1", "localhost", 1)} {
		res, err := (&http.Client{Transport: transport}).Get(url)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
		require.Equal(t, "HTTP/1.1", res.Proto)
	}
	res, err := (&http.Client{Transport: transport}).Get(info.AdminURL + "/stats")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)

	_, err = (&tls.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(strings.TrimSuffix(info.JSONURL, "/json/"), "https://"))
	require.ErrorContains(t, err, "certificate", "nobody else trusts it")
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for text, at := range map[string]gateway.Listen{
		"loopback":       {Admin: "0.0.0.0:0"},
		"listen address": {JSON: "nonsense"},
		"make folder":    {Dir: filepath.Join(file, "below")},
	} {
		g, err := gateway.New(gateway.Config{})
		require.NoError(t, err)
		_, err = g.Start(t.Context(), at)
		require.ErrorContains(t, err, text)
	}
}

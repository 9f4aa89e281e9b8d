package webservices

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestDo_OK(t *testing.T) {
	t.Parallel()
	type seen struct {
		method, path, proto, user, password string
		header                              http.Header
		body                                map[string]any
	}
	got := make(chan seen, 1)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			user, password, _ := r.BasicAuth()
			got <- seen{r.Method, r.URL.Path, r.Proto, user, password, r.Header.Clone(), decodeJSON(t, body)}
		}
		_, _ = io.WriteString(w, okBody(r.Header.Get("REQUESTREFERENCE")))
	})
	c := newTestClient(t, Config{URLEU: s.URL + "/json/", CAFile: caFile(t)})

	answer, err := c.Do(t.Context(), authCall())
	require.NoError(t, err)
	require.Len(t, answer.Elements, 1)
	require.Equal(t, "0", answer.Elements[0].Get("errorcode"))

	g := <-got
	require.Equal(t, []string{"POST", "/json/", "HTTP/1.1", testUser, testPassword.Reveal()}, []string{g.method, g.path, g.proto, g.user, g.password})
	reference := g.header.Get("REQUESTREFERENCE")
	require.Regexp(t, `^A[0-9a-hjkmnp-rt-y]{8}$`, reference)
	require.Equal(t, answer.RequestReference, reference)
	for _, unwanted := range []string{"Idempotency-Key", "X-Idempotency-Key", "Cookie", "Accept-Encoding"} {
		require.Empty(t, g.header.Values(unwanted), unwanted)
	}
	require.Empty(t, cmp.Diff(map[string]any{
		"alias": testUser, "version": "1.00",
		"request": []any{map[string]any{
			"requesttypedescriptions": []any{"AUTH"}, "requestreference": reference,
			"sitereference": "test_site12345", "accounttypedescription": "ECOM", "parenttransactionreference": "55-9-1000",
			"baseamount": "2499", "currencyiso3a": "GBP", "orderreference": "k1001a1",
			"credentialsonfile": "2", "initiationreason": "C", "settlestatus": "2",
		}},
	}, g.body))
}

func TestDo_OK_SeveralElements(t *testing.T) {
	t.Parallel()
	got := make(chan map[string]any, 1)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- decodeJSON(t, body)
		_, _ = io.WriteString(w, okBody(r.Header.Get("REQUESTREFERENCE")))
	})
	c := newTestClient(t, Config{URLUS: s.URL, CAFile: caFile(t)})
	update := func(id string) Request {
		return Request{
			Type:    TypeTransactionUpdate,
			Filter:  &Filter{SiteReference: Values{"test_site12345"}, TransactionReference: Values{id}},
			Updates: &Updates{SettleStatus: "0"},
		}
	}

	answer, err := c.Do(t.Context(), Call{Region: RegionUS, User: testUser, Password: testPassword, Requests: []Request{update("55-9-1"), update("55-9-2")}})
	require.NoError(t, err)

	elements := (<-got)["request"].([]any)
	require.Len(t, elements, 2)
	references := map[any]bool{answer.RequestReference: true}
	for i, id := range []string{"55-9-1", "55-9-2"} {
		e := elements[i].(map[string]any)
		references[e["requestreference"]] = true
		delete(e, "requestreference")
		require.Empty(t, cmp.Diff(map[string]any{
			"requesttypedescription": "TRANSACTIONUPDATE",
			"filter": map[string]any{
				"sitereference":        []any{map[string]any{"value": "test_site12345"}},
				"transactionreference": []any{map[string]any{"value": id}},
			},
			"updates": map[string]any{"settlestatus": "0"},
		}, e))
	}
	require.Len(t, references, 3, "the call and each element have references of their own")
}

func TestDo_OK_ReusesConnections(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(okHandler))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	c := newTestClient(t, Config{URLEU: s.URL, CAFile: caFile(t)})
	for range 5 {
		_, err := c.Do(t.Context(), authCall())
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, opened.Load())
}

func TestDo_OK_ManyAtOnce(t *testing.T) {
	t.Parallel()
	const calls = 200
	var waiting sync.WaitGroup
	waiting.Add(calls)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		waiting.Done()
		waiting.Wait() // no call is answered before all have arrived
		okHandler(w, r)
	})
	c := newTestClient(t, Config{URLEU: s.URL, CAFile: caFile(t)})
	results := make(chan error, calls)
	for range calls {
		go func() {
			_, err := c.Do(t.Context(), authCall())
			results <- err
		}()
	}
	for range calls {
		require.NoError(t, <-results)
	}
}

func TestDo_OK_Interim(t *testing.T) {
	t.Parallel()
	g := newGate(t, serverTLS(t), func(_ *gate, _ int64, c *gateConn) {
		if reference, ok := c.readRequest(); ok {
			_, _ = io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n")
			c.approve(reference)
		}
	})
	_, err := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t)}).Do(t.Context(), authCall())
	require.NoError(t, err)
}

func TestDo_OK_ThroughProxy(t *testing.T) {
	t.Parallel()
	s := newServer(t, okHandler)
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		up, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer up.Close()
		down, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer down.Close()
		_, _ = io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			_, _ = io.Copy(up, down)
			_ = up.Close()
		}()
		_, _ = io.Copy(down, up)
	}))
	t.Cleanup(proxy.Close)
	through, err := url.Parse(strings.Replace(proxy.URL, "http://", "http://me:secret@", 1))
	require.NoError(t, err)
	c := newTestClient(t, Config{URLEU: s.URL, CAFile: caFile(t), Proxy: http.ProxyURL(through)})
	_, err = c.Do(t.Context(), authCall())
	require.NoError(t, err)
	c.Close()
	require.Equal(t, "CONNECT "+s.Listener.Addr().String()+" Basic bWU6c2VjcmV0", <-asked)
}

func TestNew_ErrAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, url, want string }{
		{"plain", "http://gateway.example/json/", "region EU: the address of the gateway at gateway.example does not start with https://"},
		{"no host", "https:///json/", "region EU: the address of the gateway names no host"},
		{"password", "https://me:secret@gateway.example/", "region EU: the address of the gateway at gateway.example holds more than host, port and path"},
		{"query", "https://gateway.example/?a=b", "region EU: the address of the gateway at gateway.example holds more than host, port and path"},
		{"nonsense", "https://me:secret@gate way/", "region EU: the address of the gateway is not a URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Config{URLEU: tc.url})
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestNew_ErrCAFile(t *testing.T) {
	t.Parallel()
	_, err := New(Config{CAFile: t.TempDir() + "/none.pem"})
	require.ErrorContains(t, err, EnvCAFile)
	_, err = New(Config{CAFile: "client_test.go"})
	require.ErrorContains(t, err, "holds no certificate")
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	env := map[string]string{EnvURLEU: "https://eu.example/", EnvURLUS: "https://us.example/", EnvCAFile: "/ca.pem"}
	cfg := FromEnvironment(func(name string) string { return env[name] })
	require.Equal(t, [...]string{"https://eu.example/", "https://us.example/", "/ca.pem"}, [...]string{cfg.URLEU, cfg.URLUS, cfg.CAFile})
	c, err := New(FromEnvironment(func(string) string { return "" }))
	require.NoError(t, err)
	require.Equal(t, DefaultURLEU, c.endpoints[RegionEU].url.String())
	require.Equal(t, DefaultURLUS, c.endpoints[RegionUS].url.String())
	require.Equal(t, "webservices.securetrading.net:443", c.endpoints[RegionEU].address)
}

// failure asserts the kind of error that every call promises.
func failure(t *testing.T, err error) *CallError {
	t.Helper()
	var f *CallError
	require.ErrorAs(t, err, &f)
	require.NotContains(t, err.Error(), testPassword.Reveal())
	return f
}

func TestDo_Unknown(t *testing.T) {
	t.Parallel()
	respond := func(text string) func(*gate, int64, *gateConn) {
		return func(_ *gate, _ int64, c *gateConn) {
			if reference, ok := c.readRequest(); ok {
				_, _ = io.WriteString(c, strings.ReplaceAll(text, "REF", reference))
			}
		}
	}
	body := okBody("REF......")
	length := func(s string) string { return "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + s }
	for _, tc := range []struct {
		name   string
		script func(*gate, int64, *gateConn)
		status int
		cause  error
	}{
		{"reset after reading", func(_ *gate, _ int64, c *gateConn) { c.readRequest(); c.reset() }, 0, ErrNoAnswer},
		{"closed after reading", func(_ *gate, _ int64, c *gateConn) { c.readRequest() }, 0, ErrNoAnswer},
		{"stalls", func(_ *gate, _ int64, c *gateConn) { c.readRequest(); _, _ = c.Read(make([]byte, 1)) }, 0, ErrNoAnswer},
		{"header cut off", respond("HTTP/1.1 200 OK\r\nContent-Le"), 0, ErrNoAnswer},
		{"body cut off", respond(length(body)), 200, ErrNoAnswer},
		{"JSON cut off", respond("HTTP/1.1 200 OK\r\n\r\n" + body[:len(body)-4]), 200, ErrAnswer},
		{"not HTTP", respond("OK, Password1^\r\n\r\n"), 0, ErrNoAnswer},
		{"another reference", respond("HTTP/1.1 200 OK\r\n\r\n" + okBody("Axxxxxxxx")), 200, ErrAnswer},
		{"no reference", respond("HTTP/1.1 200 OK\r\n\r\n" + `{"response":[{"errorcode":"0"}]}`), 200, ErrAnswer},
		{"HTML", respond("HTTP/1.1 200 OK\r\n\r\n<html></html>"), 200, ErrAnswer},
		{"500", respond("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"), 500, ErrStatus},
		{"400", respond("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), 400, ErrStatus},
		{"401", respond("HTTP/1.1 401 Authorization Required\r\nContent-Length: 6\r\n\r\n<html>"), 401, ErrStatus},
		{"redirect", respond("HTTP/1.1 307 Temporary Redirect\r\nLocation: /json/\r\nContent-Length: 0\r\n\r\n"), 307, ErrStatus},
		{"upgrade", respond("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"), 101, ErrStatus},
		{"endless interim", respond(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20)), 0, ErrNoAnswer},
		{"compressed", respond("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), 200, ErrNoAnswer},
		{"body too large", respond("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 5000)), 200, ErrNoAnswer},
		{"header too large", respond("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader+5000) + "\r\n\r\n"), 0, ErrNoAnswer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, serverTLS(t), tc.script)
			c := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t)})
			call := authCall()
			call.MaxBody = 4096
			call.AnswerWithin = 5 * time.Second
			if tc.name == "stalls" {
				call.AnswerWithin = 50 * time.Millisecond
			}
			_, err := c.Do(t.Context(), call)
			f := failure(t, err)
			require.True(t, f.Sent)
			require.ErrorIs(t, err, tc.cause)
			require.Equal(t, tc.status, f.HTTPStatus)
			require.EqualValues(t, 1, g.requests.Load(), "sent once and never again")
			require.Empty(t, c.endpoints[RegionEU].pool.idle, "a connection in disorder is not kept")
		})
	}
}

func TestDo_Unknown_CancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	g := newGate(t, serverTLS(t), func(_ *gate, _ int64, c *gateConn) {
		c.readRequest()
		close(arrived)
		_, _ = c.Read(make([]byte, 1))
	})
	c := newTestClient(t, Config{URLEU: g.url, CAFile: caFile(t)})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := c.Do(ctx, authCall())
	require.True(t, failure(t, err).Sent)
	require.ErrorIs(t, err, context.Canceled)
}

func TestDo_ErrRequest(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, Config{})
	for name, call := range map[string]Call{
		"region":   {Region: "MARS", Requests: []Request{{Type: TypeAuth}}},
		"none":     {Region: RegionEU},
		"too many": {Region: RegionEU, Requests: make([]Request, MaxElements+1)},
	} {
		_, err := c.Do(t.Context(), call)
		require.False(t, failure(t, err).Sent, name)
		require.ErrorIs(t, err, ErrRequest, name)
	}
}

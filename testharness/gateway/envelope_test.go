package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestEnvelope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.mint()
	w := b.post(body(t, auth(parent)))
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	a := decode(t, w.Body.Bytes())
	require.Equal(t, "1.00", a.Version)
	require.Regexp(t, `^W55-[0-9a-z]{8}$`, a.RequestReference)
	require.NotEmpty(t, a.Secrand)
	require.Nil(t, a.Responses)

	a = decode(t, b.post(body(t, auth(parent).with(fields{"requestreference": "Aelement1"}))).Body.Bytes())
	require.Equal(t, "Aelement1", a.RequestReference)
	header := func(r *http.Request) { r.Header.Set("Requestreference", "Aheader12") }
	a = decode(t, b.post(body(t, auth(parent).with(fields{"requestreference": "Aelement1"})), header).Body.Bytes())
	require.Equal(t, "Aheader12", a.RequestReference)
	a = decode(t, b.post(body(t, auth(parent), auth(parent)), header).Body.Bytes())
	require.Equal(t, "Aheader12", a.RequestReference)
	require.Len(t, a.Response, 2)
}

func TestShapesVaryBySeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, plain bool) (bodies []string) {
		b := setup(t, func(cfg *gateway.Config) { cfg.Seed, cfg.Switches.Plain = seed, plain })
		parent := b.mint()
		for range 20 {
			bodies = append(bodies, b.post(body(t, auth(parent))).Body.String())
		}
		return bodies
	}
	first, second := run(7, false), run(7, false)
	require.Equal(t, first, second, "the same seed, the same bytes")
	require.NotEqual(t, run(7, false), run(8, false))

	shapes := func(bodies []string) (orders, sizes map[string]bool) {
		orders, sizes = map[string]bool{}, map[string]bool{}
		for _, text := range bodies {
			orders[text[:20]] = true
			keys, err := json.Marshal(len(decode(t, []byte(text)).Response[0]))
			require.NoError(t, err)
			sizes[string(keys)] = true
		}
		return orders, sizes
	}
	orders, sizes := shapes(run(7, false))
	require.Greater(t, len(orders), 2)
	require.Greater(t, len(sizes), 2)
	_, sizes = shapes(run(7, true))
	require.Len(t, sizes, 1)
	for _, text := range run(7, true) {
		require.True(t, strings.HasPrefix(text, `{"requestreference":"W55-`))
	}
}

func TestHTTPRules(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) {
		cfg.Users[0].Addresses = []string{"127.0.0.0/8", "10.1.2.3"}
		cfg.Users = append(cfg.Users,
			gateway.User{Name: "locked@example.com", Password: "p", Locked: true, Sites: []string{gateway.DefaultSite}})
	})
	good := string(body(t, auth(b.mint())))
	login := func(name, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(name, password) }
	}
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
	}{
		"good":                   {good, func(*http.Request) {}, 200},
		"wrong password":         {good, login(gateway.DefaultUser, "password1^"), 401},
		"no password":            {good, func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"unknown user":           {good, login("nobody@example.com", gateway.DefaultPassword), 401},
		"locked":                 {good, login("locked@example.com", "p"), 401},
		"other address":          {good, from("192.0.2.1:999"), 401},
		"one address":            {good, from("10.1.2.3:999"), 200},
		"mapped address":         {good, from("[::ffff:127.0.0.1]:999"), 200},
		"no address":             {good, from("pipe"), 401},
		"forged address":         {good, func(r *http.Request) { r.RemoteAddr = "192.0.2.1:9"; r.Header.Set("X-Forwarded-For", "127.0.0.1") }, 401},
		"not UTF-8":              {"{\"a\":\"\xff\"}", func(*http.Request) {}, 400},
		"not UTF-8 nor password": {"\xff", login("x", "y"), 401},
		"GET":                    {good, func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"too large":              {strings.Repeat(" ", 1<<20+1), func(*http.Request) {}, 413},
		"too large, chunked":     {strings.Repeat(" ", 1<<20+1), func(r *http.Request) { r.ContentLength = -1 }, 413},
		"chunked":                {good, func(r *http.Request) { r.ContentLength = -1 }, 200},
		"elsewhere":              {good, func(r *http.Request) { r.URL.Path = "/jwt/" }, 404},
	} {
		w := b.post([]byte(c.body), c.change)
		require.Equal(t, c.status, w.Code, name)
		switch c.status {
		case 200:
			require.Equal(t, "0", decode(t, w.Body.Bytes()).Response[0]["errorcode"], name)
		default:
			require.Contains(t, w.Header().Get("Content-Type"), "text/html", name)
			require.Contains(t, w.Body.String(), "<h1>", name)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) { cfg.Switches.Plain = true })
	for text, c := range map[string]struct {
		code string
		data any
	}{
		`{"alias":`:           {"10205", []any{"invalid json"}},
		`[]`:                  {"10205", []any{"invalid json"}},
		`"text"`:              {"10205", []any{"invalid json"}},
		``:                    {"60018", []any{"None"}},
		`{}`:                  {"60018", []any{"None"}},
		`{"request":[]}`:      {"60018", []any{"None"}},
		`{"request":{"a":1}}`: {"60018", []any{"None"}},
		`{"alias":"` + gateway.DefaultUser + `","request":[7]}`:                                     {"60018", []any{"None"}},
		`{"alias":"other@example.com","request":[{"requesttypedescription":"AUTH"}]}`:               {"30000", []any{"alias"}},
		`{"request":[{"requesttypedescription":"AUTH"}]}`:                                           {"30000", []any{"alias"}},
		`{"alias":"` + gateway.DefaultUser + `","request":[` + strings.Repeat("{},", 1000) + `{}]}`: {"30000", []any{"request"}},
	} {
		w := b.post([]byte(text))
		require.Equal(t, http.StatusOK, w.Code, text)
		a := decode(t, w.Body.Bytes())
		require.Len(t, a.Response, 1, text)
		require.Equal(t, "ERROR", a.Response[0]["requesttypedescription"], text)
		require.Equal(t, c.code, a.Response[0]["errorcode"], text)
		require.Equal(t, c.data, a.Response[0]["errordata"], text)
		require.NotContains(t, a.Response[0], "transactionreference")
	}
}

func TestNoGatewayRight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(nil)
	u, ok := b.g.User(gateway.DefaultUser)
	require.True(t, ok)
	u.NoGatewayRight = true
	require.NoError(t, b.g.SetUser(u))
	for _, element := range []fields{auth(ref), query(fields{"transactionreference": is(ref)}), update(ref, "3")} {
		require.Equal(t, "21041", b.ask1(element)["errorcode"])
	}
	require.Equal(t, 0, b.entry(ref).SettleStatus)
}

// FuzzJSON sends any body: none breaks the service, and each is answered in full.
func FuzzJSON(f *testing.F) {
	b := setup(f)
	parent := b.mint()
	f.Add(body(f, auth(parent)))
	f.Add(body(f, direct(testCard), query(fields{"orderreference": is("K1-a1")})))
	f.Add(body(f, update(parent, "3")))
	f.Add([]byte(`{"alias":"webservices@example.com","request":[{"requesttypedescriptions":["TRANSACTIONQUERY"],"filter":{"sitereference":{"value":"x"}}},7]}`))
	for _, element := range []fields{
		trustly(), sofort(), ach(), order(), payout(), refund(parent, "1"), direct(testCard).with(monthly()).with(fields{"requesttypedescriptions": []string{"AUTH", "SUBSCRIPTION"}}),
		updates(parent, fields{"settlemainamount": "0.01", "settleduedate": "2026-03-05", "billingemail": "a@example.com", "transactionactive": "1"}),
		byCard("CACHETOKENISE", ""), byCard("AUTH", "ECOM").with(fields{"pan": nil, "cachetoken": "eyJjYWNoZXRva2VuIjoiMTMtYSJ9"}),
		byCard("CURRENCYRATE", "ECOM").with(fields{"dcccurrencyiso3a": "USD", "dccbaseamount": "125", "dcctype": "DCC"}),
		byCard("THREEDQUERY", "ECOM").with(fields{"termurl": "https://www.example.com", "acceptcustomeroutput": "2.00"}),
	} {
		f.Add(body(f, element))
	}
	f.Add([]byte("\xff"))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := httptest.NewRequest(http.MethodPost, "/json/", strings.NewReader(string(text)))
		r.SetBasicAuth(gateway.DefaultUser, gateway.DefaultPassword)
		w := httptest.NewRecorder()
		b.g.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			require.Contains(t, []int{400, 413}, w.Code)
			return
		}
		a := decode(t, w.Body.Bytes())
		require.NotEmpty(t, a.Response)
		require.NotEmpty(t, a.RequestReference)
		for _, element := range a.Response {
			require.IsType(t, "", element["errorcode"])
		}
	})
}

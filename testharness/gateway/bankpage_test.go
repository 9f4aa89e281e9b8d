package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// visit starts a bank transfer and returns its reference and the path of its page.
func (b *bench) visit(changes fields) (ref, path string) {
	b.t.Helper()
	a := b.ask1(trustly().with(changes))
	require.Equal(b.t, "0", a["errorcode"], a)
	to, err := url.Parse(a["redirecturl"].(string))
	require.NoError(b.t, err)
	return a["transactionreference"].(string), to.Path
}

// browse calls a page of the service; a form makes it a POST.
func (b *bench) browse(path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	b.g.Handler().ServeHTTP(w, r)
	return w
}

var agrees, declines, leaves = url.Values{"decision": {"agree"}, "bank": {"first"}}, url.Values{"decision": {"decline"}}, url.Values{"decision": {"leave"}}

func TestBankPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, path := b.visit(fields{"billinglastname": "<b>Öberg"})
	w := b.browse(path, nil)
	require.Equal(t, http.StatusOK, w.Code)
	for _, text := range []string{"Merchant " + gateway.DefaultSite, "10.50 EUR", "K1-a1", ref, "Åsa &lt;b&gt;Öberg", "First test bank"} {
		require.Contains(t, w.Body.String(), text)
	}
	require.NotContains(t, w.Body.String(), "Agree")
	require.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'; form-action 'self' https://shop.example.com")
	require.Contains(t, b.browse(path+"?bank=savings", nil).Body.String(), "your account at Test savings bank")
	require.NotContains(t, b.browse(path+"?bank=other", nil).Body.String(), "Agree")
	require.Equal(t, http.StatusOK, b.browse("/trustly/style.css", nil).Code)

	w = b.browse(path, agrees)
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "https://shop.example.com/thanks", w.Header().Get("Location"))
	require.Equal(t, 10, b.entry(ref).SettleStatus)
	b.tick(day)
	require.Equal(t, 100, b.entry(ref).SettleStatus)
}

func TestBankPageIsUsedOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, other url.Values
		leads, tells string
		status       int
	}{
		"agreed":   {agrees, declines, "https://shop.example.com/thanks", "You have agreed", 10},
		"declined": {declines, agrees, "https://shop.example.com/again", "was declined", 3},
		"left":     {leaves, agrees, "/trustly/", "You have walked away", 10},
	} {
		b := setup(t)
		ref, path := b.visit(nil)
		for range 2 { // a double click is no second decision
			w := b.browse(path, c.first)
			require.Equal(t, http.StatusSeeOther, w.Code, name)
			require.True(t, strings.HasPrefix(w.Header().Get("Location"), c.leads), name)
		}
		history := len(b.entry(ref).History)
		w := b.browse(path, c.other)
		require.Equal(t, http.StatusGone, w.Code, name)
		require.Contains(t, w.Body.String(), c.tells)
		w = b.browse(path, nil)
		require.Equal(t, http.StatusGone, w.Code, name)
		require.Contains(t, w.Body.String(), c.tells)
		require.Equal(t, c.status, b.entry(ref).SettleStatus, name)
		require.Len(t, b.entry(ref).History, history, name)
		b.decide(ref, gateway.BankAgree) // the script still can
	}
}

// Of all who decide at the same moment one wins, and the others are told.
func TestBankPageAtTheSameTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, path := b.visit(nil)
	var all sync.WaitGroup
	codes := make([]int, 40)
	for i := range codes {
		all.Go(func() {
			codes[i] = b.browse(path, []url.Values{agrees, declines}[i%2]).Code
		})
	}
	all.Wait()
	agreed := b.entry(ref).SettleStatus == 10
	for i, code := range codes {
		want := http.StatusGone
		if agreed == (i%2 == 0) {
			want = http.StatusSeeOther
		}
		require.Equal(t, want, code)
	}
}

func TestBankPageErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, path := b.visit(nil)
	late, latePath := b.visit(nil)
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		path   string
		form   url.Values
		change []func(*http.Request)
		status int
		tells  string
	}{
		"unknown":            {"/trustly/abcdefghabcdefgh", nil, nil, 404, "no such payment"},
		"unknown, decided":   {"/trustly/abcdefghabcdefgh", agrees, nil, 404, "no such payment"},
		"by reference":       {"/trustly/" + ref, nil, nil, 404, "no such payment"},
		"by order":           {"/trustly/K1-a1", declines, nil, 404, "no such payment"},
		"nothing decided":    {path, url.Values{}, nil, 400, "Choose a bank"},
		"something else":     {path, url.Values{"decision": {"maybe"}}, nil, 400, "Choose a bank"},
		"no bank":            {path, url.Values{"decision": {"agree"}}, nil, 400, "Choose a bank"},
		"too long":           {path, url.Values{"decision": {"decline"}, "x": {strings.Repeat("x", 5000)}}, nil, 400, "Choose a bank"},
		"in the address":     {path + "?decision=decline", url.Values{}, nil, 400, "Choose a bank"},
		"from another page":  {path, declines, []func(*http.Request){header("Sec-Fetch-Site", "cross-site")}, 403, "cross-origin"},
		"from another, old":  {path, declines, []func(*http.Request){header("Origin", "https://shop.example.com")}, 403, "cross-origin"},
		"another method":     {path, nil, []func(*http.Request){func(r *http.Request) { r.Method = http.MethodPut }}, 404, ""},
		"nothing at its top": {"/trustly/", nil, nil, 404, ""},
	} {
		w := b.browse(c.path, c.form, c.change...)
		require.Equal(t, c.status, w.Code, name)
		require.Contains(t, w.Body.String(), c.tells, name)
	}
	require.Empty(t, ptr(b.session(ref)).Decision)
	b.clock.move(day - 1)
	require.Equal(t, http.StatusOK, b.browse(path, nil).Code)
	b.clock.move(1)
	for _, form := range []url.Values{nil, agrees} {
		w := b.browse(latePath, form)
		require.Equal(t, http.StatusGone, w.Code)
		require.Contains(t, w.Body.String(), "has expired")
	}
	require.Equal(t, 10, b.entry(late).SettleStatus)
}

func (b *bench) session(id string) gateway.BankSession {
	b.t.Helper()
	s, err := b.g.BankSession(id)
	require.NoError(b.t, err)
	return s
}

// What the admin address serves is for this machine's own callers.
func TestAdminAddressIsGuarded(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	for name, c := range map[string]struct {
		method, host, origin string
		status               int
	}{
		"own": {"POST", "", "", 200}, "rebound": {"GET", "evil.example.com", "", 421}, "other page": {"POST", "", "https://evil.example.com", 403},
	} {
		r, err := http.NewRequest(c.method, b.server.AdminURL()+"/switches", strings.NewReader("{}"))
		require.NoError(t, err)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, c.status, res.StatusCode, name)
	}
}

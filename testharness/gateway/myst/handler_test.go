package myst_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/myst"
	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// desk is a gateway whose pages are called without a browser.
type desk struct {
	t *testing.T
	g *gateway.Gateway
	h http.Handler
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	g, err := gateway.New(gateway.Config{Seed: 1})
	require.NoError(t, err)
	return &desk{t: t, g: g, h: myst.New(g)}
}

func (d *desk) get(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/myst/"+path, http.NoBody))
	return w
}

func (d *desk) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/myst/"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return w
}

// done posts a form that is taken, and returns where it leads.
func (d *desk) done(path string, form url.Values) string {
	d.t.Helper()
	w := d.post(path, form)
	require.Equal(d.t, http.StatusSeeOther, w.Code, w.Body.String())
	return w.Header().Get("Location")
}

func (d *desk) card() string {
	d.t.Helper()
	e, err := d.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: "4111111111111111", Amount: 1000, Currency: "GBP"})
	require.NoError(d.t, err)
	return e.TransactionReference
}

func TestEveryPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.g.AddNotificationRules(notify.Rule{Site: gateway.DefaultSite, URL: "https://shop.example.com/n", Password: "s3cret^word"})
	require.NoError(t, err)
	ref := d.card()
	_, err = d.g.AddFaults(gateway.Fault{Effect: gateway.EffectHeld, OrderReference: "<b>"})
	require.NoError(t, err)
	for _, path := range []string{
		"", "transactions/" + ref, "terminal", "users", "user", "user?name=" + gateway.DefaultUser, "sites", "site",
		"site?reference=" + gateway.DefaultSite, "rules", "notifications", "notifications?transaction=" + ref, "clock", "clock?since=2020-01-01T00:00:00Z", "faults",
	} {
		w := d.get(path)
		body := w.Body.String()
		require.Equal(t, http.StatusOK, w.Code, "%s: %s", path, body)
		require.True(t, strings.HasSuffix(body, "</html>\n"), path)
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'", path)
		require.Equal(t, "DENY", w.Header().Get("X-Frame-Options"), path)
		for _, secret := range []string{gateway.DefaultPassword, "Password1", "s3cret^word", "<b>"} {
			require.NotContains(t, body, secret, path)
		}
		for _, inline := range []string{"<style", " style=", " onclick", "javascript:"} {
			require.NotContains(t, body, inline, path)
		}
		require.Equal(t, 1, strings.Count(body, "<script"), path)
	}
	for _, path := range []string{"nothing", "transactions/", "transactions/55-9-1", "user?name=nobody", "site?reference=none"} {
		require.Equal(t, http.StatusNotFound, d.get(path).Code, path)
	}
	require.NotContains(t, d.get("?done=%3Cb%3E").Body.String(), "said")
}

func TestFilter(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	pound := d.card()
	e, err := d.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: "5100000000000511", Amount: 999, Currency: "JPY", OrderReference: "K1", SettleStatus: 2})
	require.NoError(t, err)
	yen, today := e.TransactionReference, e.Started.Format("2006-01-02")
	for query, found := range map[string][2]bool{
		"":                               {true, true},
		"site=" + gateway.DefaultSite:    {true, true},
		"site=other":                     {false, false},
		"type=AUTH":                      {true, true},
		"type=REFUND":                    {false, false},
		"status=2":                       {false, true},
		"status=0":                       {true, false},
		"q=K1":                           {false, true},
		"q=" + pound:                     {true, false},
		"q=K[":                           {false, false},
		"currency=JPY":                   {false, true},
		"currency=JPY&least=999":         {false, true},
		"currency=JPY&least=1000":        {false, false},
		"least=10.00&most=10":            {true, false},
		"from=" + today + "&to=" + today: {true, true},
		"to=2020-01-01":                  {false, false},
		"from=2099-01-01":                {false, false},
		"after=" + yen:                   {true, false},
	} {
		w := d.get("?" + query)
		require.Equal(t, http.StatusOK, w.Code, query)
		for i, ref := range []string{pound, yen} {
			require.Equal(t, found[i], strings.Contains(w.Body.String(), "/transactions/"+ref), "%s: %s", query, ref)
		}
	}
	for _, query := range []string{"from=1.1.2026", "status=x", "status=-1", "least=1.234", "most=x", "to=x"} {
		require.Equal(t, http.StatusUnprocessableEntity, d.get("?"+query).Code, query)
	}
}

func TestStaff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ref := d.card()
	page := "transactions/" + ref
	require.Equal(t, "/myst/"+page+"?done=suspended", d.done(page, url.Values{"action": {"suspend"}}))
	require.Equal(t, http.StatusUnprocessableEntity, d.post(page, url.Values{"action": {"suspend"}}).Code, "60024")
	require.Equal(t, "/myst/"+page+"?done=released", d.done(page, url.Values{"action": {"release"}}))
	require.Equal(t, "/myst/clock", strings.Split(d.done("clock", url.Values{"by": {"48h"}}), "?")[0])
	w := d.post(page, url.Values{"action": {"cancel"}})
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), "60017")

	require.Equal(t, "/myst/"+page+"?done=refunded", d.done(page, url.Values{"action": {"refund"}, "amount": {"4.00"}}))
	body := d.get(page).Body.String()
	require.Contains(t, body, "REFUND")
	require.Contains(t, body, `name="amount" value="6.00"`, "what is left")
	w = d.post(page, url.Values{"action": {"refund"}, "amount": {"6.01"}})
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), "20007")
	for _, form := range []url.Values{{}, {"action": {"x"}}, {"action": {"refund"}, "amount": {"-1"}}, {"action": {"agree"}}} {
		require.Equal(t, http.StatusUnprocessableEntity, d.post(page, form).Code, form)
	}
	require.Equal(t, http.StatusNotFound, d.post("transactions/55-9-1", url.Values{"action": {"cancel"}}).Code)
	found, _ := d.g.Search(gateway.Search{Type: "REFUND"})
	require.Len(t, found, 1)
	require.Equal(t, int64(400), found[0].Amount)
	require.Equal(t, gateway.Staff, found[0].User)
}

func TestSitesAndSwitches(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.done("site", url.Values{"new": {"1"}, "reference": {"test_second"}, "accounts": {"ECOM; MOTO"}, "currencies": {"EUR GBP"}, "multiple": {"3"}, "duplicate": {"1"}})
	s, known := d.g.Site("test_second")
	require.True(t, known)
	require.Equal(t, gateway.Site{
		Reference: "test_second", Accounts: []string{"ECOM", "MOTO"}, Currencies: []string{"EUR", "GBP"}, MaxMultiple: 3, DuplicateCheck: true,
	}, s)
	d.done("site", url.Values{"reference": {"test_second"}, "accounts": {"ECOM"}, "strict": {"1"}, "min_refund": {"10"}, "payment_types": {"TRUSTLY"}})
	s, _ = d.g.Site("test_second")
	require.Equal(t, gateway.Site{
		Reference: "test_second", Accounts: []string{"ECOM"}, Currencies: s.Currencies, StrictRefunds: true, MinRefund: 10, PaymentTypes: []string{"TRUSTLY"},
	}, s)
	require.Empty(t, s.Currencies)

	d.done("switches", url.Values{"query_lag": {"5s"}, "expired_declined": {"1"}, "plain": {"1"}})
	require.Equal(t, gateway.Switches{QueryLag: 5e9, ExpiredDeclined: true, Plain: true}, d.g.Switches())
	d.done("switches", url.Values{})
	require.Equal(t, gateway.Switches{}, d.g.Switches())

	for text, c := range map[string]struct {
		path string
		form url.Values
	}{
		"there is a site":        {"site", url.Values{"new": {"1"}, "reference": {"test_second"}}},
		"no such site":           {"site", url.Values{"reference": {"test_third"}}},
		"account type":           {"site", url.Values{"new": {"1"}, "reference": {"test_third"}, "accounts": {"X"}}},
		"three capital":          {"site", url.Values{"new": {"1"}, "reference": {"test_third"}, "currencies": {"POUND"}}},
		"whole number":           {"site", url.Values{"new": {"1"}, "reference": {"test_third"}, "multiple": {"x"}}},
		"is no duration":         {"switches", url.Values{"latency": {"soon"}}},
		"no such user":           {"user", url.Values{"name": {"nobody@example.com"}, "addresses": {"::1"}}},
		"there is a user":        {"user", url.Values{"new": {"1"}, "name": {gateway.DefaultUser}, "addresses": {"::1"}, "password": {"x"}}},
		"has no password":        {"user", url.Values{"new": {"1"}, "name": {"new@example.com"}, "addresses": {"::1"}}},
		"at least one":           {"user", url.Values{"new": {"1"}, "name": {"new@example.com"}, "password": {"x"}}},
		"there is no site":       {"user", url.Values{"new": {"1"}, "name": {"new@example.com"}, "password": {"x"}, "addresses": {"::1"}, "sites": {"none"}}},
		"MM/YYYY":                {"terminal", url.Values{"site": {gateway.DefaultSite}, "card": {"4111111111111111"}, "amount": {"1"}, "currency": {"GBP"}, "settlestatus": {"0"}, "expiry": {"x"}}},
		"settle due date":        {"terminal", url.Values{"site": {gateway.DefaultSite}, "card": {"4111111111111111"}, "amount": {"1"}, "currency": {"GBP"}, "settlestatus": {"0"}, "due": {"2020-01-01"}}},
		"0, 1 or 2":              {"terminal", url.Values{"site": {gateway.DefaultSite}, "card": {"4111111111111111"}, "amount": {"1"}, "currency": {"GBP"}}},
		"write it like":          {"terminal", url.Values{"site": {gateway.DefaultSite}, "card": {"4111111111111111"}, "currency": {"GBP"}}},
		"not within":             {"clock", url.Values{"duration": {"99999h"}}},
		"no story":               {"faults", url.Values{"story": {"none"}}},
		"how far":                {"clock", url.Values{}},
		"no site":                {"rules", url.Values{"site": {"none"}, "url": {"https://shop.example.com/"}}},
		"class=\"box said wrong": {"notifications", url.Values{"id": {"x"}}},
	} {
		w := d.post(c.path, c.form)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, text)
		require.Contains(t, w.Body.String(), text)
	}
	require.Len(t, d.g.Users(), 1)
	require.Empty(t, d.g.Ledger())
}

// A post that is too long comes to nothing.
func TestLongForm(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	w := d.post("faults", url.Values{"script": {`{"effect":"held"}` + strings.Repeat(" ", 1<<20)}})
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Empty(t, d.g.Faults())
}

package myst_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/myst"
)

type fields map[string]any

// bench is a gateway that serves its pages, and a client of the service.
type bench struct {
	t      *testing.T
	g      *gateway.Gateway
	server *gateway.Server
	client *http.Client
	// password that calls are made with.
	password string
}

func setup(t *testing.T) *bench {
	t.Helper()
	g, err := gateway.New(gateway.Config{Seed: 1})
	require.NoError(t, err)
	b := &bench{t: t, g: g, password: gateway.DefaultPassword}
	b.server, err = g.Start(t.Context(), gateway.Listen{Pages: myst.New(g)})
	require.NoError(t, err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: b.server.CAPool(), MinVersion: tls.VersionTLS12}}
	b.client = &http.Client{Transport: transport, Timeout: browserLimit}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(t, b.server.Close())
	})
	return b
}

// page is the address of one of the pages.
func (b *bench) page(path string) string { return b.server.AdminURL() + "/myst/" + path }

// call sends one element, and returns its answer if the call was let in.
func (b *bench) call(element fields) (status int, answer map[string]any) {
	b.t.Helper()
	body, err := json.Marshal(fields{"alias": gateway.DefaultUser, "version": "1.00", "request": []fields{element}})
	require.NoError(b.t, err)
	r, err := http.NewRequest(http.MethodPost, b.server.JSONURL(), bytes.NewReader(body))
	require.NoError(b.t, err)
	r.SetBasicAuth(gateway.DefaultUser, b.password)
	res, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, nil
	}
	var out struct{ Response []map[string]any }
	require.NoError(b.t, json.Unmarshal(text, &out), string(text))
	require.Len(b.t, out.Response, 1)
	return res.StatusCode, out.Response[0]
}

// ask sends an element that is to be approved.
func (b *bench) ask(element fields) map[string]any {
	b.t.Helper()
	status, a := b.call(element)
	require.Equal(b.t, http.StatusOK, status)
	require.Equal(b.t, "0", a["errorcode"], a)
	return a
}

// card stores a card and returns its reference.
func (b *bench) card() string {
	b.t.Helper()
	e, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: "4111111111111111", Amount: 1, Currency: "GBP", CredentialsOnFile: "1"})
	require.NoError(b.t, err)
	return e.TransactionReference
}

func auth(parent, order string) fields {
	return fields{
		"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"parenttransactionreference": parent, "baseamount": "1050", "currencyiso3a": "GBP", "orderreference": order,
		"credentialsonfile": "2", "initiationreason": "C",
	}
}

// charge charges a stored card and returns the reference.
func (b *bench) charge(parent, order string) string {
	b.t.Helper()
	return b.ask(auth(parent, order))["transactionreference"].(string)
}

// entry is a transaction as it really is.
func (b *bench) entry(ref string) gateway.Entry {
	b.t.Helper()
	v, err := b.g.View(ref)
	require.NoError(b.t, err)
	return v.Entry
}

// shop is where customers are sent back to.
func shop(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>Shop</title><h1>"+map[string]string{"/thanks": "Thank you", "/again": "Try again"}[r.URL.Path]+"</h1>")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// transfer starts a bank transfer.
func (b *bench) transfer(shop, order string) (ref, redirect string) {
	b.t.Helper()
	a := b.ask(fields{
		"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"paymenttypedescription": "TRUSTLY", "baseamount": "1050", "currencyiso3a": "EUR", "orderreference": order,
		"billingfirstname": "Åsa", "billinglastname": "Öberg", "billingcountryiso2a": "SE", "customerip": "192.0.2.7",
		"successfulurlredirect": shop + "/thanks", "errorurlredirect": shop + "/again",
	})
	require.Equal(b.t, "10", a["settlestatus"])
	return a["transactionreference"].(string), a["redirecturl"].(string)
}

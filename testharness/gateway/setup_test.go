package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testCard = "4111111111111111"

// begin is a Wednesday morning.
var begin = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type fields map[string]any

// with returns a copy with changes; nil deletes.
func (f fields) with(changes fields) fields {
	out := fields{}
	for _, from := range []fields{f, changes} {
		for name, value := range from {
			if out[name] = value; value == nil {
				delete(out, name)
			}
		}
	}
	return out
}

// bench is a gateway and ways to speak to it.
type bench struct {
	t     testing.TB
	g     *gateway.Gateway
	clock *clock
	// server and client are there after serve.
	server *gateway.Server
	client *http.Client
}

func setup(t testing.TB, change ...func(*gateway.Config)) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{now: begin}}
	cfg := gateway.Config{
		Now: b.clock.Now, Seed: 1,
		Sites: []gateway.Site{{Reference: gateway.DefaultSite}},
		Users: []gateway.User{{Name: gateway.DefaultUser, Password: gateway.DefaultPassword, Sites: []string{gateway.DefaultSite}}},
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	b.g, err = gateway.New(cfg)
	require.NoError(t, err)
	return b
}

// site changes the default site.
func site(change func(*gateway.Site)) func(*gateway.Config) {
	return func(cfg *gateway.Config) { change(&cfg.Sites[0]) }
}

// serve starts real ports.
func (b *bench) serve() *bench {
	b.t.Helper()
	var err error
	b.server, err = b.g.Start(context.Background(), gateway.Listen{})
	require.NoError(b.t, err)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: b.server.CAPool(), MinVersion: tls.VersionTLS12},
	}
	b.client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	b.t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(b.t, b.server.Close())
	})
	return b
}

// mint makes a stored card of 0.01 GBP.
func (b *bench) mint() string {
	b.t.Helper()
	e, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Amount: 1, Currency: "GBP", CredentialsOnFile: "1"})
	require.NoError(b.t, err)
	require.Equal(b.t, "0", e.ErrorCode)
	return e.TransactionReference
}

// auth is a charge of a stored card.
func auth(parent string) fields {
	return fields{
		"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"parenttransactionreference": parent, "baseamount": "1050", "currencyiso3a": "GBP", "orderreference": "K1-a1",
		"credentialsonfile": "2", "initiationreason": "C",
	}
}

// direct is a charge of a card number.
func direct(card string) fields {
	return fields{
		"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"pan": card, "expirydate": "12/2030", "securitycode": "123", "baseamount": "1050", "currencyiso3a": "GBP", "orderreference": "K1-a1",
	}
}

func query(filter fields) fields {
	return fields{"requesttypedescriptions": []string{"TRANSACTIONQUERY"}, "filter": filter}
}

func is(values ...string) []fields {
	out := []fields{}
	for _, v := range values {
		out = append(out, fields{"value": v})
	}
	return out
}

func update(ref, status string) fields {
	return fields{
		"requesttypedescriptions": []string{"TRANSACTIONUPDATE"},
		"filter":                  fields{"sitereference": is(gateway.DefaultSite), "transactionreference": is(ref)},
		"updates":                 fields{"settlestatus": status},
	}
}

func body(t testing.TB, elements ...fields) []byte {
	t.Helper()
	out, err := json.Marshal(fields{"alias": gateway.DefaultUser, "version": "1.00", "request": elements})
	require.NoError(t, err)
	return out
}

// post sends a body straight to the handler.
func (b *bench) post(body []byte, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/json/", bytes.NewReader(body))
	r.SetBasicAuth(gateway.DefaultUser, gateway.DefaultPassword)
	r.RemoteAddr = "127.0.0.1:40000"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	b.g.Handler().ServeHTTP(w, r)
	return w
}

// answer is an envelope as a tolerant client reads it.
type answer struct {
	RequestReference string           `json:"requestreference"`
	Version          string           `json:"version"`
	Secrand          string           `json:"secrand"`
	Response         []map[string]any `json:"response"`
	Responses        []map[string]any `json:"responses"`
}

func decode(t testing.TB, body []byte) answer {
	t.Helper()
	var a answer
	require.NoError(t, json.Unmarshal(body, &a), string(body))
	return a
}

// ask sends elements to the handler and returns their answers, one for each.
func (b *bench) ask(elements ...fields) []map[string]any {
	b.t.Helper()
	answers := b.askAny(elements...)
	require.Len(b.t, answers, len(elements))
	return answers
}

// askAny is ask for elements that get more answers than one, or fewer.
func (b *bench) askAny(elements ...fields) []map[string]any {
	b.t.Helper()
	text := body(b.t, elements...)
	if inXML {
		if a, said := b.askXML(text); said {
			return a.Response
		}
	}
	w := b.post(text)
	require.Equal(b.t, http.StatusOK, w.Code)
	return decode(b.t, w.Body.Bytes()).Response
}

func (b *bench) ask1(element fields) map[string]any {
	b.t.Helper()
	return b.ask(element)[0]
}

// charge charges a new stored card and returns the reference.
func (b *bench) charge(changes fields) string {
	b.t.Helper()
	a := b.ask1(auth(b.mint()).with(changes))
	require.Equal(b.t, "0", a["errorcode"], a)
	return a["transactionreference"].(string)
}

// records asks for records and returns them by reference.
func (b *bench) records(filter fields) map[string]map[string]any {
	b.t.Helper()
	a := b.ask1(query(filter))
	require.Equal(b.t, "0", a["errorcode"], a)
	out := map[string]map[string]any{}
	list, _ := a["records"].([]any)
	for _, r := range list {
		record := r.(map[string]any)
		out[record["transactionreference"].(string)] = record
	}
	require.Len(b.t, list, len(out))
	return out
}

// record asks for one transaction.
func (b *bench) record(ref string) map[string]any {
	b.t.Helper()
	found := b.records(fields{"transactionreference": is(ref)})
	require.Contains(b.t, found, ref)
	return found[ref]
}

// entry finds a transaction in the ledger.
func (b *bench) entry(ref string) gateway.Entry {
	b.t.Helper()
	for _, e := range b.g.Ledger() {
		if e.TransactionReference == ref {
			return e
		}
	}
	require.Fail(b.t, "not in the ledger", ref)
	return gateway.Entry{}
}

// orders returns the ledger's transactions of an order.
func (b *bench) orders(order string) []gateway.Entry {
	var out []gateway.Entry
	for _, e := range b.g.Ledger() {
		if e.OrderReference == order {
			out = append(out, e)
		}
	}
	return out
}

func (b *bench) tick(d time.Duration) {
	b.t.Helper()
	_, err := b.g.Tick(d)
	require.NoError(b.t, err)
}

// send posts over HTTPS.
func (b *bench) send(element fields) (status int, content []byte, err error) {
	b.t.Helper()
	return b.sendIn(context.Background(), element)
}

// leave posts over HTTPS and goes away without an answer once that is so.
func (b *bench) leave(element fields, once func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, _, err := b.sendIn(ctx, element)
		failed <- err
	}()
	require.Eventually(b.t, once, time.Minute, time.Millisecond)
	require.Empty(b.t, failed, "there is no answer yet")
	cancel()
	require.ErrorIs(b.t, <-failed, context.Canceled)
}

func (b *bench) sendIn(ctx context.Context, element fields) (status int, content []byte, err error) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.server.JSONURL(), bytes.NewReader(body(b.t, element)))
	require.NoError(b.t, err)
	r.SetBasicAuth(gateway.DefaultUser, gateway.DefaultPassword)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Requestreference", "Aabcdefgh")
	res, err := b.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	content, err = io.ReadAll(res.Body)
	return res.StatusCode, content, err
}

// journal reads a journal as it stands.
func (b *bench) journal(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(b.t, err)
	return string(text)
}

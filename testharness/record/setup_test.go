package record_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testCard = "4111111111111111"
	realCard = "4012888888881881" // a right check digit, and no test card of the simulator
)

type fields map[string]any

// bench is a simulator in the gateway's place, a recorder before it, and a
// client before that.
type bench struct {
	t      *testing.T
	g      *gateway.Gateway
	server *gateway.Server
	proxy  *record.Proxy
	client *http.Client
	file   string
	closed bool
}

// standIn starts a simulator that plays the gateway.
func standIn(t *testing.T, change ...func(*gateway.Config)) (*gateway.Gateway, *gateway.Server) {
	t.Helper()
	cfg := gateway.Config{Seed: 1, Switches: gateway.Switches{AnyCard: true}}
	for _, c := range change {
		c(&cfg)
	}
	g, err := gateway.New(cfg)
	require.NoError(t, err)
	server, err := g.Start(context.Background(), gateway.Listen{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return g, server
}

func setup(t *testing.T, change ...func(*record.Config)) *bench {
	t.Helper()
	b := &bench{t: t, file: filepath.Join(t.TempDir(), "recording.jsonl")}
	b.g, b.server = standIn(t)
	cfg := record.Config{To: "https://" + hostOf(b.server), File: b.file, Roots: b.server.CAPool()}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	b.proxy, err = record.Start(context.Background(), cfg)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(b.proxy.CAPEM()))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	b.client = &http.Client{Transport: transport, Timeout: time.Minute}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		b.close()
	})
	return b
}

func hostOf(s *gateway.Server) string {
	u := s.JSONURL()
	return u[len("https://") : len(u)-len("/json/")]
}

// close ends the recording and returns it.
func (b *bench) close() string {
	b.t.Helper()
	if !b.closed {
		b.closed = true
		b.client.CloseIdleConnections()
		require.NoError(b.t, b.proxy.Close())
	}
	content, err := os.ReadFile(b.file)
	require.NoError(b.t, err)
	return string(content)
}

// said is what an answer had.
type said struct {
	status int
	header http.Header
}

// call posts a body by the recorder.
func (b *bench) call(path, contentType, body string, change ...func(*http.Request)) (said, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.proxy.URL()+path, bytes.NewBufferString(body))
	require.NoError(b.t, err)
	r.SetBasicAuth(gateway.DefaultUser, gateway.DefaultPassword)
	r.Header.Set("Content-Type", contentType)
	for _, c := range change {
		c(r)
	}
	res, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return said{res.StatusCode, res.Header}, string(content)
}

// ask sends elements in JSON and returns the answers.
func (b *bench) ask(elements ...fields) []map[string]any {
	b.t.Helper()
	body, err := json.Marshal(fields{"alias": gateway.DefaultUser, "version": "1.00", "request": elements})
	require.NoError(b.t, err)
	res, text := b.call("/json/", "application/json", string(body), func(r *http.Request) { r.Header.Set("Requestreference", "Aabcdefgh") })
	require.Equal(b.t, http.StatusOK, res.status, text)
	var answer struct {
		Response []map[string]any `json:"response"`
	}
	require.NoError(b.t, json.Unmarshal([]byte(text), &answer), text)
	return answer.Response
}

// mint makes a stored card.
func (b *bench) mint() string {
	b.t.Helper()
	e, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Amount: 1, Currency: "GBP", CredentialsOnFile: "1"})
	require.NoError(b.t, err)
	return e.TransactionReference
}

func child(parent string) fields {
	return fields{
		"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"parenttransactionreference": parent, "baseamount": "1050", "currencyiso3a": "GBP", "orderreference": "K1-a1",
		"credentialsonfile": "2", "initiationreason": "C", "settlestatus": "2",
	}
}

func one(value string) []fields { return []fields{{"value": value}} }

// session is what a client that charges stored cards does, and some that goes
// wrong.
func (b *bench) session() {
	b.t.Helper()
	parent := b.mint()
	require.Equal(b.t, "1", b.ask(fields{
		"requesttypedescriptions": []string{"TRANSACTIONQUERY"},
		"filter":                  fields{"sitereference": one(gateway.DefaultSite), "transactionreference": one(parent)},
	})[0]["found"])
	held := b.ask(child(parent))[0]
	require.Equal(b.t, "0", held["errorcode"], held)
	ref, _ := held["transactionreference"].(string)
	b.ask(fields{
		"requesttypedescriptions": []string{"TRANSACTIONUPDATE"}, "updates": fields{"settlestatus": "0"},
		"filter": fields{"sitereference": one(gateway.DefaultSite), "transactionreference": one(ref)},
	})
	b.ask(fields{
		"requesttypedescriptions": []string{"TRANSACTIONQUERY"},
		"filter":                  fields{"sitereference": one(gateway.DefaultSite), "orderreference": one("K1-a1")},
	})
	declined := child(parent)
	declined["baseamount"], declined["orderreference"] = "70000", "K1-a2"
	require.Equal(b.t, "70000", b.ask(declined)[0]["errorcode"])
	require.Equal(b.t, "20004", b.ask(child("55-9-99999999"))[0]["errorcode"])
	bad := child(parent)
	bad["baseamount"] = "12.3"
	require.Equal(b.t, "30000", b.ask(bad)[0]["errorcode"])
	require.Equal(b.t, "0", b.ask(fields{
		"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"pan": testCard, "expirydate": "12/2039", "securitycode": "123", "baseamount": "1050", "currencyiso3a": "GBP", "orderreference": "K2-a1",
		"billingpremise": "No 789", "billingpostcode": "TR12 3ST", "billingfirstname": "Somebody", "customerip": "203.0.113.9", "billingdob": "1980-01-31",
	})[0]["errorcode"])
	res, _ := b.call("/xml/", "text/xml;charset=utf-8", `<requestblock version="3.67"><alias>`+gateway.DefaultUser+`</alias><request type="AUTH">
		<operation><sitereference>`+gateway.DefaultSite+`</sitereference><accounttypedescription>ECOM</accounttypedescription>
		<parenttransactionreference>`+parent+`</parenttransactionreference></operation>
		<merchant><orderreference>K3-a1</orderreference></merchant>
		<billing><amount currencycode="GBP">1050</amount></billing></request></requestblock>`)
	require.Equal(b.t, http.StatusOK, res.status)
	res, _ = b.call("/json/", "application/json", `{"alias":"x","request":[{"sitereference":"test_site12345"}]}`, func(r *http.Request) { r.SetBasicAuth("x", "y") })
	require.Equal(b.t, http.StatusUnauthorized, res.status)
}

package trustpayments

import (
	"encoding/pem"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testSite     = "test_site12345"
	testUser     = "webservices@example.com"
	testPassword = "Password1^"
)

var today = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)

// element is one element of a request or an answer.
type element map[string]any

// with gives a copy with other members; nil removes one.
func (e element) with(changes element) element {
	out := maps.Clone(e)
	for name, value := range changes {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = value
		}
	}
	return out
}

// bundle is a gateway, and what it was asked over the wire.
type bundle struct {
	*Gateway
	mu       sync.Mutex
	requests [][]element
}

func (b *bundle) sent() [][]element {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests
}

// setup makes a gateway whose calls are answered with the elements that answer
// gives for those of the request.
func setup(t testing.TB, answer func(request []element) []element) *bundle {
	t.Helper()
	return setupRaw(t, func(w http.ResponseWriter, reference string, request []element) {
		_, _ = w.Write(envelope(t, reference, answer(request)...))
	})
}

func setupRaw(t testing.TB, answer func(w http.ResponseWriter, reference string, request []element)) *bundle {
	t.Helper()
	b := &bundle{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		request := elementsOf(body)
		b.mu.Lock()
		b.requests = append(b.requests, request)
		b.mu.Unlock()
		answer(w, r.Header.Get("REQUESTREFERENCE"), request)
	}))
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	g, err := New(Config{
		Webservices: webservices.Config{
			URLEU: s.URL + "/json/", CAFile: file, Now: time.Now,
			Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
		},
		Now: func() time.Time { return today },
	})
	require.NoError(t, err)
	t.Cleanup(g.Close)
	b.Gateway = g
	return b
}

// offline makes a gateway that is expected to reach no network.
func offline(t testing.TB) *Gateway {
	t.Helper()
	g, err := New(Config{Webservices: webservices.Config{URLEU: "https://gateway.invalid/json/"}, Now: func() time.Time { return today }})
	require.NoError(t, err)
	t.Cleanup(g.Close)
	return g
}

func testSettings(changes map[string]string) payment.Settings {
	s := payment.Settings{fieldSite: testSite, fieldUser: testUser, fieldPassword: testPassword, fieldFormat: TestFormat}
	maps.Copy(s, changes)
	return s
}

func testAccess(changes map[string]string) payment.Access {
	return payment.Access{Company: "c1", Settings: testSettings(changes), Endpoint: "EU", Site: testSite}
}

func testCharge() payment.ChargeRequest {
	return payment.ChargeRequest{
		Access: testAccess(nil), Reference: "k1001a1", Amount: payment.Amount{Minor: 2499, Currency: "GBP"}, Stored: "55-9-1000",
		Settle: payment.SettleRecorded, Mode: payment.ModeTest, Sequence: 2,
		SendBefore: time.Now().Add(time.Minute),
	}
}

// approved answers testCharge as the gateway does.
func approved() element {
	return element{
		"requesttypedescription": "AUTH", "errorcode": "0", "errormessage": "Ok",
		"transactionreference": "55-9-1007", "parenttransactionreference": "55-9-1000",
		"transactionstartedtimestamp": "2026-03-10 10:11:12", "settlestatus": "2", "settleduedate": "2026-03-11",
		"authcode": "TEST41", "acquirerresponsecode": "00", "baseamount": "2499", "currencyiso3a": "GBP",
		"accounttypedescription": "ECOM", "paymenttypedescription": "VISA", "credentialsonfile": "2",
		"maskedpan": "411111######1111", "issuer": "Test Issuer", "orderreference": "k1001a1", "sitereference": testSite,
		"operatorname": "WebServices@Example.com", "livestatus": "0", "merchantname": "Demo", "billingfirstname": "Someone",
	}
}

// record is what a query shows of it.
func record() element { return approved().with(element{"expirydate": "12/2027"}) }

func queryAnswer(records ...element) []element {
	if records == nil {
		records = []element{}
	}
	return []element{{"requesttypedescription": "TRANSACTIONQUERY", "errorcode": "0", "errormessage": "Ok", "found": len(records), "records": records}}
}

func always(answer ...element) func([]element) []element {
	return func([]element) []element { return answer }
}

// asError asserts the kind of error that every method returns.
func asError(t *testing.T, err error) *payment.Error {
	t.Helper()
	var e *payment.Error
	require.ErrorAs(t, err, &e)
	require.NotContains(t, err.Error(), testPassword)
	return e
}

// testRefusing leads to a port where nobody listens.
func testRefusing(t *testing.T) webservices.Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return webservices.Config{
		URLEU: "https://" + listener.Addr().String() + "/json/",
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}
}

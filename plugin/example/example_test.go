package example_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/plugin/example"
	"github.com/chargehand/chargehand/plugin/example/sandbox"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

// server is a sandbox behind TLS. Its certificate is trusted as an operator
// would have it: by the environment, which is read once.
var server *httptest.Server

func TestMain(m *testing.M) {
	server = httptest.NewTLSServer((&sandbox.Sandbox{}).Handler())
	dir, err := os.MkdirTemp("", "example")
	if err == nil {
		file := filepath.Join(dir, "ca.pem")
		err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)
		if err == nil {
			err = os.Setenv("SSL_CERT_FILE", file)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "trust the sandbox:", err)
		os.Exit(1)
	}
	code := m.Run()
	server.Close()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func settings(changes payment.Settings) payment.Settings {
	s := payment.Settings{"account": sandbox.Account, "key": sandbox.Key, "stored": sandbox.Card, "settle": "recorded"}
	maps.Copy(s, changes)
	return s
}

func access(changes payment.Settings) payment.Access {
	return payment.Access{Company: "company1", Settings: settings(changes), Endpoint: "main", Site: sandbox.Account}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(*testing.T) paymenttest.Harness {
		return paymenttest.Harness{
			Gateway: versioned{example.New(server.URL)}, Access: access(nil), BadAccess: access(payment.Settings{"key": "wrong-sesame-4711"}),
			Stored: sandbox.Card, MissingStored: "card-9", Amount: payment.Amount{Minor: 1050, Currency: "GBP"}, Mode: payment.ModeTest,
			Declined: payment.Amount{Minor: sandbox.Declined, Currency: "GBP"},
			Wrong: []paymenttest.Wrong{
				{Name: "no key", Settings: settings(payment.Settings{"key": ""}), Field: "key"},
				{Name: "a space", Settings: settings(payment.Settings{"account": "test-1 "}), Field: "account"},
				{Name: "a card number", Settings: settings(payment.Settings{"stored": "4111111111111111"}), Field: "stored"},
				{Name: "no name", Settings: settings(payment.Settings{"stored": "card 1"}), Field: "stored"},
				{Name: "settle", Settings: settings(payment.Settings{"settle": "later"}), Field: "settle"},
			},
			Secrets: []string{sandbox.Key, "wrong-sesame-4711"},
		}
	})
}

// versioned is the gateway as the kit serves it.
type versioned struct{ *example.Gateway }

func (v versioned) Describe(ctx context.Context) (payment.Description, error) {
	d, err := v.Gateway.Describe(ctx)
	d.Version = "1.0.0"
	return d, err
}

func TestWithoutAddressNothingIsSent(t *testing.T) {
	t.Parallel()
	_, err := example.New("http://127.0.0.1:1").Query(t.Context(), payment.QueryRequest{
		Access: access(nil), Lookups: []payment.Lookup{{Reference: "ref1"}},
	})
	require.Equal(t, payment.ErrorUnavailable, payment.KindOf(err))
	require.True(t, payment.NotSent(err))
}

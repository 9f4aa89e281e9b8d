package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/record"
)

// wait waits for a file that is written whole, and reads it.
func wait(t *testing.T, name string, into any) {
	t.Helper()
	require.Eventually(t, func() bool {
		content, err := os.ReadFile(name)
		return err == nil && json.Unmarshal(content, into) == nil
	}, time.Minute, 5*time.Millisecond)
}

func TestRecordAndCompare(t *testing.T) {
	t.Parallel()
	var info gateway.Info
	dir := t.TempDir()
	g, err := gateway.New(gateway.Config{Seed: 1})
	require.NoError(t, err)
	server, err := g.Start(context.Background(), gateway.Listen{Dir: filepath.Join(dir, "gateway")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	wait(t, filepath.Join(dir, "gateway", "gateway.json"), &info)

	file := filepath.Join(dir, "recording.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- runTo(ctx, &out, "record", "--to", strings.TrimSuffix(info.JSONURL, "/json/"), "--ca", info.CAFile, "--dir", filepath.Join(dir, "record"),
			"--file", file, "--json")
	}()
	var at record.Info
	wait(t, filepath.Join(dir, "record", "record.json"), &at)
	status := post(t, at)
	cancel()
	require.NoError(t, <-ended)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, out.String(), `{"exchanges":1}`)

	text, err := run(t.Context(), "compare", file)
	require.NoError(t, err)
	require.Contains(t, text, "AUTH")
	require.Contains(t, text, "1 exchanges compared: 1 the same, 0 different")

	_, err = g.AddFaults(gateway.Fault{Effect: "wrong_amount"})
	require.NoError(t, err)
	text, err = run(t.Context(), "compare", file, "--against", info.JSONURL, "--ca", info.CAFile, "--json")
	require.ErrorContains(t, err, "1 of 1 exchanges differ")
	code := exitError{}
	require.ErrorAs(t, err, &code)
	require.Equal(t, 2, code.ExitCode())
	lines := strings.Split(text, "\n")
	require.JSONEq(t, `{"exchanges":1,"same":0,"different":1}`, lines[len(lines)-1])
	require.Contains(t, text, `"field":"baseamount"`)

	_, err = run(t.Context(), "record", "--to", "https://webservices.example.com", "--dir", dir, "--file", file)
	require.ErrorContains(t, err, "is there already")
	_, err = run(t.Context(), "compare", info.CAFile)
	require.ErrorContains(t, err, "is no recording")
	_, err = run(t.Context(), "compare", file, "--ca", file)
	require.ErrorContains(t, err, "no certificate in PEM form")
}

// post charges a test card by the recorder.
func post(t *testing.T, at record.Info) int {
	t.Helper()
	roots := x509.NewCertPool()
	ca, err := os.ReadFile(at.CAFile)
	require.NoError(t, err)
	require.True(t, roots.AppendCertsFromPEM(ca))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.JSONURL, strings.NewReader(
		`{"alias":"`+gateway.DefaultUser+`","version":"1.00","request":[{"requesttypedescriptions":["AUTH"],"sitereference":"`+gateway.DefaultSite+
			`","accounttypedescription":"ECOM","pan":"4111111111111111","expirydate":"12/2039","baseamount":"1050","currencyiso3a":"GBP"}]}`))
	require.NoError(t, err)
	request.SetBasicAuth(gateway.DefaultUser, gateway.DefaultPassword)
	request.Header.Set("Content-Type", "application/json")
	answer, err := transport.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

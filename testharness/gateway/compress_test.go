package gateway_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestCompressedAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	question := body(t, query(fields{"sitereference": is(gateway.DefaultSite)}))
	for accept, want := range map[string]string{
		"":                    "",
		"identity":            "",
		"gzip":                "gzip",
		"deflate, GZIP;q=0.5": "gzip",
		"gzip;q=1.0,deflate;q=0.6,identity;q=0.3": "gzip",
		"gzip;q=0, identity":                      "",
		"gzip; q=0.000":                           "",
		"x-gzip":                                  "",
	} {
		w := b.post(question, func(r *http.Request) { r.Header.Set("Accept-Encoding", accept) })
		require.Equal(t, want, w.Header().Get("Content-Encoding"), accept)
		content := w.Body.Bytes()
		require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
		if want == "gzip" {
			z, err := gzip.NewReader(w.Body)
			require.NoError(t, err)
			content, err = io.ReadAll(z)
			require.NoError(t, err)
		}
		require.Equal(t, "0", decode(t, content).Response[0]["errorcode"], accept)
	}
	w := b.post(question, func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip"); r.SetBasicAuth("x", "y") })
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Empty(t, w.Header().Get("Content-Encoding"))
}

package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// Half of an answer is half of it inside, too: the client can unpack it.
func TestBrokenAnswersAreCompressedWhole(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	b.fault(gateway.Fault{Effect: gateway.EffectBrokenJSON})
	status, text, err := b.send(query(fields{"orderreference": is("x")}))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.True(t, strings.HasPrefix(string(text), "{"), string(text))
	require.False(t, strings.HasSuffix(string(text), "}"))
}

// The body counts, whatever the headers call it.
func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	element := direct(testCard).with(fields{"customerfirstname": "Åsa"})
	for _, kind := range []string{
		"", "application/json", "application/json;charset=utf-8", `application/json; charset="UTF-8"`, "application/json;charset=iso-8859-1", "text/plain",
	} {
		w := b.post(body(t, element), func(r *http.Request) {
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Versioninfo", "Python::1.0.25::3.12::Linux")
			r.Header.Set("Requestreference", "Aabcdefgh")
		})
		require.Equal(t, http.StatusOK, w.Code, kind)
		a := decode(t, w.Body.Bytes())
		require.Equal(t, "0", a.Response[0]["errorcode"], kind)
		require.Equal(t, "Aabcdefgh", a.RequestReference)
	}
	latin := bytes.ReplaceAll(body(t, element), []byte("Å"), []byte{0xc5})
	w := b.post(latin, func(r *http.Request) { r.Header.Set("Content-Type", "application/json;charset=iso-8859-1") })
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Header().Get("Content-Type"), "text/html")
	require.NotContains(t, w.Body.String(), testCard)
}

// A caller that asks for it gets its connection closed, others may go on.
func TestConnectionClose(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	call := func(closing bool) bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.JSONURL(), bytes.NewReader(body(t, query(fields{"orderreference": is("x")}))))
		require.NoError(t, err)
		r.SetBasicAuth(gateway.DefaultUser, gateway.DefaultPassword)
		r.Close = closing
		res, err := b.client.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
		return res.Close
	}
	require.False(t, call(false))
	require.False(t, call(false))
	require.Equal(t, int64(1), b.g.Stats().Accepted)
	require.True(t, call(true))
	require.False(t, call(false))
	require.Equal(t, int64(2), b.g.Stats().Accepted)
}

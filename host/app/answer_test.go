package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// client keeps connections for the tests that post side by side.
var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// answer is what the host answered to a request.
type answer struct {
	b       *bed
	request string
	status  int
	header  http.Header
	body    []byte
}

// do makes a request. A body that is a string is sent as it is, others as
// JSON. Every answer is held against the API's own description, and kept for
// the search for secrets.
func (b *bed) do(key, method, path string, body any, header ...string) answer {
	b.t.Helper()
	a := b.quietly(key, method, path, body, header...)
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = a.header.Write(&b.heard)
	b.heard.Write(a.body)
	return a
}

func (b *bed) quietly(key, method, path string, body any, header ...string) answer {
	b.t.Helper()
	var r io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(body)
	case io.Reader:
		r = body
	default:
		content, err := json.Marshal(body)
		require.NoError(b.t, err)
		r = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, r)
	require.NoError(b.t, err)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if req.Header.Del(header[i]); header[i+1] != "" {
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := client.Do(req)
	require.NoError(b.t, err, "%s %s", method, path)
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	a := answer{b: b, request: method + " " + path, status: res.StatusCode, header: res.Header, body: content}
	if b.doc != nil {
		b.doc.check(b.t, method, path, a)
	}
	return a
}

// must expects a status.
func (b *bed) must(status int, a answer) answer {
	b.t.Helper()
	require.Equal(b.t, status, a.status, "%s: %s", a.request, a.body)
	return a
}

func (a answer) object() map[string]any {
	a.b.t.Helper()
	var v map[string]any
	require.NoError(a.b.t, json.Unmarshal(a.body, &v), "%s: %s", a.request, a.body)
	return v
}

func (a answer) items() []map[string]any {
	a.b.t.Helper()
	var v struct{ Items []map[string]any }
	require.NoError(a.b.t, json.Unmarshal(a.body, &v), "%s: %s", a.request, a.body)
	return v.Items
}

// problem is a refusal in the one shape that all have.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Field  string `json:"field"`
		Label  string `json:"label"`
		Rule   string `json:"rule"`
		Text   string `json:"text"`
		LinkID string `json:"link_id"`
	} `json:"errors"`
}

// problem reads a refusal, which must say what is wrong.
func (a answer) problem() problem {
	a.b.t.Helper()
	require.GreaterOrEqual(a.b.t, a.status, 400, "%s: %s", a.request, a.body)
	require.Equal(a.b.t, "application/problem+json", a.header.Get("Content-Type"), "%s: %s", a.request, a.body)
	var p problem
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	require.NoError(a.b.t, d.Decode(&p), "%s: %s", a.request, a.body)
	require.Equal(a.b.t, a.status, p.Status, "%s: %s", a.request, a.body)
	require.Equal(a.b.t, http.StatusText(a.status), p.Title)
	require.Greater(a.b.t, len(p.Detail), 10, "%s: %s", a.request, a.body)
	require.NotEmpty(a.b.t, a.header.Get("X-Request-Id"))
	return p
}

// fields are those that a refusal names.
func (p problem) fields() []string {
	var names []string
	for _, e := range p.Errors {
		if e.Field != "" {
			names = append(names, e.Field)
		}
	}
	return names
}

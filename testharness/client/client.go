package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Client calls one host with one key. It is safe for use by many at the same
// time.
type Client struct {
	base string
	key  string
	http *http.Client
}

// maxBody bounds what is read of an answer; the largest are pages of charges.
const maxBody = 16 << 20

// maxIdle is how many connections are kept between requests.
const maxIdle = 256

// New makes a Client for the host at base ("http://127.0.0.1:8080").
func New(base, key string) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), key: key, http: &http.Client{
		// Longer than the longest wait that the host grants with Prefer.
		Timeout: 90 * time.Second,
		// Whoever posts many orders at once keeps a connection for each.
		Transport: &http.Transport{MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: time.Minute},
	}}
}

// Close ends the connections that are kept between requests.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ProblemError is the host's refusal of a request, as it told it.
type ProblemError struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Field string `json:"field"`
		Text  string `json:"text"`
	} `json:"errors"`
	// Raw is the whole answer, for when it has another form than expected.
	Raw string `json:"-"`
}

// Error tells the status, what is wrong and where.
func (p *ProblemError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the host answered %d: %s", p.Status, cmp.Or(p.Detail, p.Title, p.Raw, "nothing"))
	for _, e := range p.Errors {
		if !strings.Contains(p.Detail, e.Text) {
			fmt.Fprintf(&b, "; %s: %s", e.Field, e.Text)
		}
	}
	return b.String()
}

// do makes one request and reads the answer into out, if that is not nil. It
// gives the status of a success. Refusals are *ProblemError.
func (c *Client) do(ctx context.Context, method, path string, in, out any, header ...string) (int, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return 0, fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if res.StatusCode/100 != 2 {
		p := &ProblemError{}
		if json.Unmarshal(b, p) != nil || p.Detail == "" {
			p.Raw = strings.TrimSpace(string(b[:min(len(b), 500)]))
		}
		p.Status = res.StatusCode
		return res.StatusCode, fmt.Errorf("%s %s: %w", method, path, p)
	}
	if out == nil {
		return res.StatusCode, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return res.StatusCode, fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return res.StatusCode, nil
}

// Metrics reads the host's figures in the text format of Prometheus.
func (c *Client) Metrics(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("GET /metrics: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("GET /metrics: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the host answered %s", res.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("GET /metrics: %w", err)
	}
	return b, nil
}

// page is one page of any list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// all reads a list to its end.
func all[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	var items []T
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for after := ""; ; {
		var p page[T]
		if _, err := c.do(ctx, http.MethodGet, path+sep+"limit=200"+after, nil, &p); err != nil {
			return nil, err
		}
		items = append(items, p.Items...)
		if p.Next == "" {
			return items, nil
		}
		after = "&after=" + p.Next
	}
}

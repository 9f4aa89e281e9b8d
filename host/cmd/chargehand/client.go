package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// callLimit is above the longest wait that a request may ask for.
const callLimit = 90 * time.Second

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// call makes one request of the API. A refusal comes back as the text that the
// host gave for people, with the fields at fault.
func (c *cli) call(method, path string, body, into any, header ...string) error {
	if c.APIKey == "" {
		return &exitError{exitUsage, "there is no API key: set CHARGEHAND_KEY or give --api-key"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	var r io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("make the request: %w", err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, r)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.APIKey)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return &exitError{exitUnavailable, fmt.Sprintf("the host does not answer at %s: %s", c.URL, err)}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return &exitError{exitUnavailable, fmt.Sprintf("the host's answer broke off: %s", err)}
	}
	if res.StatusCode >= http.StatusBadRequest {
		return refusal(res.StatusCode, text)
	}
	if into == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read the host's answer: %w", err)
	}
	return nil
}

func refusal(status int, text []byte) error {
	var p struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Errors []struct{ Field, Label, Text string }
	}
	code := exitRefused
	if status >= http.StatusInternalServerError {
		code = exitUnavailable
	}
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return &exitError{code, fmt.Sprintf("the host answered %d %s", status, http.StatusText(status))}
	}
	var b strings.Builder
	b.WriteString(p.Detail)
	for _, e := range p.Errors {
		name := e.Label
		if name == "" {
			name = e.Field
		}
		if !strings.Contains(p.Detail, e.Text) {
			fmt.Fprintf(&b, "\n  %s: %s", name, e.Text)
		}
	}
	return &exitError{code, b.String()}
}

// show prints an answer: as JSON if asked to, else as the function says.
func (c *cli) show(v any, text func()) error {
	if c.JSON {
		return printJSON(v)
	}
	text()
	return nil
}

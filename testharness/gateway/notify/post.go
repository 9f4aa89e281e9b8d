package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer; its content means nothing.
const maxAnswer = 64 << 10

// post sends a notification once. It is aborted if ctx, the Sender's life, ends.
func (s *Sender) post(ctx context.Context, n *Notification) (try Try, aborted bool) {
	try.At = s.cfg.Now()
	began := time.Now()
	status, err := s.exchange(ctx, n)
	if ctx.Err() != nil {
		return try, true
	}
	try.Took = time.Since(began).Round(time.Millisecond).String()
	try.Status = status
	if err != nil {
		try.Error = err.Error()
	}
	return try, false
}

func (s *Sender) exchange(ctx context.Context, n *Notification) (status int, err error) {
	if err := checkURL(n.URL, s.cfg.Public()); err != nil {
		return 0, err
	}
	client, err := s.client(n)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Limit, fmt.Errorf("no answer within %s", s.cfg.Limit))
	defer cancel()
	body := io.Reader(strings.NewReader(n.Body))
	if n.Break {
		body = io.MultiReader(strings.NewReader(n.Body[:len(n.Body)/2]), broken{})
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, body)
	if err != nil {
		return 0, fmt.Errorf("send: %w", err)
	}
	r.ContentLength = int64(len(n.Body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "") // nobody knows the service's
	answer, err := client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return 0, err //nolint:wrapcheck // it names method and address already
	}
	defer answer.Body.Close()
	// A 200 whose body does not end in time was still a 200 in time.
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
	return answer.StatusCode, nil
}

var errBroken = errors.New("the connection was cut on purpose")

// broken is where a body ends before its end.
type broken struct{}

// Read fails.
func (broken) Read([]byte) (int, error) { return 0, errBroken }

// client is shared by all that trusts the same CAs over the same scheme.
func (s *Sender) client(n *Notification) (*http.Client, error) {
	plain := strings.HasPrefix(strings.ToLower(n.URL), "http:")
	key := n.CAFile
	if plain {
		key = "http:"
	}
	s.mu.Lock()
	client := s.clients[key]
	s.mu.Unlock()
	if client != nil {
		return client, nil
	}
	var roots *x509.CertPool // nil: the system's
	if n.CAFile != "" && !plain {
		var err error
		if roots, err = readCAs(n.CAFile); err != nil {
			return nil, err
		}
	}
	client = newClient(roots, plain, s.cfg.Public)
	s.mu.Lock()
	s.clients[key] = client
	s.mu.Unlock()
	return client, nil
}

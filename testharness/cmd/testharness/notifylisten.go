package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

type notifyListenCommand struct {
	Listen   string `default:"127.0.0.1:9000" help:"Loopback address to listen on (${default})."`
	Password string `help:"Password of the rule, to check the hash with. Left out: it is not checked."`
	Answer   int    `default:"200" help:"HTTP status to answer with (${default}); another makes the simulator try again."`
	JSON     bool   `name:"json" help:"Print one JSON object a line."`
}

// Help is shown by --help.
func (*notifyListenCommand) Help() string {
	return `Prints every notification until it is interrupted, each with "hash ok", "hash WRONG", or why it can't be read. It
speaks plain HTTP, which the simulator sends to this machine alone.

Example:
  testharness notify listen --password s3cret
  testharness notify listen --listen 127.0.0.1:9001 --answer 503 --json`
}

// heard is one notification as it came.
type heard struct {
	// Hash is ok, wrong, or unchecked.
	Hash   string            `json:"hash"`
	Error  string            `json:"error,omitempty"`
	Fields map[string]string `json:"fields,omitempty"`
}

// Run listens until the context ends.
func (c *notifyListenCommand) Run(ctx context.Context, k *kong.Kong) error {
	if c.Answer < 200 || c.Answer > 599 {
		return fmt.Errorf("--answer %d: 200 to 599", c.Answer)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		_ = listener.Close()
		return fmt.Errorf("--listen %s: a loopback address like 127.0.0.1:9000", c.Listen)
	}
	if _, err := fmt.Fprintf(k.Stderr, "listening on http://%s/\n", listener.Addr()); err != nil {
		_ = listener.Close()
		return fmt.Errorf("print address: %w", err)
	}
	server := &http.Server{Handler: &ear{command: c, out: k.Stdout}, ReadTimeout: 30 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = errors.Join(server.Close(), <-ended)
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// ear takes notifications and prints them, one at a time.
type ear struct {
	command *notifyListenCommand
	mu      sync.Mutex
	out     io.Writer
}

// ServeHTTP takes one.
func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, notify.MaxBody))
	one := heard{Hash: "unchecked"}
	if err == nil {
		one.Fields, err = notify.Parse(string(body))
	}
	switch {
	case err != nil:
		one.Error = err.Error()
	case e.command.Password != "" && notify.Verify(one.Fields, e.command.Password) != nil:
		one.Hash = "wrong"
	case e.command.Password != "":
		one.Hash = "ok"
	}
	e.mu.Lock()
	if e.command.JSON {
		_ = printJSON(e.out, one)
	} else {
		_ = printLine(e.out, one.String())
	}
	e.mu.Unlock()
	w.WriteHeader(e.command.Answer)
}

// String is one line for people.
func (h *heard) String() string {
	if h.Error != "" {
		return "can't be read: " + h.Error
	}
	words := []string{"hash " + h.Hash}
	if h.Hash == "wrong" {
		words[0] = "hash WRONG"
	}
	for _, name := range slices.Sorted(maps.Keys(h.Fields)) {
		if name != "responsesitesecurity" {
			words = append(words, fmt.Sprintf("%s=%q", name, h.Fields[name]))
		}
	}
	return strings.Join(words, " ")
}

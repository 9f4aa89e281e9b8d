package conformance

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
)

const (
	simulatorStart = 30 * time.Second
	simulatorEnd   = 3 * time.Second
	// maxFacts bounds the line that a simulator prints, in bytes.
	maxFacts = 64 << 10
	// maxLedger bounds a ledger, in bytes.
	maxLedger = 16 << 20
)

// simulator is the gateway behind the front.
type simulator struct {
	facts placeholders // what it told of itself; "url" is among them
	roots *x509.CertPool
	stop  func()
}

// startSimulator starts what the profile names.
func startSimulator(ctx context.Context, p Profile, dir, plugin string) (*simulator, error) {
	switch {
	case p.Gateway.Builtin != "":
		return builtinSimulator(ctx, p.Gateway.Builtin)
	case p.Gateway.URL != "":
		return &simulator{facts: placeholders{"url": p.Gateway.URL}, stop: func() {}}, nil
	}
	return commandSimulator(ctx, p.Gateway.Start, placeholders{"plugin": plugin, "dir": dir})
}

func builtinSimulator(ctx context.Context, name string) (*simulator, error) {
	if name != "trustpayments" {
		return nil, fmt.Errorf("there is no simulator %q built in; there is trustpayments", name)
	}
	// Nothing optional is left out at random: one sight of a transaction is
	// compared with the next.
	g, err := gateway.New(gateway.Config{Seed: 1, Switches: gateway.Switches{Plain: true}})
	if err != nil {
		return nil, err
	}
	server, err := g.Start(ctx, gateway.Listen{})
	if err != nil {
		return nil, err
	}
	card, err := g.Enter(gateway.Entered{
		Site: gateway.DefaultSite, Card: "4111111111111111", Amount: 1, Currency: "GBP", CredentialsOnFile: "1",
	})
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return &simulator{
		facts: placeholders{
			"url": server.JSONURL(), "admin": server.AdminURL(), "stored": card.TransactionReference,
			"site": gateway.DefaultSite, "user": gateway.DefaultUser, "password": gateway.DefaultPassword,
		},
		roots: server.CAPool(), stop: func() { _ = server.Close() },
	}, nil
}

// commandSimulator starts a program that plays the gateway.
func commandSimulator(ctx context.Context, command []string, values placeholders) (*simulator, error) {
	args := make([]string, len(command))
	for i, word := range command {
		args[i] = values.fill(word)
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // The author's own command; how it ends is decided in stop.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr := &capture{}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	ended := make(chan struct{})
	line := make(chan string, 1)
	go func() {
		reader := bufio.NewReader(io.LimitReader(stdout, maxFacts))
		first, _ := reader.ReadString('\n')
		line <- first
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait() // how it ended is of no interest once it has told where it is
		close(ended)
	}()
	s := &simulator{stop: func() {
		_ = stdin.Close()
		if !waitFor(ctx, ended, simulatorEnd) {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	}}
	timer := time.NewTimer(simulatorStart)
	defer timer.Stop()
	var first string
	select {
	case first = <-line:
	case <-timer.C:
	case <-ctx.Done():
	}
	if err := json.Unmarshal([]byte(first), &s.facts); err != nil || s.facts["url"] == "" {
		s.stop()
		return nil, fmt.Errorf(`the simulator %s must print one line of JSON, an object of texts with "url" among them, within %s; it printed %q, and on standard error: %q`,
			strings.Join(args, " "), simulatorStart, clip(first), clip(stderr.String()))
	}
	return s, nil
}

// prepare makes a request to the simulator.
func prepare(ctx context.Context, p Prepare, values placeholders) error {
	if p.Method == "" {
		p.Method = http.MethodPost
	}
	_, err := ask(ctx, p.Method, values.fill(p.URL), values.fill(p.Body))
	return err
}

// ledger reads how often each reference was charged.
func ledger(ctx context.Context, g Simulator, values placeholders) (map[string]int, error) {
	content, err := ask(ctx, http.MethodGet, values.fill(g.Ledger), "")
	if err != nil {
		return nil, err
	}
	var entries []map[string]any
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, fmt.Errorf("the ledger is no list of objects: %w", err)
	}
	count := map[string]int{}
	for _, entry := range entries {
		if reference, ok := entry[g.LedgerReference].(string); ok && reference != "" {
			count[reference]++
		}
	}
	return count, nil
}

func ask(ctx context.Context, method, url, body string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, simulatorStart)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewBufferString(body))
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the simulator: %w", err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxLedger))
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("the simulator answers %s %s with %s: %s", method, url, answer.Status, clip(string(content)))
	}
	return content, err
}

package record

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// Against names a running simulator, as its gateway.json does.
type Against struct {
	// URL is the root of the service or its json_url. Empty starts a simulator.
	URL string
	// Roots are the CAs of the simulator; nil means those of this machine.
	Roots *x509.CertPool
	// User, Password and Site stand for all recorded ones. Empty means those that
	// a simulator has by default.
	User, Password, Site string
	// Admin is the simulator's admin_url. Without it, transactions from before the
	// recording can't be made, and what refers to them differs.
	Admin string
}

// callTime bounds a call to the simulator.
const callTime = time.Minute

// opened is a target and how to move its clock.
type opened struct {
	*target
	move     func(time.Time)
	sameDays bool
}

func (a Against) open(ctx context.Context, exchanges []Exchange, contents []parsed) (opened, func(), error) {
	if a.URL != "" {
		return a.running(exchanges)
	}
	return started(ctx, exchanges, contents)
}

func httpClient(roots *x509.CertPool) (*http.Client, *http.Transport) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	return &http.Client{
		Transport: transport, Timeout: callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, transport
}

func constant(text string) func(string) string { return func(string) string { return text } }

func (a Against) running(exchanges []Exchange) (opened, func(), error) {
	client, transport := httpClient(a.Roots)
	if a.User == "" {
		a.User, a.Password = gateway.DefaultUser, gateway.DefaultPassword
	}
	if a.Site == "" {
		a.Site = gateway.DefaultSite
	}
	t := &target{
		url: strings.TrimSuffix(strings.TrimSuffix(a.URL, "/"), "/json"), client: client,
		user: constant(a.User), password: constant(a.Password), site: constant(a.Site),
	}
	if a.Admin != "" {
		t.mint = a.mint
	}
	if len(exchanges) > 0 {
		t.shift = time.Since(exchanges[0].At).Truncate(time.Second)
	}
	return opened{target: t, move: func(time.Time) {}}, transport.CloseIdleConnections, nil
}

// mint enters a payment by the admin API.
func (a Against) mint(ctx context.Context, site string, known *element) (string, error) {
	body, err := json.Marshal(entered(site, known))
	if err != nil {
		return "", fmt.Errorf("write payment: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(a.Admin, "/")+"/vt", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("admin address: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("admin API: %w", err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxRequest))
	if err != nil {
		return "", fmt.Errorf("admin API: %w", err)
	}
	var entry gateway.Entry
	if err := json.Unmarshal(content, &entry); err != nil || entry.TransactionReference == "" {
		return "", fmt.Errorf("the simulator refuses: %s", content)
	}
	return entry.TransactionReference, nil
}

// entered is a payment like the one that is known of, or one of 0.01.
func entered(site string, known *element) gateway.Entered {
	e := gateway.Entered{Site: site, Card: truncated[known.text("maskedpan")], Amount: 1, Currency: known.text("currencyiso3a"), CredentialsOnFile: "1"}
	if e.Card == "" {
		e.Card = "4111111111111111"
	}
	if e.Currency == "" {
		e.Currency = "GBP"
	}
	if amount, err := strconv.ParseInt(known.text("baseamount"), 10, 64); err == nil {
		e.Amount = amount
	}
	if known.kind() == "ACCOUNTCHECK" {
		e.Type = known.kind()
	}
	return e
}

// started starts a simulator as the recording needs it.
func started(ctx context.Context, exchanges []Exchange, contents []parsed) (opened, func(), error) {
	var now atomic.Pointer[time.Time]
	begin := time.Now()
	if len(exchanges) > 0 {
		begin = exchanges[0].At
	}
	now.Store(&begin)
	cfg := gateway.Config{Now: func() time.Time { return *now.Load() }, Seed: 1, Switches: gateway.Switches{Plain: true}}
	var sites []string
	for _, name := range recorded(contents, "sitereference") {
		sites = append(sites, name)
		cfg.Sites = append(cfg.Sites, gateway.Site{Reference: name, Live: !strings.HasPrefix(name, testSite)})
	}
	seen := map[string]bool{"": true}
	for i := range exchanges {
		if user := exchanges[i].Request.User; !seen[user] {
			seen[user] = true
			cfg.Users = append(cfg.Users, gateway.User{Name: user, Password: gateway.DefaultPassword, Sites: sites})
		}
	}
	g, err := gateway.New(cfg)
	if err != nil {
		return opened{}, nil, fmt.Errorf("make a simulator for the recording: %w", err)
	}
	s, err := g.Start(ctx, gateway.Listen{})
	if err != nil {
		return opened{}, nil, fmt.Errorf("start a simulator: %w", err)
	}
	client, transport := httpClient(s.CAPool())
	same := func(text string) string { return text }
	t := &target{
		url: strings.TrimSuffix(s.JSONURL(), "/json/"), client: client, user: same, password: constant(gateway.DefaultPassword), site: same,
		mint: func(_ context.Context, site string, known *element) (string, error) {
			entry, err := g.Enter(entered(site, known))
			if err == nil && entry.ErrorCode != "0" {
				err = errors.New("it was not approved: " + entry.ErrorCode)
			}
			return entry.TransactionReference, err
		},
	}
	return opened{target: t, move: func(t time.Time) { now.Store(&t) }, sameDays: true}, func() {
		transport.CloseIdleConnections()
		_ = s.Close() // it kept nothing
	}, nil
}

// recorded are the different values of a member over all requests.
func recorded(contents []parsed, name string) []string {
	var out []string
	seen := map[string]bool{}
	for _, c := range contents {
		for _, e := range c.requests() {
			for _, v := range e.members[name] {
				if !seen[v.Text] {
					seen[v.Text] = true
					out = append(out, v.Text)
				}
			}
		}
	}
	return out
}

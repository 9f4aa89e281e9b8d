package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/order"
	"github.com/chargehand/chargehand/settings"
	"github.com/chargehand/chargehand/shared/payment"
)

// secret stands in what fails inside, and must stay there.
const secret = "password=hunter2"

// administration lets everybody in as the platform, but "bad".
type administration struct {
	settings.Administration
	err error
}

// Authenticate implements settings.Administration.
func (a administration) Authenticate(context.Context, payment.Secret) (settings.Actor, error) {
	return settings.Actor{Kind: settings.ActorPlatform, Name: "test"}, a.err
}

// orders answer as they are told to.
type orders struct {
	Orders
	get     func() error
	waiting chan struct{} // closed when somebody waits
}

// Get implements Orders.
func (o orders) Get(context.Context, settings.Actor, charge.OrderID) (order.Order, []*charge.Charge, error) {
	return order.Order{}, nil, o.get()
}

// Place implements Orders: no charge is ever decided.
func (o orders) Place(_ context.Context, p order.Placement, _ string, until <-chan struct{}) (order.Order, []*charge.Charge, bool, error) {
	if until != nil {
		close(o.waiting)
		<-until
	}
	return order.Order{ID: "1", Reference: p.Reference}, nil, true, nil
}

var errTrouble = errors.New("the disk is full: free some")

type bed struct {
	log     bytes.Buffer
	config  Config
	stop    context.CancelFunc
	handler http.Handler
}

func newBed(t *testing.T, change func(*Config)) *bed {
	t.Helper()
	b := &bed{}
	stopping, stop := context.WithCancel(t.Context())
	b.stop = stop
	b.config = Config{
		Version: "test", Settings: administration{}, Stopping: stopping, Now: time.Now,
		Logger: hclog.New(&hclog.LoggerOptions{Output: &b.log, Level: hclog.Debug, JSONFormat: true}),
		Trouble: func(err error) (string, bool) {
			return errTrouble.Error(), errors.Is(err, errTrouble)
		},
	}
	change(&b.config)
	b.handler = New(b.config)
	return b
}

func (b *bed) do(t *testing.T, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewBufferString(body))
	req.Header.Set("Authorization", "Bearer key")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res := httptest.NewRecorder()
	b.handler.ServeHTTP(res, req)
	return res
}

func problemOf(t *testing.T, res *httptest.ResponseRecorder) Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", res.Header().Get("Content-Type"), "%s", res.Body)
	var p Problem
	require.NoError(t, json.Unmarshal(res.Body.Bytes(), &p))
	require.Equal(t, res.Code, p.Status)
	return p
}

// Each kind of refusal has its status, and says what it says; what is no
// refusal says nothing of what it is, but to the log.
func TestProblems(t *testing.T) {
	t.Parallel()
	refusal := func(kind payment.ErrorKind, field string) error {
		return fmt.Errorf("%s: %w", secret, &payment.Error{Kind: kind, Field: field, Text: "what to do", Err: errors.New(secret)})
	}
	for name, test := range map[string]struct {
		err    error
		status int
		detail string
		errors []FieldProblem
		logged bool
	}{
		"invalid":      {refusal(payment.ErrorInvalid, "amount"), 422, "amount: what to do", []FieldProblem{{Field: "amount", Text: "what to do"}}, false},
		"unauthorized": {refusal(payment.ErrorUnauthorized, ""), 401, "what to do", nil, false},
		"forbidden":    {refusal(payment.ErrorForbidden, ""), 403, "what to do", nil, false},
		"not found":    {refusal(payment.ErrorNotFound, ""), 404, "what to do", nil, false},
		"conflict":     {refusal(payment.ErrorConflict, ""), 409, "what to do", nil, false},
		"rate limited": {refusal(payment.ErrorRateLimited, ""), 429, "what to do", nil, false},
		"unsupported":  {refusal(payment.ErrorUnsupported, ""), 501, "what to do", nil, false},
		"unknown":      {refusal(payment.ErrorUnknown, ""), 502, "what to do", nil, false},
		"unavailable":  {refusal(payment.ErrorUnavailable, ""), 503, "what to do", nil, false},
		"trouble":      {fmt.Errorf("%w: write order", errTrouble), 503, errTrouble.Error(), nil, true},
		"settings": {
			&settings.Invalid{Problems: []settings.Problem{{FieldProblem: payment.FieldProblem{Field: "password", Label: "Password", Rule: "max", Text: "too long"}, Link: "L"}}},
			422, "nothing was saved: settings not acceptable: link L: Password: too long",
			[]FieldProblem{{Field: "password", Label: "Password", Rule: "max", Text: "too long", LinkID: "L"}},
			false,
		},
		"anything else": {errors.New("SELECT * FROM orders"), 500, "something went wrong here; the log of the host has more, by the X-Request-Id of this answer", nil, true},
		"without words": {&payment.Error{Kind: payment.ErrorInternal, Err: errors.New("SELECT")}, 500, "something went wrong here; the log of the host has more, by the X-Request-Id of this answer", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, func(c *Config) { c.Orders = orders{get: func() error { return test.err }} })
			res := b.do(t, http.MethodGet, "/v1/orders/1", "")
			require.Equal(t, test.status, res.Code)
			require.Empty(t, cmp.Diff(Problem{Title: http.StatusText(test.status), Status: test.status, Detail: test.detail, Errors: test.errors}, problemOf(t, res)))
			require.Equal(t, test.logged, b.log.Len() > 0, "%s", &b.log)
			if test.logged {
				require.Contains(t, b.log.String(), `"request":"`+res.Header().Get("X-Request-Id")+`"`)
			}
		})
	}
}

// A panic ends one request, with an answer like all others, and what it says
// goes nowhere.
func TestPanic(t *testing.T) {
	t.Parallel()
	first := sync.OnceFunc(func() { panic(secret) })
	b := newBed(t, func(c *Config) {
		c.Orders = orders{get: func() error { first(); return nil }}
	})
	res := b.do(t, http.MethodGet, "/v1/orders/1", "")
	require.Equal(t, http.StatusInternalServerError, res.Code)
	require.Contains(t, problemOf(t, res).Detail, "something went wrong here")
	require.Contains(t, b.log.String(), "a request panicked")
	require.Contains(t, b.log.String(), "TestPanic")
	require.NotContains(t, b.log.String()+res.Body.String(), secret)
}

// Trouble with looking a key up is no wrong key: who has a good one must not
// throw it away.
func TestKeyCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *Config) { c.Settings = administration{err: fmt.Errorf("look up the API key: %w", errTrouble)} })
	res := b.do(t, http.MethodGet, "/v1/orders/1", "")
	require.Equal(t, http.StatusServiceUnavailable, res.Code)
	require.Equal(t, errTrouble.Error(), problemOf(t, res).Detail)
	require.Empty(t, res.Header().Get("WWW-Authenticate"))
}

// Whoever waits for an answer gets it when the host stops, with what there is.
func TestNobodyIsKeptWaitingByAStop(t *testing.T) {
	t.Parallel()
	waits := make(chan struct{})
	b := newBed(t, func(c *Config) { c.Orders = orders{waiting: waits} })
	go func() {
		<-waits
		b.stop()
	}()
	body := `{"channel":"c","reference":"r","placed_at":"2026-01-31T09:30:00Z","parts":[]}`
	begin := time.Now()
	res := b.do(t, http.MethodPost, "/v1/orders", body, "Prefer", "wait=60")
	require.Equal(t, http.StatusAccepted, res.Code, "%s", res.Body)
	require.Contains(t, res.Body.String(), `"reference":"r"`)
	require.Less(t, time.Since(begin), 30*time.Second)
}

func TestReady(t *testing.T) {
	t.Parallel()
	var err error
	b := newBed(t, func(c *Config) {
		c.Health = []Check{
			{Name: "one", Run: func(ctx context.Context) error {
				_, limited := ctx.Deadline()
				require.True(t, limited, "a check must not keep the others waiting for ever")
				return nil
			}},
			{Name: "two", Run: func(context.Context) error { return err }},
		}
	})
	res := b.do(t, http.MethodGet, "/readyz", "", "Authorization", "")
	require.Equal(t, http.StatusOK, res.Code)
	require.JSONEq(t, `{"ready":true,"checks":[{"name":"one","ok":true},{"name":"two","ok":true}]}`, res.Body.String())
	err = errors.New("it is broken; mend it")
	res = b.do(t, http.MethodGet, "/readyz", "", "Authorization", "")
	require.Equal(t, http.StatusServiceUnavailable, res.Code)
	require.JSONEq(t, `{"ready":false,"checks":[{"name":"one","ok":true},{"name":"two","ok":false,"text":"it is broken; mend it"}]}`, res.Body.String())
}

func TestWaitFor(t *testing.T) {
	t.Parallel()
	for prefer, want := range map[string]time.Duration{
		"": 0, "wait": 0, "wait=": 0, "wait=x": 0, "wait=-5": 0, "wait=0": 0, "wait=1.5": 0, "delay=5": 0,
		"wait=5": 5 * time.Second, " wait=5 ": 5 * time.Second, "respond-async, wait=5": 5 * time.Second, "wait=5,return=minimal": 5 * time.Second,
		"wait=60": time.Minute, "wait=61": time.Minute, "wait=9999999999": time.Minute, "wait=9223372036854775807": time.Minute,
		"wait=9223372036854775808": 0,
	} {
		require.Equal(t, want, waitFor(prefer), prefer)
	}
}

func TestByName(t *testing.T) {
	t.Parallel()
	o := func(channel, reference string) orderBody { return orderBody{Channel: channel, Reference: reference} }
	got := byName([]orderBody{o("a", "1"), o("a", "2"), o("b", "1"), o("a", "1"), o("a", "1 "), o("A", "1"), o("a", "1")})
	require.Equal(t, [][]int{{0, 3, 6}, {1}, {2}, {4}, {5}}, got)
	require.Empty(t, byName(nil))
}

package notify_test

import (
	"context"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	site     = "test_demo1"
	password = "s3cret"
)

var begin = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// arrived is one request that a receiver got.
type arrived struct {
	header http.Header
	body   string
	err    error
	fields map[string]string
}

// receiver is a real HTTPS server that takes notifications.
type receiver struct {
	t      testing.TB
	server *httptest.Server
	ca     string
	mu     sync.Mutex
	got    []arrived
	// answer decides about the n-th request, which begins with 1.
	answer func(n int, w http.ResponseWriter)
}

func listen(t testing.TB, plain bool) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: func(int, http.ResponseWriter) {}}
	r.server = httptest.NewUnstartedServer(r)
	// Broken handshakes and bodies are on purpose.
	r.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if plain {
		r.server.Start()
	} else {
		r.server.StartTLS()
		r.ca = filepath.Join(t.TempDir(), "ca.pem")
		content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})
		require.NoError(t, os.WriteFile(r.ca, content, 0o600))
	}
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	content, err := io.ReadAll(q.Body)
	one := arrived{header: q.Header, body: string(content), err: err}
	if err == nil {
		one.fields, one.err = notify.Parse(one.body)
	}
	r.mu.Lock()
	r.got = append(r.got, one)
	n, answer := len(r.got), r.answer
	r.mu.Unlock()
	answer(n, w)
}

func (r *receiver) all() []arrived {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]arrived(nil), r.got...)
}

// orders are the order references in the order they arrived.
func (r *receiver) orders() []string {
	var out []string
	for _, one := range r.all() {
		out = append(out, one.fields["orderreference"])
	}
	return out
}

func (r *receiver) rule(change ...func(*notify.Rule)) notify.Rule {
	rule := notify.Rule{Site: site, URL: r.server.URL + "/notify", CAFile: r.ca, Password: password}
	for _, c := range change {
		c(&rule)
	}
	return rule
}

func mode(m notify.Mode) func(*notify.Rule) { return func(r *notify.Rule) { r.Mode = m } }

func status(code int) func(int, http.ResponseWriter) {
	return func(_ int, w http.ResponseWriter) { w.WriteHeader(code) }
}

// bench is a running sender with a clock.
type bench struct {
	t     testing.TB
	clock *clock
	s     *notify.Sender
	mu    sync.Mutex
	// faults are for the next notifications, one by one.
	faults  []notify.Faults
	changes []int64
}

func setup(t testing.TB, change func(*notify.Config), rules ...notify.Rule) *bench {
	t.Helper()
	b := stopped(t, change, rules...)
	b.s.Start(t.Context())
	return b
}

// stopped is a bench whose sender is not started.
func stopped(t testing.TB, change func(*notify.Config), rules ...notify.Rule) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{now: begin}}
	cfg := notify.Config{
		Now: b.clock.Now, Node: "55", Limit: time.Minute,
		Faults: func(*notify.Event) notify.Faults {
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.faults) == 0 {
				return notify.Faults{}
			}
			next := b.faults[0]
			b.faults = b.faults[1:]
			return next
		},
		Changed: func(id int64) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.changes = append(b.changes, id)
		},
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	b.s, err = notify.New(cfg)
	require.NoError(t, err)
	_, err = b.s.AddRules(rules...)
	require.NoError(t, err)
	t.Cleanup(b.s.Close)
	return b
}

// event is the authorisation of an order.
func (b *bench) event(order string) *notify.Event {
	return &notify.Event{Kind: notify.Authorisation, At: b.clock.Now(), Fields: map[string]string{
		"requesttypedescription": "AUTH", "accounttypedescription": "ECOM", "errorcode": "0", "settlestatus": "0",
		"sitereference": site, "orderreference": order, "transactionreference": "55-9-" + order, "baseamount": "2499",
		"currencyiso3a": "GBP", "paymenttypedescription": "VISA", "merchantname": "Ångström & Co+1",
	}}
}

// tell tells of the authorisations of orders.
func (b *bench) tell(orders ...string) {
	for _, order := range orders {
		b.s.Tell(b.event(order))
	}
}

// idle waits until everything due was tried.
func (b *bench) idle() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(b.t, b.s.Idle(ctx))
}

// tick moves the clock and waits for what falls due by it.
func (b *bench) tick(d time.Duration) {
	b.t.Helper()
	b.clock.move(d)
	b.s.Wake()
	b.idle()
}

// only is the one notification in the log.
func (b *bench) only() notify.Notification {
	b.t.Helper()
	log := b.s.Log("")
	require.Len(b.t, log, 1)
	return log[0]
}

package gateway_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// TestConcurrency has charges, releases, queries, ticks, faults and ledgers at
// once, and checks that every charge is there exactly once with its status.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	b.client.Transport.(*http.Transport).MaxIdleConnsPerHost = 8
	parent := b.mint()
	const workers, each = 8, 25
	stop := make(chan struct{})
	var side, work sync.WaitGroup
	side.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_, err := b.g.Tick(hour / 100)
			if err != nil || b.g.SetSwitches(t.Context(), gateway.Switches{Plain: i%2 == 0}) != nil {
				t.Error("tick or switches failed", err)
				return
			}
			_, err = b.g.AddFaults(gateway.Fault{Effect: gateway.EffectHeld, OrderReference: "nobody"})
			b.g.Faults()
			b.g.Ledger()
			b.g.Stats()
			b.g.ClearFaults()
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	failures := make(chan string, workers*each)
	for w := range workers {
		work.Go(func() {
			for i := range each {
				order := fmt.Sprintf("W%d-%d", w, i)
				_, content, err := b.send(auth(parent).with(fields{"orderreference": order, "settlestatus": "2"}))
				if err != nil {
					failures <- err.Error()
					return
				}
				a := decode(t, content).Response[0]
				for _, element := range []fields{
					update(fmt.Sprint(a["transactionreference"]), "0"), query(fields{"orderreference": is(order)}),
				} {
					if _, content, err = b.send(element); err != nil || decode(t, content).Response[0]["errorcode"] != "0" {
						failures <- fmt.Sprint(err, string(content))
						return
					}
				}
			}
		})
	}
	work.Wait()
	close(stop)
	side.Wait()
	close(failures)
	for failure := range failures {
		require.Fail(t, failure)
	}
	seen := map[string]bool{}
	for _, e := range b.g.Ledger() {
		require.False(t, seen[e.TransactionReference])
		seen[e.TransactionReference] = true
		if e.Parent != "" {
			require.Len(t, b.orders(e.OrderReference), 1)
			require.NotEqual(t, 2, e.SettleStatus)
		}
	}
	require.Len(t, seen, workers*each+1)
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header       { return d.header }
func (*discard) Write(p []byte) (int, error) { return len(p), nil }
func (*discard) WriteHeader(int)             {}

// BenchmarkAuth is one charge of a stored card through the handler.
func BenchmarkAuth(b *testing.B) {
	g, err := gateway.New(gateway.Config{})
	require.NoError(b, err)
	parent, err := g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Amount: 1, Currency: "GBP"})
	require.NoError(b, err)
	content, handler := body(b, auth(parent.TransactionReference)), g.Handler()
	r := httptest.NewRequest(http.MethodPost, "/json/", http.NoBody)
	r.SetBasicAuth(gateway.DefaultUser, gateway.DefaultPassword)
	r.RemoteAddr = "127.0.0.1:40000"
	r.ContentLength = int64(len(content))
	reader := bytes.NewReader(content)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(content)
		r.Body = readCloser{reader}
		handler.ServeHTTP(w, r)
	}
	require.Equal(b, int64(b.N), int64(len(g.Ledger())-1))
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

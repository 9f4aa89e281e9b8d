package webservices

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkAuth(b *testing.B) {
	for _, mode := range []struct {
		name  string
		reuse bool
	}{{"reused", true}, {"fresh", false}} {
		b.Run(mode.name, func(b *testing.B) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(okHandler))
			s.Config.SetKeepAlivesEnabled(mode.reuse)
			s.StartTLS()
			b.Cleanup(s.Close)
			c := newTestClient(b, Config{URLEU: s.URL, CAFile: caFile(b)})
			b.ReportAllocs()
			for b.Loop() {
				_, err := c.Do(b.Context(), authCall())
				require.NoError(b, err)
			}
		})
	}
}

// BenchmarkWaiting reports what one waiting call costs. The server runs in
// the same process, so its share is in the figure too.
func BenchmarkWaiting(b *testing.B) {
	const calls = 1000
	release := make(chan struct{})
	var arrived sync.WaitGroup
	arrived.Add(calls)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		<-release
		okHandler(w, r)
	}))
	b.Cleanup(s.Close)
	c := newTestClient(b, Config{URLEU: s.URL, CAFile: caFile(b)})
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := memory()
	var done sync.WaitGroup
	for range calls {
		done.Go(func() {
			_, err := c.Do(b.Context(), authCall())
			if err != nil {
				b.Error(err)
			}
		})
	}
	arrived.Wait()
	used := memory() - before
	close(release)
	done.Wait()
	for b.Loop() {
	}
	b.ReportMetric(float64(used)/calls, "bytes/waiting-call-with-its-server")
}

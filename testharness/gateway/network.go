package gateway

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// longSilence is how long a fault keeps a connection silent if it does not say:
// longer than any client waits, and not for ever.
const longSilence = 5 * time.Minute

func orLong(d time.Duration) time.Duration { return cmp.Or(d, longSilence) }

// networkEffects is what the network does to the answer of a call. One at a
// time: of several faults the last counts.
type networkEffects struct {
	effect    Effect // empty for none
	bytes     int
	rate      int // bytes per second
	silence   time.Duration
	processed bool // of EffectHalfOpen
}

func (n *networkEffects) any() bool { return n.effect != "" }

func (n *networkEffects) add(f *Fault, delay time.Duration) {
	*n = networkEffects{effect: f.Effect, bytes: f.Bytes, rate: f.BytesPerSecond, silence: orLong(delay), processed: f.Processed}
}

// unanswered says that the call is not even processed.
func (n *networkEffects) unanswered() bool { return n.effect == EffectHalfOpen && !n.processed }

// deliver sends an answer (none from a connection that is half open) the way the
// network lets it through.
func (g *Gateway) deliver(w http.ResponseWriter, body []byte, n *networkEffects) {
	conn, pending, err := http.NewResponseController(w).Hijack()
	if err != nil {
		uncuttable(w)
		return
	}
	defer closeRaw(conn, false)
	header := w.Header()
	if n.effect == EffectTrickle {
		header["Connection"] = []string{"close"}
	}
	text := rawAnswer(header, body)
	switch n.effect {
	case EffectTrickle:
		if g.trickle(conn, text, n.rate) {
			_ = conn.Close() // with TLS's goodbye: the answer is whole
		}
	case EffectCutAfter, EffectStallAfter:
		// A caller that has left can't be told.
		_, _ = conn.Write(text[:min(n.bytes, len(text))])
	}
	if n.effect == EffectStallAfter || n.effect == EffectHalfOpen {
		g.front.keepSilent(g, conn, pending.Reader, n.silence)
	}
}

// rawAnswer is an answer as it goes over the line.
func rawAnswer(header http.Header, body []byte) []byte {
	var out bytes.Buffer
	out.WriteString("HTTP/1.1 200 OK\r\n")
	_ = header.Write(&out) // memory takes it all
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}

// trickle writes so many bytes per second and says whether all went out.
func (g *Gateway) trickle(conn net.Conn, text []byte, rate int) bool {
	// Ten writes a second look like a slow line. Slower than that, one byte each.
	size := max(1, rate/10)
	for len(text) > 0 {
		n := min(size, len(text))
		if _, err := conn.Write(text[:n]); err != nil {
			return false
		}
		text = text[n:]
		if len(text) > 0 && !g.pause(time.Duration(n)*time.Second/time.Duration(rate), nil) {
			return false
		}
	}
	return true
}

// keepSilent holds a connection open without a word until the time is over, the
// other side leaves or the port is closed.
func (f *front) keepSilent(g *Gateway, conn net.Conn, from *bufio.Reader, silence time.Duration) {
	f.mu.Lock()
	open := f.server != nil
	if open {
		f.silent[conn] = struct{}{}
	}
	f.mu.Unlock()
	if !open {
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, from) // ends when either side closes
	}()
	g.pause(silence, gone)
	closeRaw(conn, false)
	<-gone
	f.mu.Lock()
	delete(f.silent, conn)
	f.mu.Unlock()
}

// stalled is a connection on which nothing is heard for a while.
type stalled struct {
	net.Conn
	silence time.Duration
	closed  chan struct{}
	wait    sync.Once
	close   sync.Once
}

func newStalled(conn net.Conn, silence time.Duration) *stalled {
	return &stalled{Conn: conn, silence: silence, closed: make(chan struct{})}
}

// Read waits before its first byte.
func (s *stalled) Read(b []byte) (int, error) {
	s.wait.Do(func() {
		timer := time.NewTimer(s.silence)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.closed:
		}
	})
	return s.Conn.Read(b) //nolint:wrapcheck // it is the connection
}

// Close ends the wait.
func (s *stalled) Close() error {
	s.close.Do(func() { close(s.closed) })
	return s.Conn.Close() //nolint:wrapcheck // it is the connection
}

// NetConn is the connection below.
func (s *stalled) NetConn() net.Conn { return s.Conn }

// callsKey is where a connection's context counts its calls.
type callsKey struct{}

func countCalls(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, callsKey{}, new(atomic.Int64))
}

// kept counts a call and says whether its connection has served one before.
func kept(r *http.Request) bool {
	calls, ok := r.Context().Value(callsKey{}).(*atomic.Int64)
	return ok && calls.Add(1) > 1
}

// followPort lets faults that close the port do so, and end when their time is
// over.
func (g *Gateway) followPort(faults []Fault, ids []string) {
	for i := range faults {
		if faults[i].Effect == EffectRefuse && faults[i].Delay > 0 {
			time.AfterFunc(time.Duration(faults[i].Delay), func() { g.DeleteFault(ids[i]) })
		}
	}
	g.front.followScript(g)
}

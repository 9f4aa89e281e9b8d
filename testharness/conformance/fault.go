package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// fault is what the front does with requests while it is in force.
type fault struct {
	// reaches says whether the simulator gets the request.
	reaches bool
	// refuse resets connections as they come in, silent keeps them waiting
	// before TLS.
	refuse, silent bool
	// held, if not nil, keeps answers back until it is closed.
	held chan struct{}
	once sync.Once
	// atOnce, if not zero, lets go by itself once so many wait.
	atOnce int
	// patience, if not nil, lets go when none has come for as long as each may
	// take.
	patience *time.Timer
	each     time.Duration
	mu       sync.Mutex
	waiting  int
	// answer writes what the plugin gets. The reply is nil if the simulator was
	// not asked; last is what it answered to an earlier request.
	answer func(w http.ResponseWriter, r, last *reply)
}

// noFault is how it should be.
var noFault = &fault{reaches: true, answer: func(w http.ResponseWriter, r, _ *reply) { r.write(w, r.body) }}

// holding is a fault that keeps back what waits until released.
func holding(f *fault) *fault {
	f.held = make(chan struct{})
	if f.answer == nil {
		f.answer = noFault.answer
	}
	return f
}

// release lets go what is held.
func (f *fault) release() {
	if f.held != nil {
		f.once.Do(func() { close(f.held) })
	}
}

// wait keeps an answer back, and reports whether the plugin is still there.
func (f *fault) wait(ctx context.Context) bool {
	if f.held == nil || f.silent {
		return true
	}
	if f.joins() {
		f.release()
	}
	select {
	case <-f.held:
		return true
	case <-ctx.Done():
		return false
	}
}

// joins counts one more that waits, and reports whether it is the last that was
// waited for.
func (f *fault) joins() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.held:
		return false
	default:
		f.waiting++
		if f.patience != nil {
			f.patience.Reset(f.each)
		}
		return f.waiting == f.atOnce
	}
}

// most is how many waited before they were let go.
func (f *fault) most() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting
}

func (r *reply) write(w http.ResponseWriter, body []byte) {
	if r == nil {
		cut(w, false)
		return
	}
	for _, name := range []string{"Content-Type", "WWW-Authenticate"} {
		if value := r.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(r.status)
	_, _ = w.Write(body) //nolint:gosec // A plugin reads it, and one that has left can't be told.
}

// raw writes bytes past the HTTP server, and closes the connection.
func raw(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = conn.Write([]byte(text)) // a plugin that has left can't be told
	_ = conn.Close()
}

const page = "<html><head><title>Service notice</title></head><body><h1>Service notice</h1></body></html>\n"

func html(status int) func(http.ResponseWriter, *reply, *reply) {
	return func(w http.ResponseWriter, _, _ *reply) {
		w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(page)) // a plugin that has left can't be told
	}
}

// doubt is one way for an answer to get lost or spoilt after the request was
// sent: what it came to is not known.
type doubt struct {
	name, about string
	fault       func() *fault
}

// doubts are the ways that are made for every gateway.
var doubts = []doubt{
	{"lost", "the gateway acts, and the connection is closed without an answer", func() *fault {
		return &fault{reaches: true, answer: func(w http.ResponseWriter, _, _ *reply) { cut(w, false) }}
	}},
	{"reset", "the gateway acts, and the connection is reset", func() *fault {
		return &fault{reaches: true, answer: func(w http.ResponseWriter, _, _ *reply) { cut(w, true) }}
	}},
	{"lost-before", "the whole request is sent, and gets lost before the gateway acts", func() *fault {
		return &fault{answer: func(w http.ResponseWriter, _, _ *reply) { cut(w, false) }}
	}},
	{"garbage", "the gateway acts, and what comes back is no HTTP", func() *fault {
		return &fault{reaches: true, answer: func(w http.ResponseWriter, _, _ *reply) { raw(w, "\x00\x01 this is not HTTP\r\n\r\n") }}
	}},
	{"truncated", "the gateway acts, and the connection ends in the middle of the answer", func() *fault {
		return &fault{reaches: true, answer: func(w http.ResponseWriter, r, _ *reply) {
			raw(w, fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
				r.status, r.header.Get("Content-Type"), len(r.body), r.body[:len(r.body)/2]))
		}}
	}},
	{"half", "the gateway acts, and the answer is half of what it should be, in a whole HTTP answer", func() *fault {
		return &fault{reaches: true, answer: func(w http.ResponseWriter, r, _ *reply) { r.write(w, r.body[:len(r.body)/2]) }}
	}},
	{"empty", "the gateway acts, and the answer has no body", func() *fault {
		return &fault{reaches: true, answer: func(w http.ResponseWriter, r, _ *reply) { r.write(w, nil) }}
	}},
	{"html", "the gateway acts, and a web page comes back with status 200", func() *fault {
		return &fault{reaches: true, answer: html(http.StatusOK)}
	}},
	{"error-500", "the gateway acts, and a web page comes back with status 500", func() *fault {
		return &fault{reaches: true, answer: html(http.StatusInternalServerError)}
	}},
	{"error-502", "the gateway acts, and a web page comes back with status 502", func() *fault {
		return &fault{reaches: true, answer: html(http.StatusBadGateway)}
	}},
	{"error-503", "the gateway acts, and a web page comes back with status 503", func() *fault {
		return &fault{reaches: true, answer: html(http.StatusServiceUnavailable)}
	}},
	{"error-504", "the gateway acts, and a web page comes back with status 504", func() *fault {
		return &fault{reaches: true, answer: html(http.StatusGatewayTimeout)}
	}},
	{"redirect", "the gateway acts, and the answer is a redirection to the same place", func() *fault {
		return &fault{reaches: true, answer: func(w http.ResponseWriter, _, _ *reply) {
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}}
	}},
	{"other-answer", "the gateway acts, and the answer is that to an earlier charge", func() *fault {
		return &fault{reaches: true, answer: func(w http.ResponseWriter, _, last *reply) { last.write(w, last.bodyOrNone()) }}
	}},
}

func (r *reply) bodyOrNone() []byte {
	if r == nil {
		return nil
	}
	return r.body
}

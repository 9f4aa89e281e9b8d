package gateway

import (
	"net"
	"net/http"
	"sync"
)

// Stats counts what came in.
type Stats struct {
	// Calls are HTTP calls to the service, Unauthorized those of them
	// that were answered 401.
	Calls        int64 `json:"calls"`
	Unauthorized int64 `json:"unauthorized"`
	// Requests counts the request elements that were processed by type; ERROR
	// are those without a known type.
	Requests map[string]int64 `json:"requests"`
	// Accepted, Refused and Open are connections to the service's port.
	Accepted int64 `json:"connections_accepted"`
	Refused  int64 `json:"connections_refused"`
	Open     int64 `json:"connections_open"`
	// InFlight are calls that are being processed or are waiting.
	InFlight int64 `json:"in_flight"`
}

type counters struct {
	mu   sync.Mutex
	now  Stats
	open map[net.Conn]struct{}
}

func (c *counters) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = Stats{Requests: map[string]int64{}, InFlight: c.now.InFlight}
	if c.open == nil {
		c.open = map[net.Conn]struct{}{}
	}
}

func (c *counters) read() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.now
	out.Open = int64(len(c.open))
	out.Requests = make(map[string]int64, len(c.now.Requests))
	for kind, n := range c.now.Requests {
		out.Requests[kind] = n
	}
	return out
}

func (c *counters) change(by func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	by(&c.now)
}

func (c *counters) request(kind string) {
	c.change(func(s *Stats) { s.Requests[kind]++ })
}

// connection follows the states of the server's connections.
func (c *counters) connection(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.now.Accepted++
		c.open[conn] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
}

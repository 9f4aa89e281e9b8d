package webservices

import (
	"sync"
	"time"
)

const (
	// maxIdle is how long a connection may lie unused and still carry a call.
	// Web servers commonly close after five seconds and more; the closer to
	// their limit, the likelier that both act at once, which is doubt.
	maxIdle = 3 * time.Second
	// maxAge retires a connection that is always busy, so that a new address
	// of the gateway is found.
	maxAge = time.Minute
	// maxPooled bounds the connections that lie idle for one region.
	maxPooled = 256
)

// pool keeps the idle connections of one region, newest last.
type pool struct {
	now func() time.Time

	mu     sync.Mutex
	idle   []*conn
	sweep  *time.Timer // set while it has been started
	closed bool
}

// get gives a connection that is still good, or nil. It puts nothing on the
// network.
func (p *pool) get() *conn {
	for {
		c := p.pop()
		if c == nil {
			return nil
		}
		if p.fresh(c) && c.alive() {
			return c
		}
		c.close()
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// put takes a connection back whose last answer was read to its end.
func (p *pool) put(c *conn) {
	c.idleSince = p.now()
	if !p.fresh(c) || !p.keep(c) {
		c.close()
	}
}

func (p *pool) keep(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= maxPooled {
		return false
	}
	p.idle = append(p.idle, c)
	if p.sweep == nil {
		p.sweep = time.AfterFunc(maxIdle, p.expire)
	}
	return true
}

func (p *pool) fresh(c *conn) bool {
	now := p.now()
	return now.Sub(c.idleSince) < maxIdle && now.Sub(c.born) < maxAge
}

// expire closes what nobody wants any more, so that sockets that the other
// side has closed do not pile up.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.idle[:0]
	for _, c := range p.idle {
		if p.fresh(c) {
			kept = append(kept, c)
		} else {
			c.close()
		}
	}
	clear(p.idle[len(kept):])
	p.idle, p.sweep = kept, nil
	if len(kept) > 0 && !p.closed {
		p.sweep = time.AfterFunc(maxIdle, p.expire)
	}
}

// close drops what is idle, and whatever comes back later.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.sweep != nil {
		p.sweep.Stop()
	}
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
}

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is a connection between two processes that can be made to fail: a TCP
// proxy with an address that stays, whatever becomes of the process behind it.
// What it carries it does not look at, so TLS passes through untouched.
type link struct {
	listener net.Listener
	// target says where the process behind it is now.
	target func() (network, address string, err error)

	weather atomic.Pointer[weather]

	mu     sync.Mutex
	pairs  map[*pair]struct{}
	closed bool
	work   sync.WaitGroup
}

// weather is how a link carries.
type weather struct {
	kind  Kind // empty: as it should
	delay time.Duration
	over  chan struct{}
}

// pair is one connection through a link.
type pair struct {
	near, far net.Conn
	// lost: something was not passed on, so that the rest makes no sense.
	lost atomic.Bool
}

// slowBy is the delay of each piece that a slow link carries.
const slowBy = 60 * time.Millisecond

func openLink(ctx context.Context, target func() (network, address string, err error)) (*link, error) {
	l := &link{target: target, pairs: map[*pair]struct{}{}}
	l.weather.Store(&weather{over: make(chan struct{})})
	var err error
	if l.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("open a proxy: %w", err)
	}
	l.work.Go(l.accept)
	return l, nil
}

func (l *link) address() string { return l.listener.Addr().String() }

// set changes how the link carries, and ends what can't go on.
func (l *link) set(kind Kind) {
	old := l.weather.Swap(&weather{kind: kind, delay: slowBy, over: make(chan struct{})})
	close(old.over)
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		if kind == KindCut || p.lost.Load() {
			p.reset()
		}
	}
}

// close ends the link for good and waits for all that runs for it.
func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	_ = l.listener.Close()
	l.set(KindCut)
	l.work.Wait()
}

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			l.work.Go(func() { l.carry(near) })
		}
	}
}

func (l *link) carry(near net.Conn) {
	p := &pair{near: near}
	if l.weather.Load().kind == KindCut {
		p.reset()
		return
	}
	network, address, err := l.target()
	if err == nil {
		p.far, err = net.DialTimeout(network, address, time.Second) //nolint:noctx // bounded by its own limit
	}
	if err != nil || !l.add(p) {
		p.reset()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.pass(p, p.far, p.near, false) })
	both.Go(func() { l.pass(p, p.near, p.far, true) })
	both.Wait()
	l.mu.Lock()
	delete(l.pairs, p)
	l.mu.Unlock()
}

func (l *link) add(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.weather.Load().kind == KindCut {
		return false
	}
	l.pairs[p] = struct{}{}
	return true
}

// pass carries one direction until either end closes.
func (l *link) pass(p *pair, to, from net.Conn, answers bool) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && l.held(p, answers) {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// held waits as the weather has it, and reports whether what came is to be
// passed on.
func (l *link) held(p *pair, answers bool) bool {
	for {
		w := l.weather.Load()
		switch w.kind {
		case KindStall:
			<-w.over // the end of the link ends it, too
			continue
		case KindSlow:
			select {
			case <-w.over:
			case <-time.After(w.delay):
			}
		case KindDeaf:
			if answers {
				p.lost.Store(true)
			}
		}
		return !p.lost.Load() || !answers
	}
}

// reset closes both ends the hard way.
func (p *pair) reset() {
	for _, c := range []net.Conn{p.near, p.far} {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // makes Close send a reset
		}
		if c != nil {
			_ = c.Close()
		}
	}
}

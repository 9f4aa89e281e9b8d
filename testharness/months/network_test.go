package months

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"

	"google.golang.org/grpc/test/bufconn"
)

// network is one in memory: a wait on it is one that virtual time may pass.
type network struct {
	mu    sync.Mutex
	ports map[string]*port
	last  int
}

func newNetwork() *network { return &network{ports: map[string]*port{}, last: 40000} }

// port is a listener with the address of a real one.
type port struct {
	*bufconn.Listener
	n    *network
	addr *net.TCPAddr
}

func (p *port) Addr() net.Addr { return p.addr }

func (p *port) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &caller{Conn: c}, nil
}

// caller is a connection as it comes in, from an address of this machine.
type caller struct{ net.Conn }

func (*caller) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1024} }

func (p *port) Close() error {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	delete(p.n.ports, p.addr.String())
	return p.Listener.Close()
}

// listen opens a port; port 0 is any.
func (n *network) listen(_ context.Context, _, address string) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr.Port == 0 {
		n.last++
		addr.Port = n.last
	}
	if n.ports[addr.String()] != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, syscall.EADDRINUSE)
	}
	p := &port{Listener: bufconn.Listen(64 << 10), n: n, addr: addr}
	n.ports[addr.String()] = p
	return p, nil
}

// dial reaches an open port; a closed one refuses.
func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	p := n.ports[address]
	n.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
	return p.DialContext(ctx)
}

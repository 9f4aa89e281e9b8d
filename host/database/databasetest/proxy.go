package databasetest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Fate is what becomes of a COMMIT on its way.
type Fate int32

// The fates of a COMMIT.
const (
	Pass         Fate = iota
	LoseCommit        // the server never gets it, and the connection ends
	LoseAnswer        // the server gets it and commits; the answer is lost
	HoldSilently      // it arrives nowhere, and the connection stays open
)

// Proxy stands between a host and a server, and breaks connections.
type Proxy struct {
	listener net.Listener
	server   string
	next     atomic.Int32
	always   atomic.Pointer[func() Fate]

	mu    sync.Mutex
	conns []net.Conn
	wait  sync.WaitGroup
}

// NewProxy returns a proxy before the server of the DSN, and the DSN that leads
// through it. It is closed when the test ends.
func NewProxy(t testing.TB, dsn string) (*Proxy, string) {
	t.Helper()
	settings, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal("the DSN cannot be read") // its text may hold the password
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, server: settings.Addr}
	p.wait.Go(p.accept)
	t.Cleanup(p.Close)
	settings.Net, settings.Addr = "tcp", listener.Addr().String()
	return p, settings.FormatDSN()
}

// Next decides on the next COMMIT, and on no other.
func (p *Proxy) Next(f Fate) { p.next.Store(int32(f)) }

// Each decides on every COMMIT from now on; nil lets all pass.
func (p *Proxy) Each(decide func() Fate) {
	if decide == nil {
		p.always.Store(nil)
		return
	}
	p.always.Store(&decide)
}

// Close ends the proxy and all connections through it.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Cut()
	p.wait.Wait()
}

// Cut breaks all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *Proxy) fate() Fate {
	if decide := p.always.Load(); decide != nil {
		return (*decide)()
	}
	return Fate(p.next.Swap(int32(Pass)))
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.wait.Go(func() { p.forward(client, server) })
		p.wait.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
	}
}

// forward passes the client's packets on and looks for COMMIT.
func (p *Proxy) forward(client, server net.Conn) {
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		fate := Pass
		if bytes.HasSuffix(buffer[:n], []byte("\x03COMMIT")) {
			fate = p.fate()
		}
		switch fate {
		case Pass:
		case LoseCommit:
			_ = client.Close()
			return
		case HoldSilently:
			continue
		case LoseAnswer:
			_ = client.Close()
			_, _ = server.Write(buffer[:n])
			// The server has committed when it answers; its answer goes nowhere.
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

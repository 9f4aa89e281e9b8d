package webservices

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// conn is one TLS connection to the gateway. Whatever is sent passes Write,
// which is where the proof of "not sent" comes from.
type conn struct {
	tls *tls.Conn
	raw net.Conn // below tls

	// attempted counts the application bytes handed down, whether or not they
	// arrived. It is read and written by the one call that has the connection.
	attempted int64

	limit  io.LimitedReader // what may still be read of this answer
	reader *bufio.Reader    // reads limit

	born, idleSince time.Time
}

func newConn(raw net.Conn, c *tls.Conn, now time.Time) *conn {
	w := &conn{tls: c, raw: raw, born: now, idleSince: now}
	w.limit.R = c
	w.reader = bufio.NewReaderSize(&w.limit, 512)
	return w
}

// Write counts before it hands down: bytes that failed on their way count.
func (c *conn) Write(p []byte) (int, error) {
	c.attempted += int64(len(p))
	return c.tls.Write(p)
}

// close closes the socket without saying goodbye: that could block, and the
// other side sees the end anyway.
func (c *conn) close() { _ = c.raw.Close() }

// alive reports whether the connection can carry one more call: it is open,
// and nothing waits to be read, neither in the socket nor in the layers above,
// that could be taken for the next answer.
func (c *conn) alive() bool {
	return c.reader.Buffered() == 0 && quiet(c.raw) && c.drained()
}

// drained looks for what TLS has taken from the socket already. With a
// deadline that has passed, a read gives what is there and does not wait.
func (c *conn) drained() bool {
	if c.raw.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	var b [1]byte
	n, err := c.tls.Read(b[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.raw.SetReadDeadline(time.Time{}) == nil
}

// watch makes the connection give up at the end, or when ctx ends. The
// function it returns ends the watch and reports whether ctx never interfered.
func (c *conn) watch(ctx context.Context, end time.Time) (stop func() bool) {
	_ = c.raw.SetDeadline(end)
	return context.AfterFunc(ctx, func() { _ = c.raw.SetDeadline(time.Unix(1, 0)) })
}

package webservices

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// connectTimeout is for name, socket, proxy and TLS together. It is what the
// gateway's own libraries allow.
const connectTimeout = 10 * time.Second

// maxProxyAnswer bounds what a proxy may say to a CONNECT, in bytes.
const maxProxyAnswer = 16 << 10

// dial makes a fresh connection. Nothing of a request is on it yet, so every
// failure here is proof that nothing was sent.
func (c *Client) dial(ctx context.Context, e *endpoint) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	raw, err := c.dialRaw(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConnect, err)
	}
	secured := tls.Client(raw, e.tls)
	// On a stack of its own: a handshake needs a deep one, which would stay with
	// the call for as long as it waits.
	shaken := make(chan error)
	go func() { shaken <- secured.HandshakeContext(ctx) }()
	if err := <-shaken; err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("%w: TLS with %s: %w", ErrConnect, e.address, err)
	}
	return newConn(raw, secured, c.now()), nil
}

// dialRaw reaches the gateway's port, through a proxy if the environment
// names one.
func (c *Client) dialRaw(ctx context.Context, e *endpoint) (net.Conn, error) {
	proxy, err := c.proxy(&http.Request{URL: e.url})
	if err != nil {
		return nil, errors.New("the proxy that the environment names is not a URL") // the cause may hold its password
	}
	if proxy == nil {
		return c.dialTCP(ctx, "tcp", e.address)
	}
	if proxy.Scheme != "http" {
		return nil, fmt.Errorf("the proxy %s that the environment names does not start with http://", proxy.Host)
	}
	address := proxy.Host
	if proxy.Port() == "" {
		address = net.JoinHostPort(proxy.Hostname(), "80")
	}
	raw, err := c.dialTCP(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if err := tunnel(ctx, raw, proxy, e.address); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	return raw, nil
}

// tunnel asks a proxy for a way through to the address.
func tunnel(ctx context.Context, raw net.Conn, proxy *url.URL, address string) error {
	deadline, _ := ctx.Deadline()
	_ = raw.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := req.Write(raw); err != nil {
		return err
	}
	reader := bufio.NewReader(io.LimitReader(raw, maxProxyAnswer))
	resp, err := http.ReadResponse(reader, req) //nolint:bodyclose // the answer to a CONNECT has none
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("it refused the connection to %s with HTTP status %d", address, resp.StatusCode)
	case reader.Buffered() > 0:
		return errors.New("it spoke before it was asked")
	case !stop():
		return ctx.Err()
	}
	return raw.SetDeadline(time.Time{})
}

package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const maxURL = 2048

// checkURL refuses an address that notifications can't go to. The service's own
// rule, public https on port 443, holds only with public.
func checkURL(raw string, public bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fmt.Errorf("url: %w", err)
	case len(raw) > maxURL:
		return fmt.Errorf("url: longer than %d bytes", maxURL)
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return fmt.Errorf("url %q: write it like https://example.com/notify", raw)
	case u.User != nil || u.Fragment != "":
		return errors.New("url: without user, password or fragment")
	}
	addr, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	local := isLocalName(u.Hostname()) || literal && addr.Unmap().IsLoopback()
	switch {
	case u.Scheme == "http" && !local:
		return fmt.Errorf("url %q: plain http goes to this machine (localhost, 127.0.0.1) alone: use https", raw)
	case !public:
		return nil
	case u.Scheme != "https" || u.Port() != "" && u.Port() != "443":
		return fmt.Errorf("url %q: https on port 443 (switch public_notifications)", raw)
	case local || literal && !isPublic(addr):
		return fmt.Errorf("url %q: a public address (switch public_notifications)", raw)
	}
	return nil
}

func isLocalName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// newClient makes a client for one kind of target: plain goes to this machine
// alone, wherever its name resolves to, and with public nothing goes to an
// address that is not public. No proxies: the address would be theirs.
func newClient(roots *x509.CertPool, plain bool, public func() bool) *http.Client {
	dialer := &net.Dialer{
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			switch {
			case err != nil:
				return fmt.Errorf("address %q: %w", address, err)
			case plain && !at.Addr().Unmap().IsLoopback():
				return fmt.Errorf("plain http goes to this machine alone, not to %s", at.Addr())
			case public() && !isPublic(at.Addr()):
				return fmt.Errorf("%s is no public address (switch public_notifications)", at.Addr())
			}
			return nil
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true, // one connection for one notification: nothing to look after
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
			TLSHandshakeTimeout:    time.Minute, // the limit of the try is shorter
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

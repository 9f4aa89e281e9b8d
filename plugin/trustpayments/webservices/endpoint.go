package webservices

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// The regions of the gateway. Credentials belong to one of them.
const (
	RegionEU = "EU"
	RegionUS = "US"
)

// The gateway's own addresses, for JSON. XML goes to /xml/ in its place.
const (
	DefaultURLEU = "https://webservices.securetrading.net/json/"
	DefaultURLUS = "https://webservices.securetrading.us/json/"
)

// The environment variables that lead a whole process elsewhere.
const (
	EnvURLEU  = "TRUSTPAYMENTS_EU_URL"
	EnvURLUS  = "TRUSTPAYMENTS_US_URL"
	EnvCAFile = "TRUSTPAYMENTS_CA_FILE"
)

// maxCAFile bounds the file of additional authorities; a bundle of all the
// public ones has about 250 KB.
const maxCAFile = 4 << 20

// FromEnvironment fills a Config from the three variables. What they do not
// name keeps its default.
func FromEnvironment(getenv func(string) string) Config {
	return Config{URLEU: getenv(EnvURLEU), URLUS: getenv(EnvURLUS), CAFile: getenv(EnvCAFile)}
}

// endpoint is one region's address, with what is kept for it.
type endpoint struct {
	url     *url.URL // for JSON
	xml     *url.URL // nil if it is not known
	address string   // host:port to dial
	tls     *tls.Config
	pool    *pool
}

func newEndpoint(rawURL string, roots *x509.CertPool, p *pool) (*endpoint, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("the address of the gateway is not a URL") // the cause would repeat what may hold a password
	}
	switch {
	case u.Scheme != "https":
		return nil, fmt.Errorf("the address of the gateway at %s does not start with https://", u.Host)
	case u.Hostname() == "":
		return nil, errors.New("the address of the gateway names no host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the address of the gateway at %s holds more than host, port and path", u.Host)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return &endpoint{
		url:     u,
		xml:     siblingXML(u),
		address: net.JoinHostPort(u.Hostname(), port),
		tls: &tls.Config{
			MinVersion: tls.VersionTLS12,
			ServerName: u.Hostname(),
			RootCAs:    roots,
			NextProtos: []string{"http/1.1"},
			// Resuming a session spares most of a new connection's arithmetic.
			// The certificate's name and dates are checked all the same.
			ClientSessionCache: tls.NewLRUClientSessionCache(0),
		},
		pool: p,
	}, nil
}

// siblingXML is where XML goes beside JSON, nil if JSON's address doesn't tell.
func siblingXML(u *url.URL) *url.URL {
	stem, found := strings.CutSuffix(u.Path, "/json/")
	if !found {
		return nil
	}
	sibling := *u
	sibling.Path, sibling.RawPath = stem+"/xml/", ""
	return &sibling
}

// of is the address for a format.
func (e *endpoint) of(format string) (*url.URL, error) {
	switch {
	case format != FormatXML:
		return e.url, nil
	case e.xml == nil:
		return nil, ErrNoXML
	}
	return e.xml, nil
}

// loadRoots gives the system's authorities and those of the file, or nil,
// which means the system's, without one.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read the authorities that %s names: %w", EnvCAFile, err)
	}
	if info.Size() > maxCAFile {
		return nil, fmt.Errorf("read the authorities that %s names: %s has more than %d bytes", EnvCAFile, file, maxCAFile)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the authorities that %s names: %w", EnvCAFile, err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		// A machine without any may still have the one that counts.
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the authorities that %s names: %s holds no certificate in PEM form", EnvCAFile, file)
	}
	return roots, nil
}

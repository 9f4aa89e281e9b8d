package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"
)

// authority is a CA made for one run, and the server certificate it signed.
// The CA's key is forgotten at once.
type authority struct {
	pem    []byte
	pool   *x509.CertPool
	config *tls.Config
}

// Certificate makes a private CA, in PEM form, and what a server needs that its
// clients are to trust by it, under this machine's loopback names and the host.
func Certificate(host string) (ca []byte, server *tls.Config, err error) {
	a, err := newAuthority(host)
	if err != nil {
		return nil, nil, err
	}
	return a.pem, a.config, nil
}

// validYears is more than any run lasts, those under virtual time included.
const validYears = 5

// newAuthority makes CA and certificate for this machine's loopback names and
// one more host, if it is another. It reads the real clock, as clients do.
func newAuthority(host string) (*authority, error) {
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a CA key: %w", err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Gateway simulator CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(validYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("make a CA: %w", err)
	}
	if ca, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("make a CA: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a server key: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1), Subject: pkix.Name{CommonName: "Gateway simulator"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(validYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	switch ip := net.ParseIP(host); {
	case ip != nil:
		leaf.IPAddresses = append(leaf.IPAddresses, ip)
	case host != "" && host != "localhost":
		leaf.DNSNames = append(leaf.DNSNames, host)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("make a server certificate: %w", err)
	}
	return authorityOf(ca, leafDER, key), nil
}

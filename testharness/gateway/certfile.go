package gateway

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// authority makes the certificates, or reads those that are kept with the
// journal: clients that trust a gateway trust it after its restart, too.
func (g *Gateway) authority(host string) (*authority, error) {
	if g.config.Journal == "" {
		return newAuthority(host)
	}
	path := g.config.Journal + ".pem"
	content, err := os.ReadFile(path)
	if err == nil {
		return readAuthority(content)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the kept certificates: %w", err)
	}
	a, err := newAuthority(host)
	if err != nil {
		return nil, err
	}
	if content, err = a.encode(); err != nil {
		return nil, err
	}
	return a, writeFile(path, content)
}

// encode gives the CA's certificate, the server's, and the server's key.
func (a *authority) encode() ([]byte, error) {
	pair := a.config.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("keep the server key: %w", err)
	}
	out := append([]byte(nil), a.pem...)
	out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})...)
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), nil
}

func readAuthority(content []byte) (*authority, error) {
	ca, rest := pem.Decode(content)
	leaf, rest := pem.Decode(rest)
	key, _ := pem.Decode(rest)
	if ca == nil || leaf == nil || key == nil {
		return nil, errors.New("the kept certificates are incomplete: delete the journal and its .pem file")
	}
	root, err := x509.ParseCertificate(ca.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the kept CA: %w", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(key.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the kept server key: %w", err)
	}
	ec, ok := private.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the kept server key is a %T", private)
	}
	return authorityOf(root, leaf.Bytes, ec), nil
}

// authorityOf puts together what serves and what clients trust.
func authorityOf(ca *x509.Certificate, leaf []byte, key *ecdsa.PrivateKey) *authority {
	a := &authority{pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), pool: x509.NewCertPool()}
	a.pool.AddCert(ca)
	a.config = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf}, PrivateKey: key}},
	}
	return a
}

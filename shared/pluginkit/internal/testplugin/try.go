package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// tryLimit is how long anything that is tried may take.
const tryLimit = 20 * time.Second

// try does what a plugin has no business doing, or what it must be able to do,
// and tells how it went.
func try(ctx context.Context, what, with string) error {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	switch what {
	case "read":
		_, err := os.ReadFile(with)
		return err
	case "list":
		_, err := os.ReadDir(with)
		return err
	case "write":
		f, err := os.OpenFile(with, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		return errors.Join(err, f.Close())
	case "truncate":
		return os.Truncate(with, 1)
	case "remove":
		return os.Remove(with)
	case "link":
		return os.Symlink(with, os.Getenv("PLUGIN_UNIX_SOCKET_DIR")+"/link")
	case "run":
		return exec.CommandContext(ctx, with).Run()
	case "connect":
		return dial(ctx, "tcp", with)
	case "unix":
		return dial(ctx, "unix", with)
	case "fetch":
		return fetch(ctx, with)
	case "listen":
		config := net.ListenConfig{}
		config.SetMultipathTCP(false)
		l, err := config.Listen(ctx, "tcp", with)
		if err != nil {
			return err
		}
		return l.Close()
	case "signal", "trace":
		pid, err := strconv.Atoi(with)
		if err != nil {
			return err
		}
		if what == "signal" {
			return syscall.Kill(pid, 0)
		}
		return trace(pid)
	}
	return fmt.Errorf("what is %q?", what)
}

func dial(ctx context.Context, network, address string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// fetch trusts the authority in the file that the environment names, and no
// other.
func fetch(ctx context.Context, url string) error {
	pem, err := os.ReadFile(os.Getenv("TESTPLUGIN_CA_FILE")) //nolint:gosec // The test chose it.
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

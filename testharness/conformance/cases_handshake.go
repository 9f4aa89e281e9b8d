package conformance

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/chargehand/chargehand/shared/pluginrpc"
)

const lookHandshake = `plugin/README.md, "The handshake"`

func handshakeCases() []testCase {
	return []testCase{
		{
			"handshake.line", "started by a host, it prints one line that says where it listens", lookHandshake + ": nothing else may be printed to standard output, not before either",
			handshakeLine,
		},
		{"handshake.start", "it starts, connects over TLS with the certificates of the handshake, and answers the health check", lookHandshake, func(e *exam) {
			s, err := e.start(e.ctx)
			if err != nil {
				e.lame = "the plugin does not start; see handshake.start"
				e.fail("it can't be started as a host does: %v", err)
			}
			e.current, e.started = s, true
		}},
		{"handshake.cookie", "started without a host's word, it says so and ends", lookHandshake + ": the cookie", func(e *exam) {
			e.refusesToServe("by itself, without the cookie", func(v map[string]string) { delete(v, pluginrpc.Handshake().MagicCookieKey) })
			e.refusesToServe("with another cookie", func(v map[string]string) { v[pluginrpc.Handshake().MagicCookieKey] = "storage" })
		}},
		{
			"handshake.version", "offered versions of the protocol that it does not speak, it does not claim one of them", lookHandshake + ": the versions",
			handshakeVersion,
		},
		{
			"handshake.private", "only the host that started it can call it", lookHandshake + ": the certificates; the server must ask for the client's, and take no other",
			handshakePrivate,
		},
	}
}

// spoken is a plugin that was started by hand, and what it printed.
type spoken struct {
	*process
	sockets string
	said    *capture
	line    string // the first of standard output
}

// speak starts the plugin with the variables of a handshake, which change may
// spoil, and waits for a line or its end.
func (e *exam) speak(certificate []byte, change func(map[string]string)) (*spoken, func()) {
	s, err := e.prepare()
	if err != nil {
		e.omit("%v", err)
	}
	handshake := pluginrpc.Handshake()
	variables := map[string]string{
		handshake.MagicCookieKey: handshake.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS": strconv.Itoa(pluginrpc.ProtocolVersion),
		"PLUGIN_MIN_PORT": "10000", "PLUGIN_MAX_PORT": "25000", "PLUGIN_CLIENT_CERT": string(certificate),
		goplugin.EnvUnixSocketDir: s.sockets,
	}
	change(variables)
	p, err := newProcess(e.cfg.Plugin, s.dir, e.environment(variables))
	if err == nil {
		err = p.Start(e.ctx)
	}
	if err != nil {
		e.fail("it can't be started: %v", err)
	}
	first := make(chan string, 1)
	drained := make(chan struct{}, 2)
	go func() {
		reader := bufio.NewReader(p.Stdout())
		line, _ := reader.ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, reader)
		drained <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(s.said, p.Stderr())
		drained <- struct{}{}
	}()
	go func() {
		<-drained
		<-drained
		_ = p.Wait(context.Background()) // how it ended is in its state
	}()
	spoken := &spoken{process: p, sockets: s.sockets, said: s.said}
	s.process = p
	timer := time.NewTimer(e.cfg.StartLimit)
	defer timer.Stop()
	select {
	case spoken.line = <-first:
	case <-timer.C:
	}
	return spoken, func() {
		p.signal(syscall.SIGKILL)
		waitFor(context.Background(), p.ended, killLimit)
		s.removeAll()
	}
}

// refusesToServe starts the plugin in a way in which it must end by itself,
// with nothing on standard output.
func (e *exam) refusesToServe(how string, change func(map[string]string)) {
	s, stop := e.speak(nil, change)
	defer stop()
	if s.line != "" {
		e.fail("started %s, it prints %q to standard output", how, clip(s.line))
	}
	if !waitFor(e.ctx, s.ended, e.cfg.StartLimit) {
		e.fail("started %s, it stays", how)
	}
	if s.cmd.ProcessState.Success() {
		e.fail("started %s, it ends with the exit code 0, as if all were well", how)
	}
	if s.said.String() == "" {
		e.fail("started %s, it ends without a word on standard error; a person who tries it does not learn what it is", how)
	}
}

func handshakeLine(e *exam) {
	certificate, err := newCertificate()
	if err != nil {
		e.omit("%v", err)
	}
	s, stop := e.speak(certificate.pem, func(map[string]string) {})
	defer stop()
	if _, err := parseLine(s.line); err != nil {
		e.fail("its first line on standard output is %q: %v", clip(s.line), err)
	}
}

// address is what the handshake's line says.
type address struct {
	version       int
	network, path string
	certificate   *x509.Certificate
}

func parseLine(line string) (address, error) {
	parts := strings.Split(strings.TrimSuffix(line, "\n"), "|")
	if line == "" {
		return address{}, errors.New("there is none in time")
	}
	if len(parts) < 6 {
		return address{}, errors.New("it must have six parts or more: 1|VERSION|unix|PATH|grpc|CERTIFICATE")
	}
	version, err := strconv.Atoi(parts[1])
	switch {
	case parts[0] != strconv.Itoa(goplugin.CoreProtocolVersion):
		return address{}, fmt.Errorf("the first part must be %d", goplugin.CoreProtocolVersion)
	case err != nil:
		return address{}, errors.New("the second part must be the version of the protocol that it chose")
	case parts[2] != "unix" && parts[2] != "tcp":
		return address{}, errors.New("the third part must be unix or tcp")
	case parts[4] != string(goplugin.ProtocolGRPC):
		return address{}, errors.New("the fifth part must be grpc")
	}
	der, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(der) == 0 {
		return address{}, errors.New("the sixth part must be its certificate, DER in base64 without padding: the host gave its own in PLUGIN_CLIENT_CERT")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return address{}, fmt.Errorf("the sixth part holds no certificate: %w", err)
	}
	return address{version: version, network: parts[2], path: parts[3], certificate: certificate}, nil
}

func handshakeVersion(e *exam) {
	const other = 99
	certificate, err := newCertificate()
	if err != nil {
		e.omit("%v", err)
	}
	s, stop := e.speak(certificate.pem, func(v map[string]string) { v["PLUGIN_PROTOCOL_VERSIONS"] = strconv.Itoa(other) })
	defer stop()
	// It may end, or say what it does speak: the host tells people both.
	if said, err := parseLine(s.line); err == nil && said.version == other {
		e.fail("offered version %d alone, it says that it speaks it", other)
	}
	t, stopToo := e.speak(certificate.pem, func(v map[string]string) {
		v["PLUGIN_PROTOCOL_VERSIONS"] = strconv.Itoa(other) + "," + strconv.Itoa(pluginrpc.ProtocolVersion)
	})
	defer stopToo()
	said, err := parseLine(t.line)
	e.right(err, "offered versions 99 and 1, its line is wrong")
	if said.version != pluginrpc.ProtocolVersion {
		e.fail("offered versions %d and %d, it chooses %d", other, pluginrpc.ProtocolVersion, said.version)
	}
}

func handshakePrivate(e *exam) {
	own, err := newCertificate()
	if err != nil {
		e.omit("%v", err)
	}
	other, err := newCertificate()
	if err != nil {
		e.omit("%v", err)
	}
	s, stop := e.speak(own.pem, func(map[string]string) {})
	defer stop()
	at, err := parseLine(s.line)
	if err != nil {
		e.omit("it does not say where it listens; see handshake.line")
	}
	if err := e.knock(at, &own); err != nil {
		e.fail("called with the host's certificate it does not answer: %v", err)
	}
	if e.knock(at, &other) == nil {
		e.fail("it answers a caller with another certificate than the host's")
	}
	if e.knock(at, nil) == nil {
		e.fail("it answers a caller without a certificate, over an open connection")
	}
}

// knock asks for a sign of life, with a certificate or over an open connection.
func (e *exam) knock(at address, with *certificate) error {
	transport := insecure.NewCredentials()
	if with != nil {
		roots := x509.NewCertPool()
		roots.AddCert(at.certificate)
		transport = credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{with.pair}, RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12,
		})
	}
	target := "unix:" + at.path
	if at.network == "tcp" {
		target = "passthrough:///" + at.path
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(transport), grpc.WithDisableRetry(), grpc.WithDisableServiceConfig())
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(e.ctx, ownLimit)
	defer cancel()
	_, err = grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	return err
}

package record

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// Config says what a Proxy stands between.
type Config struct {
	// To is the gateway's address: https, a host, no path.
	To string
	// Listen is a loopback host:port; empty means 127.0.0.1:0.
	Listen string
	// Dir gets ca.pem and record.json once calls are taken; empty writes nothing.
	Dir string
	// File is the recording. It must not be there yet.
	File string
	// Roots are the CAs that the gateway's certificate may come from; nil means
	// those of this machine.
	Roots *x509.CertPool
	// Live lets calls through that may reach a live site.
	Live bool
	// Limit is the largest size of the recording in bytes, DefaultLimit if zero.
	// Calls are refused once it is reached.
	Limit int64
	// Now is the clock of the recording; nil means time.Now.
	Now func() time.Time
}

// DefaultLimit is the size of a recording in bytes: some ten thousand exchanges.
const DefaultLimit = 64 << 20

const (
	// maxRequest bounds a request in bytes. The largest real ones have some
	// kilobytes.
	maxRequest = 1 << 20
	// inFlight bounds the calls at a time, and with them the memory.
	inFlight = 16
	// callLimit bounds a call to the gateway: longer than any client waits.
	callLimit = 90 * time.Second
	// readLimit bounds the time in which a request must have arrived.
	readLimit = 30 * time.Second
)

// Proxy takes calls until Close.
type Proxy struct {
	config    Config
	to        *url.URL
	ca        []byte
	address   string
	transport *http.Transport
	server    *http.Server
	slots     chan struct{}
	serving   sync.WaitGroup
	masker    *masker

	mu   sync.Mutex
	tape *tape
	n    int // exchanges that began
	kept int // exchanges that were written
}

// Start opens the recording and takes calls until Close. The context bounds the
// start alone.
func Start(ctx context.Context, cfg Config) (*Proxy, error) {
	p, err := newProxy(cfg)
	if err != nil {
		return nil, err
	}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if p.config.Dir == "" {
		return p, nil
	}
	if err := p.write(); err != nil {
		return nil, errors.Join(err, p.Close()) //nolint:contextcheck // What was begun is ended whatever became of the start.
	}
	return p, nil
}

func newProxy(cfg Config) (*Proxy, error) {
	to, err := url.Parse(cfg.To)
	if err != nil || to.Scheme != "https" || to.Host == "" || to.User != nil || to.RawQuery != "" || to.Path != "" && to.Path != "/" {
		return nil, errors.New("the gateway's address is like https://webservices.securetrading.net: https, a host, no path")
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Limit == 0 {
		cfg.Limit = DefaultLimit
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Proxy{
		config: cfg, to: to, masker: newMasker(), slots: make(chan struct{}, inFlight),
		transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
			// The answer passes as it was sent. A connection for each call: on one that
			// was used before, a call could be sent twice.
			DisableCompression: true, DisableKeepAlives: true,
			TLSHandshakeTimeout: 10 * time.Second,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			Proxy:               http.ProxyFromEnvironment,
		},
	}, nil
}

func (p *Proxy) start(ctx context.Context) error {
	host, _, err := net.SplitHostPort(p.config.Listen)
	if err != nil {
		return fmt.Errorf("listen address %q: %w", p.config.Listen, err)
	}
	var config *tls.Config
	if p.ca, config, err = gateway.Certificate(host); err != nil {
		return fmt.Errorf("make the recorder's certificate: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.config.Listen)
	if err != nil {
		return fmt.Errorf("open the recorder's port: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = listener.Close()
		return fmt.Errorf("listen address %s: passwords and cards pass here, so give it a loopback address like 127.0.0.1:0", p.config.Listen)
	}
	p.tape, err = newTape(p.config.File, p.config.Limit, Header{
		Version: Version, Host: p.to.Host, Live: p.config.Live, Began: p.config.Now().UTC(),
	})
	if err != nil {
		_ = listener.Close()
		return err
	}
	p.address = listener.Addr().String()
	p.server = &http.Server{
		Handler: p, ReadHeaderTimeout: readLimit, ReadTimeout: readLimit, WriteTimeout: 2 * callLimit, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10,
		// A header could be in its messages.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	p.serving.Go(func() { _ = p.server.Serve(tls.NewListener(listener, config)) }) // ends with Close
	return nil
}

// Info is the content of record.json.
type Info struct {
	JSONURL string `json:"json_url"`
	XMLURL  string `json:"xml_url"`
	CAFile  string `json:"ca_file"`
	File    string `json:"file"`
	To      string `json:"to"`
}

// Info says where the proxy is.
func (p *Proxy) Info() Info {
	return Info{
		JSONURL: p.URL() + "/json/", XMLURL: p.URL() + "/xml/", CAFile: filepath.Join(p.config.Dir, "ca.pem"),
		File: p.config.File, To: p.to.String(),
	}
}

// URL is the root that clients call instead of the gateway's.
func (p *Proxy) URL() string { return "https://" + p.address }

// CAPEM is the CA's certificate that clients have to trust, in PEM form.
func (p *Proxy) CAPEM() []byte { return append([]byte(nil), p.ca...) }

// Count is how many exchanges were written so far.
func (p *Proxy) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

// Close takes no more calls, waits for those on their way, and closes the
// recording. The error also says why a recording is not complete.
func (p *Proxy) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	err := p.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop recording: %w", err), p.server.Close())
	}
	p.serving.Wait()
	p.transport.CloseIdleConnections()
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(err, p.tape.ended, p.tape.file.Close())
}

// write puts ca.pem and then record.json into the folder.
func (p *Proxy) write() error {
	var err error
	if p.config.Dir, err = filepath.Abs(p.config.Dir); err != nil {
		return fmt.Errorf("folder %s: %w", p.config.Dir, err)
	}
	if err := os.MkdirAll(p.config.Dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	info, err := json.MarshalIndent(p.Info(), "", "  ")
	if err != nil {
		return fmt.Errorf("write record.json: %w", err)
	}
	return errors.Join(
		replaceFile(filepath.Join(p.config.Dir, "ca.pem"), p.ca),
		replaceFile(filepath.Join(p.config.Dir, "record.json"), append(info, '\n')),
	)
}

// replaceFile replaces a file in one step, so that who waits for it never reads
// half of it.
func replaceFile(name string, content []byte) error {
	if err := os.WriteFile(name+".new", content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

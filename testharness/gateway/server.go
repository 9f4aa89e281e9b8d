package gateway

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/page"
)

// Listen says where a gateway serves.
type Listen struct {
	// JSON and Admin are host:port; empty means 127.0.0.1:0. Admin must be a
	// loopback address: whoever reaches it needs no password.
	JSON, Admin string
	// Dir gets ca.pem and gateway.json once the gateway answers; empty writes
	// nothing.
	Dir string
	// Open opens a port; nil means one of this machine's. Tests bring a network
	// in memory.
	Open func(ctx context.Context, network, address string) (net.Listener, error)
	// Pages are served at /myst/ of the admin address, and / leads there; nil
	// serves none.
	Pages http.Handler
}

// Server is a gateway that serves on ports of its own.
type Server struct {
	g         *Gateway
	authority *authority
	admin     *http.Server
	adminURL  string
	serving   sync.WaitGroup
	once      sync.Once
	err       error
}

// Info is the content of gateway.json.
type Info struct {
	JSONURL  string     `json:"json_url"`
	XMLURL   string     `json:"xml_url"`
	AdminURL string     `json:"admin_url"`
	CAFile   string     `json:"ca_file"`
	Users    []InfoUser `json:"users"`
	Sites    []string   `json:"sites"`
	Seed     uint64     `json:"seed"`
}

// InfoUser is a user in gateway.json, with the password: a simulator's
// passwords are no secrets.
type InfoUser struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// Start serves the gateway until Close: HTTPS with a CA of its own, and the
// admin API as plain HTTP. The context bounds the start alone. A gateway can be
// started once.
func (g *Gateway) Start(ctx context.Context, at Listen) (*Server, error) {
	s, err := g.start(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("start gateway: %w", err)
	}
	if at.Dir == "" {
		return s, nil
	}
	if err := s.write(at.Dir); err != nil {
		return nil, errors.Join(fmt.Errorf("start gateway: %w", err), s.Close())
	}
	return s, nil
}

const anyPort = "127.0.0.1:0"

func (g *Gateway) start(ctx context.Context, at Listen) (*Server, error) {
	if at.JSON == "" {
		at.JSON = anyPort
	}
	if at.Admin == "" {
		at.Admin = anyPort
	}
	if at.Open == nil {
		at.Open = (&net.ListenConfig{}).Listen
	}
	host, _, err := net.SplitHostPort(at.JSON)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: %w", at.JSON, err)
	}
	s := &Server{g: g}
	if s.authority, err = g.authority(host); err != nil {
		return nil, err
	}
	g.front.listen = at.Open
	if err := g.front.start(ctx, g, at.JSON, s.authority.config, g.Switches().Down); err != nil {
		return nil, err
	}
	if err := s.startAdmin(ctx, at); err != nil {
		return nil, errors.Join(err, g.front.stop())
	}
	g.sender.Start(ctx)
	return s, nil
}

func (s *Server) startAdmin(ctx context.Context, at Listen) error {
	listener, err := at.Open(ctx, "tcp", at.Admin)
	if err != nil {
		return fmt.Errorf("open the admin port: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = listener.Close()
		return fmt.Errorf("admin address %s: it asks for no password, so give it a loopback address like 127.0.0.1:0", at.Admin)
	}
	s.adminURL = "http://" + listener.Addr().String()
	s.admin = &http.Server{
		Handler: page.Local(s.adminHandler(at.Pages)), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	s.serving.Go(func() { _ = s.admin.Serve(listener) }) // ends with Close
	return nil
}

func (s *Server) adminHandler(pages http.Handler) http.Handler {
	if pages == nil {
		return s.g.AdminHandler()
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.g.AdminHandler())
	mux.Handle(mystPath, pages)
	mux.Handle("GET /{$}", http.RedirectHandler(mystPath, http.StatusSeeOther))
	return mux
}

// mystPath is where the pages are on the admin address.
const mystPath = "/myst/"

// Close ends all connections, waits for calls in work (those that are paused
// by a fault end unprocessed) and stops. Queued notifications stay queued. It may be called more than once.
func (s *Server) Close() error {
	s.once.Do(func() {
		close(s.g.done)
		s.g.sender.Close()
		s.err = errors.Join(s.g.front.stop(), s.admin.Close())
		s.serving.Wait()
		s.g.life.Lock()
		defer s.g.life.Unlock()
		s.g.closed = true
		s.err = errors.Join(s.err, s.g.closeJournal())
	})
	return s.err
}

// JSONURL is the address of the JSON service.
func (s *Server) JSONURL() string { return s.g.front.public() + "/json/" }

// XMLURL is the address of the XML service.
func (s *Server) XMLURL() string { return s.g.front.public() + "/xml/" }

// AdminURL is the root of the admin API, without a slash at its end.
func (s *Server) AdminURL() string { return s.adminURL }

// CAPool holds the CA that signed the service's certificate.
func (s *Server) CAPool() *x509.CertPool { return s.authority.pool.Clone() }

// CAPEM is that CA's certificate in PEM form.
func (s *Server) CAPEM() []byte { return append([]byte(nil), s.authority.pem...) }

// Info describes the gateway as gateway.json does.
func (s *Server) Info(caFile string) Info {
	info := Info{
		JSONURL: s.JSONURL(), XMLURL: s.XMLURL(), AdminURL: s.AdminURL(), CAFile: caFile, Seed: s.g.seed,
		Users: []InfoUser{}, Sites: []string{},
	}
	for _, u := range s.g.Users() {
		info.Users = append(info.Users, InfoUser{Name: u.Name, Password: u.Password})
	}
	for _, site := range s.g.Sites() {
		info.Sites = append(info.Sites, site.Reference)
	}
	return info
}

// write puts ca.pem and then gateway.json into dir, each whole or not at all.
func (s *Server) write(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("folder %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	caFile := filepath.Join(dir, "ca.pem")
	info, err := json.MarshalIndent(s.Info(caFile), "", "  ")
	if err != nil {
		return fmt.Errorf("write gateway.json: %w", err)
	}
	return errors.Join(
		writeFile(caFile, s.authority.pem),
		writeFile(filepath.Join(dir, "gateway.json"), append(info, '\n')),
	)
}

// writeFile replaces a file in one step, so that who waits for it never reads
// half of it.
func writeFile(name string, content []byte) error {
	temporary := name + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(temporary, name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

package stand

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// Simulator is the gateway in a process of its own, and the way to its admin
// address.
type Simulator struct {
	Process *Process
	Info    gateway.Info
	http    http.Client

	bin, dir string
	env      []string
	args     []string
}

// startLimit is how long a process may take until it answers.
const startLimit = 20 * time.Second

// StartSimulator starts the gateway and returns once it answers. The caller
// stops its process, whatever is returned.
func StartSimulator(ctx context.Context, bin, dir string, env []string) (*Simulator, error) {
	s := NewSimulator(bin, dir, env)
	var err error
	if s.Process, err = s.Launch(); err != nil {
		return s, err
	}
	return s, s.Process.Until(ctx, startLimit, func(context.Context) error {
		s.Info, err = s.Where()
		return err
	})
}

// NewSimulator is a gateway that is started by Launch, again and again. The
// further arguments go to its command.
func NewSimulator(bin, dir string, env []string, args ...string) *Simulator {
	return &Simulator{http: http.Client{Timeout: 10 * time.Second}, bin: bin, dir: dir, env: env, args: args}
}

// Launch starts a process for those who keep it themselves. Who started the
// last one has ended it.
func (s *Simulator) Launch() (*Process, error) {
	// One that was killed has left behind where it was.
	if err := os.Remove(s.infoFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("start the gateway simulator: %w", err)
	}
	args := append([]string{"gateway", "--listen", "127.0.0.1:0", "--dir", s.dir}, s.args...)
	return Start(filepath.Dir(s.dir), "gateway", s.bin, s.env, args...)
}

func (s *Simulator) infoFile() string { return filepath.Join(s.dir, "gateway.json") }

// Where reads what the running simulator says of itself.
func (s *Simulator) Where() (gateway.Info, error) {
	var info gateway.Info
	b, err := os.ReadFile(s.infoFile())
	if err != nil {
		return info, fmt.Errorf("read what the simulator says of itself: %w", err)
	}
	err = json.Unmarshal(b, &info)
	return info, err
}

// At is the same simulator where it is now: one that was started again has
// other addresses.
func (s *Simulator) At(info gateway.Info) *Simulator {
	there := *s
	there.Info = info
	return &there
}

// User is the one that the simulator begins with.
func (s *Simulator) User() gateway.InfoUser { return s.Info.Users[0] }

// Site is the one that the simulator begins with.
func (s *Simulator) Site() string { return s.Info.Sites[0] }

// AddSites makes sites that the user may use, beside the first one. Sites
// added before are no longer the user's.
func (s *Simulator) AddSites(ctx context.Context, sites ...string) error {
	for _, site := range sites {
		if err := s.Post(ctx, "/sites", gateway.Site{Reference: site}, nil); err != nil {
			return err
		}
	}
	return s.Post(ctx, "/users", map[string]any{"name": s.User().Name, "sites": append([]string{s.Site()}, sites...)}, nil)
}

// Mint enters a card in the Virtual Terminal, as staff does, and gives the
// reference that is stored for it. The kind is AUTH or ACCOUNTCHECK.
func (s *Simulator) Mint(ctx context.Context, site, kind string) (string, error) {
	e := gateway.Entered{Site: site, Card: "4111111111111111", Currency: "GBP", Type: kind, CredentialsOnFile: "1", OrderReference: "stored card"}
	if kind != "ACCOUNTCHECK" {
		e.Amount = 1 // a penny, since nothing is not taken
	}
	var got gateway.Entry
	if err := s.Post(ctx, "/vt", e, &got); err != nil {
		return "", err
	}
	if got.ErrorCode != "0" {
		return "", fmt.Errorf("the Virtual Terminal answered %s", got.ErrorCode)
	}
	return got.TransactionReference, nil
}

// Stats counts what came in.
func (s *Simulator) Stats(ctx context.Context) (gateway.Stats, error) {
	var stats gateway.Stats
	err := s.Get(ctx, "/stats", &stats)
	return stats, err
}

// Get asks the admin address.
func (s *Simulator) Get(ctx context.Context, path string, out any) error {
	return s.do(ctx, http.MethodGet, path, nil, out)
}

// Post tells the admin address something.
func (s *Simulator) Post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("gateway simulator: POST %s: %w", path, err)
	}
	return s.do(ctx, http.MethodPost, path, bytes.NewReader(body), out)
}

// Do tells the admin address something that has no body.
func (s *Simulator) Do(ctx context.Context, method, path string) error {
	return s.do(ctx, method, path, nil, nil)
}

func (s *Simulator) do(ctx context.Context, method, path string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.Info.AdminURL+path, body)
	if err != nil {
		return fmt.Errorf("gateway simulator: %s %s: %w", method, path, err)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("gateway simulator: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return fmt.Errorf("gateway simulator: %s %s: %w", method, path, err)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("gateway simulator: %s %s: %s: %s", method, path, res.Status, strings.TrimSpace(string(b)))
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("gateway simulator: %s %s: %w", method, path, err)
	}
	return nil
}

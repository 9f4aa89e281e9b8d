package pluginhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

// binary is the test plugin's, built once; sum is its checksum.
var binary, sum string

// hostEnv makes the test's own binary a host of the plugins in the folder it
// names.
const hostEnv = "PLUGINHOST_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(hostEnv); dir != "" {
		if err := runHost(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dir, err := os.MkdirTemp("", "testplugin")
	if err == nil {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the test plugin:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func build(dir string) error {
	binary = filepath.Join(dir, "testplugin")
	output, err := exec.Command("go", "build", "-o", binary,
		"github.com/chargehand/chargehand/shared/pluginkit/internal/testplugin").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	if err := os.Chmod(binary, 0o700); err != nil { // whatever the umask
		return err
	}
	content, err := os.ReadFile(binary)
	digest := sha256.Sum256(content)
	sum = hex.EncodeToString(digest[:])
	return err
}

// runHost is a host that lives until it is killed.
func runHost(dir string) error {
	h, err := New(Config{Dir: dir, Logger: hclog.NewNullLogger(), SocketDir: filepath.Join(dir, ".s")})
	if err == nil {
		err = h.Start(context.Background())
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, h.Status()[0].PID)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// folder is a folder of plugins in the making.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	dir, err := os.MkdirTemp("", "p") //nolint:usetesting // The path of a socket must be short.
	require.NoError(t, err)
	dir, err = filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".s"), 0o700))
	return folder{t: t, dir: dir}
}

// install puts the test plugin there, with a manifest that change may spoil.
func (f folder) install(change func(*manifest)) string {
	f.t.Helper()
	m := manifest{Name: "memory", Version: "1.2.3", SHA256: sum, Path: "binary"}
	if change != nil {
		change(&m)
	}
	own := filepath.Join(f.dir, "memory")
	require.NoError(f.t, os.Mkdir(own, 0o700))
	// A link of the other kind: no file is written that is executed at once.
	require.NoError(f.t, os.Link(binary, filepath.Join(own, "binary")))
	content, err := json.Marshal(m)
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(filepath.Join(own, "memory.json"), content, 0o600))
	return own
}

func (f folder) sockets() []string {
	f.t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.dir, ".s"))
	require.NoError(f.t, err)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// quick are limits for tests that wait for them to pass.
func quick() Timing {
	return Timing{
		ProbeEvery: 50 * time.Millisecond, Probe: 100 * time.Millisecond, HungDrain: 50 * time.Millisecond,
		Kill: 2 * time.Second, Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
	}
}

type bundle struct {
	folder  folder
	host    *Host
	gateway payment.Gateway
	log     *sink
}

// setup starts a host with the test plugin. change may be nil.
func setup(t *testing.T, change func(*Config)) bundle {
	t.Helper()
	f := newFolder(t)
	f.install(nil)
	log := &sink{}
	cfg := Config{Dir: f.dir, Logger: log.logger(), SocketDir: filepath.Join(f.dir, ".s")}
	if change != nil {
		change(&cfg)
	}
	host, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		host.Stop(context.Background())
		require.Empty(t, f.sockets(), "sockets were left behind")
	})
	require.NoError(t, host.Start(t.Context()), log.String())
	gateway, err := host.Gateway("memory")
	require.NoError(t, err)
	return bundle{folder: f, host: host, gateway: gateway, log: log}
}

func (b bundle) status() Status { return b.host.Status()[0] }

// charge makes a charge; do says what the test plugin does with it.
func (b bundle) charge(ctx context.Context, do string) (payment.ChargeResult, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r := payment.ChargeRequest{
		Access: paymenttest.Access(), Reference: paymenttest.NewReference(), Amount: payment.Amount{Minor: 100, Currency: "GBP"},
		Stored: paymenttest.Stored, Settle: payment.SettleRecorded, SendBefore: time.Now().Add(10 * time.Second),
	}
	do, text, _ := strings.Cut(do, " ")
	r.Access.Settings["do"], r.Access.Settings["text"] = do, text
	return b.gateway.Charge(ctx, r)
}

// sink keeps what is logged.
type sink struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *sink) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: s, Level: hclog.Debug, JSONFormat: true})
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// eventually waits for what another process does.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 20*time.Second, 5*time.Millisecond, what)
}

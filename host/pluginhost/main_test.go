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

	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/shared/payment"
)

// binary is the test plugin's, built once; sum is its checksum.
var binary, sum string

// testBuild is one build of the test plugin.
type testBuild struct{ binary, sum, version string }

// builds are the one above and others, which differ in nothing but their
// checksums.
var builds []testBuild

// hostEnv makes the test's own binary a host of the plugins in the folder it
// names.
const hostEnv = "PLUGINHOST_TEST_DIR"

// launcherEnv names the launcher of that host's plugins, if any.
const launcherEnv = "PLUGINHOST_TEST_LAUNCHER"

func TestMain(m *testing.M) {
	if confine.Asked() {
		os.Exit(confine.Main())
	}
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
	if err != nil {
		return err
	}
	for i := range 3 {
		b := testBuild{binary: binary, version: fmt.Sprintf("1.2.%d", 3+i)}
		if i > 0 { // what follows the end of a program is ignored
			content = append(content, byte(i))
			b.binary = fmt.Sprint(binary, i)
			if err := os.WriteFile(b.binary, content, 0o700); err != nil {
				return err
			}
			if err := os.Chmod(b.binary, 0o700); err != nil {
				return err
			}
		}
		digest := sha256.Sum256(content)
		b.sum = hex.EncodeToString(digest[:])
		builds = append(builds, b)
	}
	sum = builds[0].sum
	return nil
}

// env are variables for one build alone, besides its version.
func (b testBuild) env(variables ...string) map[string]string {
	all := map[string]string{"TESTPLUGIN_VERSION_" + b.sum[:12]: b.version}
	for i := 0; i+1 < len(variables); i += 2 {
		all[variables[i]+"_"+b.sum[:12]] = variables[i+1]
	}
	return all
}

// runHost is a host that lives until it is killed.
func runHost(dir string) error {
	h, err := New(Config{
		Dir: dir, Logger: hclog.NewNullLogger(), SocketDir: filepath.Join(dir, ".s"),
		Confine: confine.Config{Launcher: os.Getenv(launcherEnv)},
	})
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
	t   testing.TB
	dir string
}

func newFolder(t testing.TB) folder {
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
	own := filepath.Join(f.dir, "memory")
	f.put(own, builds[0], change)
	return own
}

// put installs one of the builds in a folder, over what is there.
func (f folder) put(own string, b testBuild, change func(*manifest)) {
	f.t.Helper()
	m := manifest{Name: "memory", Version: b.version, SHA256: b.sum, Path: "binary"}
	if change != nil {
		change(&m)
	}
	require.NoError(f.t, os.MkdirAll(own, 0o700))
	require.NoError(f.t, os.RemoveAll(filepath.Join(own, "binary")))
	require.NoError(f.t, os.Link(b.binary, filepath.Join(own, "binary")))
	content, err := json.Marshal(m)
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(filepath.Join(own, "memory.json"), content, 0o600))
}

// sockets are the folders and sockets of processes.
func (f folder) sockets() []string {
	f.t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, ".s", "chp*", "g*"))
	require.NoError(f.t, err)
	return names
}

// stored are the checksums of the copies in the host's store.
func (f folder) stored() []string {
	f.t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, ".store", "*", "memory"))
	require.NoError(f.t, err)
	for i, name := range names {
		names[i] = filepath.Base(filepath.Dir(name))
	}
	return names
}

// patience is how long a test waits for what must come. It is never waited out
// where the code is right.
const patience = time.Minute

// quick are limits for tests that wait for them to pass. What a machine that is
// busy may miss is left long: a test that wants a miss says so.
func quick() Timing {
	return Timing{
		Start: patience, ProbeEvery: 20 * time.Millisecond, Probe: patience, HungDrain: 50 * time.Millisecond,
		Kill: patience, Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
		Failures: 1000, Look: 20 * time.Millisecond,
	}
}

// hasty are limits for tests of processes that hang. A busy machine may make
// one that is well miss them too.
func hasty() Timing {
	t := quick()
	t.Probe, t.Kill = time.Second, 2*time.Second
	return t
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
	return run(t, f, change)
}

// run starts a host on a folder of plugins.
func run(t *testing.T, f folder, change func(*Config)) bundle {
	t.Helper()
	log := &sink{}
	cfg := Config{Dir: f.dir, Logger: log.logger(), SocketDir: filepath.Join(f.dir, ".s")}
	cfg.Timing.Start, cfg.Timing.Probe = patience, patience
	if change != nil {
		change(&cfg)
	}
	host, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		host.Stop(context.Background())
		left, err := os.ReadDir(filepath.Join(f.dir, ".s"))
		require.NoError(t, err)
		require.Empty(t, left, "sockets were left behind")
	})
	require.NoError(t, host.Start(t.Context()), log.String())
	gateway, err := host.Gateway("memory")
	require.NoError(t, err)
	return bundle{folder: f, host: host, gateway: gateway, log: log}
}

func (b bundle) status() Status { return b.host.Status()[0] }

// charge makes a charge; do says what the test plugin does with it.
func (b bundle) charge(ctx context.Context, do string) (payment.ChargeResult, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.gateway.Charge(ctx, b.request(do))
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
	require.Eventually(t, condition, patience, 5*time.Millisecond, what)
}

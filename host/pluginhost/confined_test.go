package pluginhost

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

// confined has plugins started through this test's own binary. It skips the
// test where the kernel can't confine.
func confined(t *testing.T) confine.Config {
	t.Helper()
	cfg := confine.Config{Launcher: confine.Self(), Mode: confine.Required}
	if _, err := confine.New(cfg); err != nil {
		t.Skip(err)
	}
	return cfg
}

// setupConfined starts a host whose plugin is confined.
func setupConfined(t *testing.T, change func(*Config)) bundle {
	t.Helper()
	c := confined(t)
	return setup(t, func(cfg *Config) {
		cfg.Confine = c
		if change != nil {
			change(cfg)
		}
	})
}

// try has the plugin try something, and gives what it came to.
func (b bundle) try(what string, with any) error {
	b.folder.t.Helper()
	report, err := b.gateway.ValidateSettings(deadline(b.folder.t), payment.SettingsRequest{
		Settings: payment.Settings{"report": "try", "what": what, "with": fmt.Sprint(with)},
	})
	require.NoError(b.folder.t, err)
	if len(report.Problems) > 0 {
		return fmt.Errorf("%s", report.Problems[0].Text)
	}
	return nil
}

// binary is what the plugin's process executes.
func (b bundle) binary() string {
	b.folder.t.Helper()
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", b.status().PID))
	require.NoError(b.folder.t, err)
	return path
}

func TestSuiteInAConfinedProcess(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(t *testing.T) paymenttest.Harness {
		t.Helper()
		return paymenttest.MemoryHarness(setupConfined(t, nil).gateway)
	})
}

// hostFiles are what a plugin must not get at.
func hostFiles(t *testing.T, f folder) []string {
	t.Helper()
	var all []string
	for _, name := range []string{"chargehand.db", "chargehand.yaml", "master.key"} {
		all = append(all, filepath.Join(f.dir, name))
		require.NoError(t, os.WriteFile(all[len(all)-1], []byte("secret"), 0o600))
	}
	return all
}

// A confined plugin is kept from what one that isn't can do, being of the same
// user.
func TestConfinedReachesNothingOfTheHost(t *testing.T) {
	t.Parallel()
	free, caged := setup(t, nil), setupConfined(t, nil)
	require.True(t, caged.status().Confined)
	require.False(t, free.status().Confined)
	pid := os.Getpid()
	abstract, err := net.Listen("unix", fmt.Sprintf("@chargehand-test-%d", pid))
	require.NoError(t, err)
	defer abstract.Close()
	outside, err := os.MkdirTemp("", "outside") //nolint:usetesting // The other one is in the way of none.
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(outside)) })

	for _, b := range []bundle{free, caged} {
		check := func(what string, with any) {
			t.Helper()
			err := b.try(what, with)
			if b.status().Confined {
				require.Error(t, err, "%s %v", what, with)
				require.Regexp(t, "permission denied|operation not permitted", err.Error(), "%s %v", what, with)
			} else {
				require.NoError(t, err, "%s %v: this would not show that the confined one is kept from it", what, with)
			}
		}
		for _, file := range hostFiles(t, b.folder) {
			check("read", file)
			check("write", file)
			check("read", "/proc/self/root"+file)
			check("truncate", file)
			check("read", fmt.Sprintf("/proc/%d/root%s", pid, file))
			check("remove", file)
		}
		check("list", b.folder.dir)
		check("read", filepath.Join(b.folder.dir, "memory", "memory.json"))
		check("write", filepath.Join(b.folder.dir, "memory", "new"))
		check("write", filepath.Join(outside, "new"))
		check("link", "/etc/passwd")
		check("list", "/etc")
		check("read", "/etc/passwd")
		check("list", "/")
		for _, of := range []string{"environ", "maps", "cmdline"} {
			check("read", fmt.Sprintf("/proc/%d/%s", pid, of))
		}
		check("write", fmt.Sprintf("/proc/%d/mem", pid))
		check("list", fmt.Sprintf("/proc/%d/fd", pid))
		check("run", "/bin/true")
		check("run", "/bin/sh")
		check("listen", "127.0.0.1:0")
		check("signal", pid)
		check("signal", 1)
		check("unix", abstract.Addr().String())
	}
}

// No debugger's hold on a process outside: neither its memory nor its calls.
func TestConfinedTracesNobody(t *testing.T) {
	t.Parallel()
	b := setupConfined(t, nil)
	victim := exec.Command("sleep", "3600")
	require.NoError(t, victim.Start())
	defer func() {
		_ = victim.Process.Kill()
		_ = victim.Wait()
	}()
	require.ErrorContains(t, b.try("trace", victim.Process.Pid), "operation not permitted")
}

func TestConfinedReachesTheGateway(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	beside := filepath.Join(dir, "beside.pem")
	require.NoError(t, os.WriteFile(beside, []byte("x"), 0o600))
	b := setupConfined(t, func(c *Config) {
		c.Env = map[string]map[string]string{"memory": {"TESTPLUGIN_CA_FILE": ca}}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)

	require.NoError(t, b.try("fetch", server.URL), "over TLS, with the authority that its environment names")
	require.NoError(t, b.try("connect", "localhost:"+port), "by name")
	require.ErrorContains(t, b.try("read", beside), "permission denied", "no other file beside the authority")
	for _, path := range []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl/certs/ca-certificates.crt", "/usr/share/zoneinfo/Europe/London"} {
		if _, err := os.Stat(path); err == nil {
			require.NoError(t, b.try("read", path))
		}
	}
	for _, path := range []string{"/dev/urandom", "/dev/null", "/proc/self/cgroup", b.binary()} {
		if path != "/dev/urandom" { // it never ends
			require.NoError(t, b.try("read", path))
		}
	}
	require.NoError(t, b.try("write", "/dev/null"))
	socket := b.folder.sockets()[0]
	require.NoError(t, b.try("write", filepath.Join(socket, "new")))
	require.NoError(t, b.try("read", filepath.Join(socket, "new")))
	require.NoError(t, b.try("remove", filepath.Join(socket, "new")))
}

func TestManifestLetsReadAndExecute(t *testing.T) {
	t.Parallel()
	c := confined(t)
	f := newFolder(t)
	files := hostFiles(t, f)
	listed := filepath.Join(f.dir, ".listed")
	require.NoError(t, os.Mkdir(listed, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(listed, "file"), []byte("x"), 0o600))
	f.install(func(m *manifest) { m.Read, m.Execute = []string{listed}, []string{"/bin/true"} })
	b := run(t, f, func(cfg *Config) { cfg.Confine = c })
	require.NoError(t, b.try("read", filepath.Join(listed, "file")))
	require.NoError(t, b.try("list", listed))
	require.ErrorContains(t, b.try("write", filepath.Join(listed, "file")), "permission denied")
	require.ErrorContains(t, b.try("read", files[0]), "permission denied")
	require.NoError(t, b.try("read", "/bin/true"))
	require.NoError(t, b.try("run", "/bin/true"))
	require.ErrorContains(t, b.try("run", "/bin/false"), "permission denied")
}

// What a launcher leaves behind in the process that it becomes: nothing.
func TestLauncherLeavesNoTrace(t *testing.T) {
	t.Parallel()
	free, caged := setup(t, nil), setupConfined(t, nil)
	tell := func(b bundle) map[string]string {
		t.Helper()
		pid := b.status().PID
		group, err := syscall.Getpgid(pid)
		require.NoError(t, err)
		require.Equal(t, pid, group)
		told := map[string]string{}
		for _, name := range []string{"cmdline", "comm", "environ", "status", "limits"} {
			content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			require.NoError(t, err)
			told[name] = strings.ReplaceAll(string(content), b.folder.dir, "DIR")
		}
		told["environ"] = regexp.MustCompile(`(?s)PLUGIN_CLIENT_CERT=.*?\x00|chp\d+/g\d+`).ReplaceAllString(told["environ"], "")
		var kept []string
		for line := range strings.Lines(told["status"]) {
			if name, _, _ := strings.Cut(line, ":"); regexp.MustCompile(`^(Name|Umask|Uid|Gid|Groups|Sig(Ign|Cgt)|Cap.*|Seccomp)$`).MatchString(name) {
				kept = append(kept, line)
			}
		}
		told["status"] = strings.Join(kept, "")
		told["blocked"] = fmt.Sprintf("%x", blocked(t, pid))
		for fd := range 5 {
			link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
			told[fmt.Sprint("fd", fd)] = fmt.Sprint(regexp.MustCompile(`\d+`).ReplaceAllString(link, ""), err != nil)
		}
		told["exe"] = strings.ReplaceAll(b.binary(), b.folder.dir, "DIR")
		return told
	}
	want := tell(free)
	require.Contains(t, want["fd3"], "pipe:")
	require.Equal(t, want, tell(caged))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", caged.status().PID))
	require.NoError(t, err)
	require.Contains(t, string(status), "NoNewPrivs:\t1\n")
}

// blocked are the signals that no thread of a process takes. A single thread of
// a Go program may block others for its own reasons.
func blocked(t *testing.T, pid int) uint64 {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	require.NoError(t, err)
	all := ^uint64(0)
	for _, thread := range threads {
		content, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		found := regexp.MustCompile(`SigBlk:\t([0-9a-f]+)`).FindSubmatch(content)
		require.Len(t, found, 2)
		mask, err := strconv.ParseUint(string(found[1]), 16, 64)
		require.NoError(t, err)
		all &= mask
	}
	return all
}

func TestConfinedEndsWithTheHost(t *testing.T) {
	t.Parallel()
	confined(t)
	f := newFolder(t)
	f.install(nil)
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), hostEnv+"="+f.dir, launcherEnv+"="+confine.Self())
	host.Stderr = os.Stderr
	stdin, err := host.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := host.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, host.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.False(t, dead(pid))

	require.NoError(t, host.Process.Kill())
	require.Error(t, host.Wait())
	eventually(t, "the plugin has ended", func() bool { return dead(pid) })
	require.Len(t, f.sockets(), 1, "it can't remove the folder itself; the next host does")
	left, err := os.ReadDir(f.sockets()[0])
	require.NoError(t, err)
	require.Empty(t, left)
}

// What goes wrong before the plugin runs is told as it is without a launcher.
func TestRefusedByTheLauncher(t *testing.T) {
	t.Parallel()
	c := confined(t)
	for name, test := range map[string]struct {
		change func(*manifest)
		script string
		guard  string
		want   string
	}{
		"checksum":   {change: func(m *manifest) { m.SHA256 = strings.Repeat("ab", 32) }, want: "memory/binary does not have the checksum"},
		"no program": {script: "what is this", want: "can't be executed: it was built for another system"},
		"script":     {script: "#!/bin/sh\n", want: `if it is a script, list its interpreter under "execute"`},
		"missing":    {change: func(m *manifest) { m.Read = []string{"/no/such/file"} }, want: `/no/such/file ("read" in its manifest)`},
		"guarded":    {guard: "memory.key", change: func(m *manifest) { m.Read = []string{"GUARD"} }, want: "which is the host's alone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			own := f.install(func(m *manifest) {
				if test.script != "" {
					sumOf(test.script)(m)
				}
				if test.change != nil {
					test.change(m)
				}
				if test.guard != "" {
					m.Read = []string{f.dir}
				}
			})
			if test.script != "" {
				require.NoError(t, os.Remove(filepath.Join(own, "binary")))
				require.NoError(t, os.WriteFile(filepath.Join(own, "binary"), []byte(test.script), 0o700))
			}
			c := c
			if test.guard != "" {
				c.Guarded = []string{filepath.Join(f.dir, test.guard)}
			}
			h, err := New(Config{Dir: f.dir, Logger: (&sink{}).logger(), SocketDir: filepath.Join(f.dir, ".s"), Confine: c})
			require.NoError(t, err)
			defer h.Stop(t.Context())
			require.ErrorContains(t, h.Start(t.Context()), test.want)
		})
	}
}

// A plugin in an interpreted language needs its interpreter, and no more.
func TestScriptWithItsInterpreterListed(t *testing.T) {
	t.Parallel()
	c := confined(t)
	f := newFolder(t)
	script := "#!/bin/sh\necho it runs\n"
	own := f.install(func(m *manifest) {
		sumOf(script)(m)
		m.Execute = []string{"/bin/sh"}
	})
	require.NoError(t, os.Remove(filepath.Join(own, "binary")))
	require.NoError(t, os.WriteFile(filepath.Join(own, "binary"), []byte(script), 0o700))
	h, err := New(Config{Dir: f.dir, Logger: (&sink{}).logger(), SocketDir: filepath.Join(f.dir, ".s"), Confine: c})
	require.NoError(t, err)
	defer h.Stop(t.Context())
	require.ErrorContains(t, h.Start(t.Context()), `instead of the handshake it wrote "it runs" to standard output`)
}

// Without Landlock the host says so once and goes on, unless it is required.
func TestKernelWithoutLandlock(t *testing.T) {
	t.Parallel()
	if confine.Self() == "" {
		t.Skip("this system has no launcher")
	}
	f := newFolder(t)
	f.install(nil)
	none := func() int { return 0 }
	b := run(t, f, func(cfg *Config) { cfg.Confine = confine.Config{Launcher: confine.Self(), Landlock: none} })
	require.False(t, b.status().Confined)
	require.NoError(t, b.try("read", "/etc/passwd"))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.status().PID))
	require.NoError(t, err)
	require.Contains(t, string(status), "NoNewPrivs:\t1\n")
	require.NoError(t, syscall.Kill(b.status().PID, syscall.SIGKILL))
	eventually(t, "a new process is ready", func() bool { return b.status().Generation > 1 && b.status().State == StateReady })
	require.Equal(t, 1, strings.Count(b.log.String(), "plugins are not confined"), b.log)

	_, err = New(Config{Dir: f.dir, Logger: b.log.logger(), Confine: confine.Config{Launcher: confine.Self(), Mode: confine.Required, Landlock: none}})
	require.ErrorContains(t, err, "it is required (plugins.confine), but this kernel can't")
}

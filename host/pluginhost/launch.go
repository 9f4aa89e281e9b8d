package pluginhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// lifelineFD is the number of the process's end of the lifeline: the first
// after the standard three.
const lifelineFD = "3"

// launcher starts one generation.
type launcher struct {
	plugin  plugin
	binary  *os.File // the host's copy of it
	cfg     Config
	log     hclog.Logger
	number  int
	sockets *sockets
}

// launch starts a process and makes sure that it can be called. It returns when
// it can, or when everything it began is undone; then the binary is still open.
// The end of ctx makes it give up.
func (l launcher) launch(ctx context.Context) (*generation, error) {
	socketDir, err := l.sockets.make()
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		_ = os.Remove(socketDir)
		return nil, fmt.Errorf("make the lifeline: %w", err)
	}
	p := l.plugin
	g := &generation{
		plugin: p, number: l.number, timing: l.cfg.Timing, log: l.log, started: l.cfg.Now().UTC(),
		idle: make(chan struct{}), replaced: make(chan struct{}),
		relay: &relay{log: l.log}, socketDir: socketDir, lifeline: ours, binary: l.binary,
	}
	// Only as long as it starts does the end of ctx end it; later, kill decides.
	abort, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g.abort = cancel
	g.cmd = p.command(abort, l.binary.Name(), l.cfg.Env[p.name], socketDir, theirs)
	report, files, err := l.cfg.launcher.Wrap(g.cmd, confine.Grant{
		SHA256: p.sum, Folder: socketDir, Read: p.manifest.Read, Execute: p.manifest.Execute,
	})
	if err != nil {
		cancel()
		_ = theirs.Close()
		_ = ours.Close()
		_ = os.Remove(socketDir)
		return nil, err
	}
	defer report.Close()
	g.files = files
	g.client = goplugin.NewClient(g.clientConfig(p, report == nil))

	stop := context.AfterFunc(ctx, cancel)
	err = g.start(ctx, p)
	stop()
	_ = theirs.Close()
	report.Started()
	if err != nil {
		end := g.kill()
		if failure := report.Err(); failure != nil {
			err = failure
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("the start was interrupted: %w", ctx.Err())
		}
		return nil, g.explain(err, end)
	}
	g.ready = time.Now()
	return g, nil
}

// command is how a plugin's process is made. binary is the host's copy; the end
// of abort kills the process.
func (p plugin) command(abort context.Context, binary string, configured map[string]string, socketDir string, lifeline *os.File) *exec.Cmd {
	cmd := exec.CommandContext(abort, binary)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = environment(os.LookupEnv, p.env, configured, map[string]string{
		goplugin.EnvUnixSocketDir: socketDir,
		pluginrpc.LifelineEnv:     lifelineFD,
	})
	cmd.ExtraFiles = []*os.File{lifeline}
	// A signal to the host's group, as from a terminal, is not for the plugin.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// clientConfig has go-plugin check the checksum if what it starts is the plugin
// itself. The launcher checks for itself.
func (g *generation) clientConfig(p plugin, direct bool) *goplugin.ClientConfig {
	c := &goplugin.ClientConfig{
		HandshakeConfig:  pluginrpc.Handshake(),
		VersionedPlugins: pluginrpc.Plugins(nil),
		Cmd:              g.cmd,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     g.timing.Start,
		Stderr:           g.relay,
		// Only a logger of level Off, a null logger is not one, keeps go-plugin
		// from parsing what the relay reads.
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDisableRetry(),
			grpc.WithDisableServiceConfig(),
			grpc.WithChainUnaryInterceptor(needingDeadline(g.timing.Probe)),
			grpc.WithStatsHandler(wireWatch{}),
			// For go-plugin's own calls; those of the protocol say it themselves.
			grpc.WithDefaultCallOptions(
				grpc.MaxCallSendMsgSize(pluginrpc.MaxMessage), grpc.MaxCallRecvMsgSize(pluginrpc.MaxMessage)),
		},
	}
	if direct {
		// The hash keeps state: a new one for each start.
		c.SecureConfig = &goplugin.SecureConfig{Checksum: p.sum, Hash: sha256.New()}
	}
	return c
}

// needingDeadline gives calls without one a deadline. They are go-plugin's own,
// which would wait for a process that hangs for ever.
func needingDeadline(most time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		if _, ok := ctx.Deadline(); !ok {
			limited, cancel := context.WithTimeout(ctx, most)
			defer cancel()
			return invoke(limited, method, req, reply, conn, options...)
		}
		return invoke(ctx, method, req, reply, conn, options...)
	}
}

// start brings the process up until it has described itself.
func (g *generation) start(ctx context.Context, p plugin) error {
	_, err := g.client.Start()
	if g.cmd.Process != nil {
		g.pid = g.cmd.Process.Pid
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, g.timing.Start)
	defer cancel()
	if err := g.connect(ctx); err != nil {
		return err
	}
	if g.description, err = g.gateway.Describe(ctx); err != nil {
		return fmt.Errorf("it does not describe itself: %w", err)
	}
	if g.description.Name != p.name {
		return fmt.Errorf("it calls itself %q, but its manifest %s calls it %q; it is another plugin's binary", clip(g.description.Name), p.file, p.name)
	}
	if g.description.Version != p.version {
		g.log.Warn("the plugin's version is not the one in its manifest", "version", clip(g.description.Version), "manifest", p.version)
	}
	return g.check(ctx)
}

// connect opens the connection. go-plugin does it without a limit.
func (g *generation) connect(ctx context.Context) error {
	connected := make(chan error, 1)
	go func() {
		rpc, err := g.client.Client()
		if err != nil {
			connected <- err
			return
		}
		raw, err := rpc.Dispense(pluginrpc.PluginType)
		client, ok := rpc.(*goplugin.GRPCClient)
		gateway, ok2 := raw.(*pluginrpc.Client)
		switch {
		case err != nil:
			connected <- err
		case !ok || !ok2:
			connected <- fmt.Errorf("the connection is a %T with a %T", rpc, raw)
		default:
			g.conn, g.gateway = client.Conn, gateway
			connected <- nil
		}
	}()
	select {
	case err := <-connected:
		return err
	case <-ctx.Done():
		// The end of the process ends what waits for it, and kill waits for that.
		_ = syscall.Kill(-g.pid, syscall.SIGKILL)
		if err := <-connected; err == nil {
			return nil // it was ready at the last moment: Describe will tell
		}
		return fmt.Errorf("it does not let itself be called: %w", ctx.Err())
	}
}

// explain turns the failure of a start into what is wrong and what to do.
func (g *generation) explain(err error, end string) error {
	said := ""
	if last := g.relay.lastWords(); last != "" {
		said = fmt.Sprintf("; its last words: %q", last)
	}
	path := g.plugin.path
	if path == "" {
		path = g.binary.Name()
	}
	text := err.Error()
	head, _, _ := strings.Cut(text, "\n")
	switch {
	case errors.Is(err, goplugin.ErrChecksumsDoNotMatch), errors.Is(err, confine.ErrChecksum):
		return fmt.Errorf("the host's copy %s was changed since it was made; nobody but the host may write there", g.binary.Name())
	case strings.HasPrefix(text, "timeout while waiting"), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s was not ready within %s%s; see why it is slow, or whether it is a payment plugin at all", path, g.timing.Start, said)
	case strings.Contains(text, "Failed to read any lines"), strings.HasPrefix(text, "plugin exited before"):
		return fmt.Errorf("%s ended without a handshake (%s)%s; it is no payment plugin, or it could not start", path, end, said)
	case strings.HasPrefix(text, "Unrecognized remote plugin message"):
		printed := strings.TrimPrefix(head, "Unrecognized remote plugin message: ")
		return fmt.Errorf("%s is no payment plugin, or one that prints: instead of the handshake it wrote %q to standard output",
			path, clip(redact(printed)))
	case strings.HasPrefix(text, "incompatible API version"), strings.HasPrefix(text, "incompatible core API version"):
		return fmt.Errorf("%s speaks another version of the plugin protocol than this host's %d (%s); install the plugin that belongs to this host",
			path, pluginrpc.ProtocolVersion, head)
	case strings.HasPrefix(text, "unsupported plugin protocol"):
		return fmt.Errorf("%s is no payment plugin: %s", path, head)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%s can't be executed: it was built for another system, or is no program: %w", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the host's copy %s can't be executed; if its file system is mounted noexec, set plugins.store to a folder on another: %w", g.binary.Name(), err)
	}
	return fmt.Errorf("%s: %w%s", path, err, said)
}

package pluginhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// maxSocketDir is the length of the longest path of a socket folder: a socket's
// own path must fit into 104 bytes, the least of any Unix, with its name.
const maxSocketDir = 80

// lifelineFD is the number of the process's end of the lifeline: the first
// after the standard three.
const lifelineFD = "3"

// launch starts a generation and makes sure that it can be called. It returns
// when it can, or when everything it began is undone. The end of ctx makes it
// give up.
func launch(ctx context.Context, p plugin, cfg Config, log hclog.Logger, number int) (*generation, error) {
	if err := p.checkBinary(); err != nil {
		return nil, err
	}
	socketDir, err := makeSocketDir(cfg.SocketDir)
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		_ = os.Remove(socketDir)
		return nil, fmt.Errorf("make the lifeline: %w", err)
	}
	g := &generation{
		number: number, timing: cfg.Timing, log: log, started: cfg.Now().UTC(), idle: make(chan struct{}),
		relay: &relay{log: log}, socketDir: socketDir, lifeline: ours,
	}
	g.cmd = p.command(cfg.Env[p.name], socketDir, theirs)
	g.client = goplugin.NewClient(g.clientConfig(p))

	// A plugin made with the kit exits when its lifeline is cut.
	stop := context.AfterFunc(ctx, func() { _ = ours.Close() })
	err = g.start(ctx, p)
	stop()
	_ = theirs.Close()
	if err != nil {
		end := g.kill()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("the start was interrupted: %w", ctx.Err())
		}
		return nil, g.explain(p, err, end)
	}
	g.ready = time.Now()
	return g, nil
}

func makeSocketDir(base string) (string, error) {
	dir, err := os.MkdirTemp(base, "chp") // 0700
	if err != nil {
		return "", fmt.Errorf("make a socket folder: %w", err)
	}
	if len(dir) > maxSocketDir {
		_ = os.Remove(dir)
		return "", fmt.Errorf("the path of the socket folder %s has %d characters; the most is %d: set TMPDIR to a shorter path",
			dir, len(dir), maxSocketDir)
	}
	return dir, nil
}

func (p plugin) command(configured map[string]string, socketDir string, lifeline *os.File) *exec.Cmd {
	// No context: how it ends is decided in kill alone.
	cmd := exec.Command(p.path) //nolint:gosec,noctx // An installed plugin; its checksum is checked.
	cmd.Env = environment(os.LookupEnv, p.env, configured, map[string]string{
		goplugin.EnvUnixSocketDir: socketDir,
		pluginrpc.LifelineEnv:     lifelineFD,
	})
	cmd.ExtraFiles = []*os.File{lifeline}
	// A signal to the host's group, as from a terminal, is not for the plugin.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (g *generation) clientConfig(p plugin) *goplugin.ClientConfig {
	return &goplugin.ClientConfig{
		HandshakeConfig:  pluginrpc.Handshake(),
		VersionedPlugins: pluginrpc.Plugins(nil),
		Cmd:              g.cmd,
		// The hash keeps state: a new one for each start.
		SecureConfig:     &goplugin.SecureConfig{Checksum: p.sum, Hash: sha256.New()},
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
		},
	}
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
	return g.probe(ctx)
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
func (g *generation) explain(p plugin, err error, end string) error {
	said := ""
	if last := g.relay.lastWords(); last != "" {
		said = fmt.Sprintf("; its last words: %q", last)
	}
	text := err.Error()
	head, _, _ := strings.Cut(text, "\n")
	switch {
	case errors.Is(err, goplugin.ErrChecksumsDoNotMatch):
		return fmt.Errorf("the binary %s does not have the checksum that its manifest %s names: it was changed, or not copied whole; "+
			"install both again, or if you built it yourself, put what sha256sum prints into the manifest", p.path, p.file)
	case strings.HasPrefix(text, "timeout while waiting"), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s was not ready within %s%s; see why it is slow, or whether it is a payment plugin at all", p.path, g.timing.Start, said)
	case strings.Contains(text, "Failed to read any lines"), strings.HasPrefix(text, "plugin exited before"):
		return fmt.Errorf("%s ended without a handshake (%s)%s; it is no payment plugin, or it could not start", p.path, end, said)
	case strings.HasPrefix(text, "Unrecognized remote plugin message"):
		printed := strings.TrimPrefix(head, "Unrecognized remote plugin message: ")
		return fmt.Errorf("%s is no payment plugin, or one that prints: instead of the handshake it wrote %q to standard output",
			p.path, clip(redact(printed)))
	case strings.HasPrefix(text, "incompatible API version"), strings.HasPrefix(text, "incompatible core API version"):
		return fmt.Errorf("%s speaks another version of the plugin protocol than this host's %d (%s); install the plugin that belongs to this host",
			p.path, pluginrpc.ProtocolVersion, head)
	case strings.HasPrefix(text, "unsupported plugin protocol"):
		return fmt.Errorf("%s is no payment plugin: %s", p.path, head)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%s can't be executed: it was built for another system, or is no program: %w", p.path, err)
	}
	return fmt.Errorf("%s: %w%s", p.path, err, said)
}

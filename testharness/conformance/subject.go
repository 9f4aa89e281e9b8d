package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/chargehand/chargehand/shared/pluginrpc"
)

const (
	// grace is how long a plugin may take to end after Shutdown: go-plugin waits
	// so long, and then kills.
	grace = 2 * time.Second
	// killLimit is how long a killed process may take to be gone.
	killLimit = 10 * time.Second
	// ownLimit is for calls that go-plugin makes for itself.
	ownLimit = 5 * time.Second
)

// subject is one run of the plugin, started as a host starts it.
type subject struct {
	*process
	client   *goplugin.Client
	conn     *grpc.ClientConn
	gateway  *pluginrpc.Client
	lifeline *os.File
	said     *capture // standard error
	streamed *capture // what it printed after the handshake, by go-plugin's own way
	dir      string   // its working folder
	sockets  string
	ready    bool // it could be called
}

// start runs the plugin until it can be called.
func (k *Kit) start(ctx context.Context) (*subject, error) {
	s, err := k.prepare()
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the lifeline: %w", err)
	}
	defer theirs.Close()
	s.lifeline = ours
	s.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: pluginrpc.Handshake(), VersionedPlugins: pluginrpc.Plugins(nil),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			environment := k.environment(map[string]string{goplugin.EnvUnixSocketDir: s.sockets, pluginrpc.LifelineEnv: "3"})
			s.process, err = newProcess(k.cfg.Plugin, s.dir, append(handshakeOf(cmd.Env), environment...), theirs)
			return s.process, err
		},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true, SkipHostEnv: true, StartTimeout: k.cfg.StartLimit,
		Stderr: s.said, SyncStdout: s.streamed, SyncStderr: s.said,
		// Nothing that the plugin says is parsed.
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithChainUnaryInterceptor(limited),
		},
	})
	if err := s.connect(ctx, k.cfg.StartLimit); err != nil {
		said := clip(k.secrets.mask(s.said.String()))
		k.end(s)
		if said != "" {
			err = fmt.Errorf("%w; on standard error it said %q", err, said)
		}
		return nil, err
	}
	s.ready = true
	return s, nil
}

// handshakeOf leaves out what go-plugin says of its own socket folder: the
// kit's own, made as a host makes it, takes its place.
func handshakeOf(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		return strings.HasPrefix(variable, goplugin.EnvUnixSocketDir+"=")
	})
}

// limited gives go-plugin's own calls, which have none, a deadline.
func limited(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok && !strings.HasPrefix(method, pluginrpc.ServicePath) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, ownLimit)
		defer cancel()
	}
	return invoke(ctx, method, req, reply, conn, options...)
}

// prepare makes the folders of a run.
func (k *Kit) prepare() (*subject, error) {
	// The path of a socket has about a hundred characters: a short base.
	dir, err := os.MkdirTemp(k.cfg.Temp, "chc")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &subject{said: &capture{}, streamed: &capture{}, dir: filepath.Join(dir, "w"), sockets: filepath.Join(dir, "s")}
	return s, errors.Join(os.Mkdir(s.dir, 0o700), os.Mkdir(s.sockets, 0o700))
}

// environment is all that the plugin gets, sorted.
func (k *Kit) environment(own map[string]string) []string {
	all := map[string]string{}
	maps.Copy(all, k.values.fillAll(k.cfg.Profile.Environment))
	maps.Copy(all, own)
	list := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}

// connect waits for the handshake and opens the connection.
func (s *subject) connect(ctx context.Context, most time.Duration) error {
	if _, err := s.client.Start(); err != nil {
		head, _, _ := strings.Cut(err.Error(), "\n")
		return errors.New(clip(head))
	}
	connected := make(chan error, 1)
	go func() {
		connected <- func() error {
			rpc, err := s.client.Client()
			if err != nil {
				return err
			}
			raw, err := rpc.Dispense(pluginrpc.PluginType)
			if err != nil {
				return err
			}
			client, ok := rpc.(*goplugin.GRPCClient)
			gateway, ok2 := raw.(*pluginrpc.Client)
			if !ok || !ok2 {
				return fmt.Errorf("the connection is a %T with a %T", rpc, raw)
			}
			s.conn, s.gateway = client.Conn, gateway
			return nil
		}()
	}()
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	select {
	case err := <-connected:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		s.signal(syscall.SIGKILL) // ends what waits for it
		return fmt.Errorf("it does not let itself be called: %w", errors.Join(ctx.Err(), <-connected))
	}
	answer, err := grpc_health_v1.NewHealthClient(s.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	if err != nil {
		return fmt.Errorf("it does not answer the health check of the service %q: %w", goplugin.GRPCServiceName, err)
	}
	if status := answer.GetStatus(); status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("it answers the health check with %s", status)
	}
	return nil
}

// alive asks for a sign of life. It is for after something went wrong: a
// process that has just died may not be known to have ended yet.
func (s *subject) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, ownLimit)
	defer cancel()
	_, err := grpc_health_v1.NewHealthClient(s.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	return err == nil
}

// dead reports whether the process has ended.
func (s *subject) dead() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// end ends a run as a host does, and looks at what is left.
func (k *Kit) end(s *subject) {
	wasDead := s.process == nil || s.dead()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.client.Kill()
	}()
	gone := waitFor(context.Background(), closed, grace+ownLimit)
	if s.process != nil {
		alone := s.leftAlone()
		s.signal(syscall.SIGKILL)
		if !gone {
			gone = waitFor(context.Background(), closed, killLimit)
		}
		if s.ready && !wasDead && gone {
			k.judge(s, alone)
		}
		k.listen(s)
	}
	_ = s.lifeline.Close()
	s.removeAll()
}

func (s *subject) removeAll() { _ = os.RemoveAll(filepath.Dir(s.dir)) }

// judge looks at how a run ended that the kit ended.
func (k *Kit) judge(s *subject, alone bool) {
	k.watch.ends.Add(1)
	if s.forced.Load() {
		k.watch.forced.Add(1)
		return
	}
	if !alone {
		k.watch.broken(caseLitter, "it has ended, and a process that it started runs on")
	}
	for _, dir := range []string{s.sockets, s.dir} {
		entries, err := os.ReadDir(dir)
		if err == nil && len(entries) > 0 {
			k.watch.broken(caseLitter, "it has ended, and left %s behind in its %s", entries[0].Name(),
				map[string]string{s.sockets: "socket folder", s.dir: "working folder"}[dir])
		}
	}
}

// listen looks through what a run has written.
func (k *Kit) listen(s *subject) {
	_, after, _ := strings.Cut(s.printed.String(), "\n")
	for _, printed := range []string{after, s.streamed.String()} {
		if printed != "" && s.ready { // before, it is the handshake that is wrong
			k.watch.broken(caseStdout, "after the handshake it printed %q", clip(k.secrets.mask(printed)))
		}
	}
	said := s.said.String()
	for line := range strings.Lines(said) {
		if k.secrets.in(line) {
			k.watch.broken(caseLogSecrets, "a line of its log holds a secret: %q", clip(k.secrets.mask(line)))
			break
		}
	}
	if k.cfg.PluginLog != nil {
		_, _ = io.WriteString(k.cfg.PluginLog, k.secrets.mask(said)) // a log that can't be written costs no case
	}
}

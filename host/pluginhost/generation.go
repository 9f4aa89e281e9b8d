package pluginhost

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// generation is one run of a plugin's process.
type generation struct {
	plugin  plugin
	number  int
	timing  Timing
	log     hclog.Logger
	started time.Time // as Config.Now has it, UTC
	ready   time.Time // on the machine's clock

	client    *goplugin.Client
	cmd       *exec.Cmd
	pid       int // zero until the process runs
	abort     context.CancelFunc
	relay     *relay
	socketDir string
	// lifeline is the end of a pipe whose other end the process holds: it exits
	// when this one is closed, by us or by our own end.
	lifeline *os.File

	// files are what the process was given; none if it is not confined.
	files confine.Files

	// binary is the host's copy that runs: as long as it is open, it stays.
	binary *os.File

	conn        *grpc.ClientConn
	gateway     *pluginrpc.Client
	description payment.Description

	// replaced is closed when another takes its place.
	replaced chan struct{}
	// answered is set by each call that came back with an answer.
	answered atomic.Bool

	mu       sync.Mutex
	inFlight int
	closing  bool
	idle     chan struct{} // closed when closing and nothing is in flight
}

// enter begins a call; false if no more are taken.
func (g *generation) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return false
	}
	g.inFlight++
	return true
}

// leave ends a call.
func (g *generation) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	g.announceIdle()
}

// calls counts those in flight.
func (g *generation) calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inFlight
}

// drain takes no more calls, and waits for those in flight until ctx ends. It
// gives how many were left. It is called once.
func (g *generation) drain(ctx context.Context) int {
	g.mu.Lock()
	g.closing = true
	g.announceIdle()
	g.mu.Unlock()
	select {
	case <-g.idle:
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inFlight
}

// announceIdle is called with the lock held.
func (g *generation) announceIdle() {
	if !g.closing || g.inFlight > 0 {
		return
	}
	select {
	case <-g.idle:
	default:
		close(g.idle)
	}
}

// probe asks the process for a sign of life. It proves that its server answers,
// and no more.
func (g *generation) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, g.timing.Probe)
	defer cancel()
	return g.check(ctx)
}

func (g *generation) check(ctx context.Context) error {
	answer, err := grpc_health_v1.NewHealthClient(g.conn).Check(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	if err != nil {
		return err
	}
	if s := answer.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("its server says %s", s)
	}
	return nil
}

// kill ends the process and everything it started, and removes what it leaves
// behind. It takes at most twice Timing.Kill. It is called once, whatever state
// the process is in: go-plugin lets go of its goroutines only here. It gives
// how the process ended, as far as that is known.
func (g *generation) kill() string {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.client.Kill()
	}()
	gone := waitFor(ended, g.timing.Kill)
	if g.pid != 0 {
		// The whole group: what the plugin started must not outlive it, and may
		// hold a pipe whose end go-plugin waits for.
		_ = syscall.Kill(-g.pid, syscall.SIGKILL)
	}
	if !gone && !waitFor(ended, g.timing.Kill) {
		g.log.Error("the plugin's process can't be killed; it is given up", "pid", g.pid)
	}
	g.abort() // it waits for the process
	_ = g.lifeline.Close()
	if err := os.RemoveAll(g.socketDir); err != nil {
		g.log.Warn("a socket folder can't be removed", "folder", g.socketDir, "error", err)
	}
	if closed(ended) && g.cmd.ProcessState != nil {
		return g.cmd.ProcessState.String()
	}
	return "it is not known how"
}

func waitFor(done <-chan struct{}, most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return closed(done)
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

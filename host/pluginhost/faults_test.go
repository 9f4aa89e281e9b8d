package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

// What can go wrong with a process, and the test that has it go wrong:
//
//	it exits in a call                        TestExitMidCall
//	it panics, in a call or beside it         TestPanicLeavesNeighboursAlone, TestPanicBesideACall
//	it is killed, as for lack of memory       TestKilledMidCall
//	it hangs in a call, or in a probe         TestHungProcessIsReplaced
//	it hangs when it is to end                TestHungAtTheEnd
//	its main function lingers                 TestLingeringMain
//	it starts too slowly                      TestRefused/slow
//	it prints before the handshake            TestRefused/noise, TestRefused/print
//	broken lines on standard error            TestRelay, FuzzRelay, TestPluginLog
//	a line of 1 MiB, and binary junk          TestJunkOnStandardError
//	a grandchild holds standard error         TestGrandchildDiesToo
//	the host is killed                        TestHostKilled
//	a signal to the whole group               TestSignalToTheGroup
//	another binary than was installed         TestRefused/checksum, TestStoredCopyThatWasChanged
//	another cookie                            TestRefused/cookie
//	no version in common                      TestRefused/protocol_version
//	5 MiB, in either direction                TestMessagesTooLarge
//	40 new processes leave nothing behind     TestNothingIsLeftBehind
//	replaced under load                       TestReplacedUnderLoad
//	killed under load                         TestKilledUnderLoad
//	what it sees of the environment           TestEnvironmentIsTheAllowList
//	details of errors, and their mapping      TestErrorsKeepTheirMeaning

// A panic in a goroutine that the gateway started ends the process, and puts
// the call in doubt.
func TestPanicBesideACall(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := b.charge(t.Context(), "crash")
	require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), err)
	require.False(t, payment.NotSent(err))
	eventually(t, "its end is told", func() bool {
		st := b.status()
		return st.State == StateReady && strings.Contains(st.LastError, "exit status 2") && strings.Contains(st.LastError, "panic: ")
	})
	require.Contains(t, b.log.String(), "testplugin/main.go", "with the place")
}

// A process that can't even be asked to end is killed.
func TestHungAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Timing.Kill, c.Timing.Probe = time.Second, 500*time.Millisecond })
	pid := b.status().PID
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	b.host.Stop(context.Background())
	require.True(t, dead(pid))
	require.NotContains(t, b.log.String(), "it is given up")
}

// The same, when what was started to replace it has taken its place already.
func TestHungWhenReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Timing.Kill, c.Timing.Probe, c.Timing.ProbeEvery = time.Second, time.Second, time.Hour
	})
	pid := b.status().PID
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	_, err := b.host.Restart(deadline(t), "memory")
	require.NoError(t, err)
	_, err = b.charge(t.Context(), "")
	require.NoError(t, err)
	eventually(t, "the old one is dead", func() bool { return dead(pid) })
}

func TestLingeringMain(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Env = map[string]map[string]string{"memory": {"TESTPLUGIN_START": "linger"}}
	})
	pid := b.status().PID
	b.host.Stop(context.Background())
	require.True(t, dead(pid))
	require.Contains(t, b.log.String(), "lingering")
	require.Contains(t, b.log.String(), `"end":"signal: killed"`)
}

func TestJunkOnStandardError(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := b.charge(t.Context(), "junk")
	require.NoError(t, err)
	_, err = b.charge(t.Context(), "log")
	require.NoError(t, err)
	eventually(t, "the log goes on", func() bool { return strings.Contains(b.log.String(), `"a line"`) })
	for line := range strings.Lines(b.log.String()) {
		require.Less(t, len(line), 8*maxLine, "each byte may have to be escaped, and no more")
	}
	require.Equal(t, 1, b.status().Generation)
}

// Who stops everything at once, as a service manager may, must not cut off a
// charge: the host drains first.
func TestSignalToTheGroup(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ctx, finish := context.WithCancel(t.Context())
	defer finish()
	inFlight := make(chan error, 1)
	go func() {
		_, err := b.charge(ctx, "wait")
		inFlight <- err
	}()
	eventually(t, "the call is in flight", func() bool { return strings.Contains(b.log.String(), `"waiting"`) })
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		require.NoError(t, syscall.Kill(-b.status().PID, signal))
		_, err := b.charge(t.Context(), "")
		require.NoError(t, err)
	}
	require.Empty(t, inFlight)
	finish()
	require.ErrorIs(t, <-inFlight, context.Canceled)
	require.Equal(t, 1, b.status().Generation)
}

func TestMessagesTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	large := strings.Repeat("x", 5<<20)
	_, err := b.charge(t.Context(), "write "+large)
	require.Equal(t, payment.ErrorInvalid, payment.KindOf(err), err)
	require.True(t, payment.NotSent(err), "the host itself refuses it")

	// The plugin refuses it too.
	conn := b.host.plugins[0].supervisor.current.Load().conn
	_, err = pb.NewGatewayClient(conn).ValidateSettings(deadline(t), &pb.ValidateSettingsRequest{Settings: map[string]string{"x": large[:pluginrpc.MaxMessage]}})
	require.Equal(t, codes.ResourceExhausted, status.Code(err), err)

	_, err = b.charge(t.Context(), "big")
	require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), "the call was made, and nobody knows what it came to: %v", err)
	require.False(t, payment.NotSent(err))
	_, err = b.charge(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, 1, b.status().Generation)
}

// What an error says of the money crosses the process boundary.
func TestErrorsKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := b.charge(t.Context(), "refuse")
	require.Equal(t, payment.ErrorInvalid, payment.KindOf(err), err)
	require.True(t, payment.NotSent(err))
	require.EqualError(t, err, "no", "with the plugin's own words")

	_, err = b.charge(t.Context(), "fail")
	require.Equal(t, payment.ErrorInternal, payment.KindOf(err), err)
	require.False(t, payment.NotSent(err))
	require.NotContains(t, err.Error(), "the cause")

	inDoubt := func(err, want error) {
		t.Helper()
		require.ErrorIs(t, err, want)
		require.Equal(t, payment.ErrorUnknown, payment.KindOf(err), err)
		require.False(t, payment.NotSent(err))
	}
	cancelled, end := context.WithCancel(t.Context())
	defer end()
	go func() {
		defer end()
		for !strings.Contains(b.log.String(), `"waiting"`) && cancelled.Err() == nil {
			runtime.Gosched()
		}
	}()
	_, err = b.charge(cancelled, "wait")
	inDoubt(err, context.Canceled)
	// A busy machine may need longer to send it at all.
	for limit := 100 * time.Millisecond; limit < patience; limit *= 2 {
		late, end := context.WithTimeout(t.Context(), limit)
		_, err = b.charge(late, "wait")
		end()
		if !payment.NotSent(err) {
			break
		}
	}
	inDoubt(err, context.DeadlineExceeded)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.charge(ctx, "")
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, payment.NotSent(err), "it had ended before it was sent")
	require.Equal(t, 1, b.status().Generation)
}

// Of the calls that run when a process is killed, those that it has begun are
// in doubt; what found no process is proven not sent; and no worker is in doubt
// twice for one kill.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Timing = quick() })
	const workers, kills = 16, 3
	var mu sync.Mutex
	answered, unknown, notSent := map[payment.Reference]bool{}, map[payment.Reference]bool{}, map[payment.Reference]bool{}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var all sync.WaitGroup
	doubts := make([]int, workers)
	for i := range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				r := b.request("journal")
				err := b.send(context.Background(), r)
				mu.Lock()
				switch {
				case err == nil:
					answered[r.Reference] = true
				case payment.NotSent(err):
					notSent[r.Reference] = true
				default:
					unknown[r.Reference] = true
					doubts[i]++
				}
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(answered)
	}
	for range kills {
		before := count()
		eventually(t, "charges go on", func() bool { return count() >= before+3*workers })
		st := b.status()
		require.NoError(t, syscall.Kill(st.PID, syscall.SIGKILL))
		eventually(t, "another process is ready", func() bool { return b.status().Generation > st.Generation && b.status().State == StateReady })
	}
	end()
	all.Wait()
	b.host.Stop(context.Background()) // its log is complete

	for i, n := range doubts {
		require.LessOrEqual(t, n, kills, "worker %d", i)
	}
	begun := map[payment.Reference]bool{}
	for _, m := range regexp.MustCompile(`"begun ([^" ]+)"`).FindAllStringSubmatch(b.log.String(), -1) {
		begun[payment.Reference(m[1])] = true
	}
	require.NotEmpty(t, unknown, "no call was in flight")
	for reference := range begun {
		require.True(t, answered[reference] || unknown[reference], "%s was begun, and passes for not sent", reference)
	}
	for reference := range answered {
		require.True(t, begun[reference], "%s", reference)
	}
	for reference := range notSent {
		require.False(t, begun[reference], "%s", reference)
	}
	require.Zero(t, b.status().InFlight)
}

// What hits a dead process before its end is noticed was not sent, and says so.
func TestDeadButNotNoticed(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Timing.ProbeEvery = time.Hour })
	s := b.host.plugins[0].supervisor
	g := s.current.Load()
	require.NoError(t, syscall.Kill(g.pid, syscall.SIGKILL))
	<-g.gateway.Done()
	eventually(t, "the connection has ended", func() bool { return g.conn.GetState() != connectivity.Ready })
	for name, gateway := range map[string]*pluginrpc.Client{
		"its end is known":           g.gateway,
		"its connection's end alone": pluginrpc.NewClient(g.conn),
	} {
		stale := &supervisor{name: "memory", cfg: s.cfg, suspect: make(chan struct{}, 1)}
		stale.current.Store(&generation{gateway: gateway, idle: make(chan struct{})})
		_, err := facade{s: stale}.Charge(deadline(t), b.request(""))
		require.Equal(t, payment.ErrorUnavailable, payment.KindOf(err), "%s: %v", name, err)
		require.True(t, payment.NotSent(err), name)
		require.Len(t, stale.suspect, 1, "%s: a probe is asked for at once", name)
	}
}

// Each new process leaves as much behind as the one before: nothing. No
// t.Parallel: others would be counted.
func TestNothingIsLeftBehind(t *testing.T) { //nolint:paralleltest // see above
	b := setup(t, func(c *Config) {
		c.Timing = quick()
		c.Timing.ProbeEvery = time.Hour
	})
	count := func() (goroutines, files int) {
		list, _ := os.ReadDir("/proc/self/fd")
		return runtime.NumGoroutine(), len(list)
	}
	quiet := func() bool { return len(b.folder.sockets()) == 1 }
	// The first replacements may make what stays, such as a pool's connection.
	for i := range 2 {
		b.replaceOnce(t, i)
	}
	eventually(t, "one process is left", quiet)
	goroutines, files := count()
	for i := range 40 {
		b.replaceOnce(t, i)
	}
	const slack = 10 // far less than one for each process
	eventually(t, "no goroutine, descriptor or socket is left", func() bool {
		g, f := count()
		return quiet() && g <= goroutines+slack && f <= files+slack
	})
	require.Len(t, b.folder.stored(), 1)
}

// replaceOnce kills the process, or asks for another.
func (b bundle) replaceOnce(t *testing.T, i int) {
	t.Helper()
	st := b.status()
	if i%2 == 0 {
		require.NoError(t, syscall.Kill(st.PID, syscall.SIGKILL))
	} else {
		_, err := b.host.Restart(deadline(t), "memory")
		require.NoError(t, err)
	}
	eventually(t, "another process is ready", func() bool {
		now := b.status()
		return now.Generation > st.Generation && now.State == StateReady
	})
}

// A copy that somebody changed is not run but made anew.
func TestStoredCopyThatWasChanged(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Timing = quick() })
	pid := b.status().PID
	copied := filepath.Join(b.folder.dir, ".store", sum, "memory")
	require.NoError(t, os.Chmod(copied, 0o700))
	// In place, as no other file would do: the running process has this one.
	require.NoError(t, os.Rename(copied, copied+".old"))
	require.NoError(t, os.WriteFile(copied, []byte("#!/bin/sh\nexit 7\n"), 0o500))
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	eventually(t, "another process is ready", func() bool { return b.status().Generation == 2 && b.status().State == StateReady })
	require.Equal(t, 1, b.status().Restarts)
	want, err := os.ReadFile(binary)
	require.NoError(t, err)
	got, err := os.ReadFile(copied)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
}

// request is a charge; do says what the test plugin does with it.
func (bundle) request(do string) payment.ChargeRequest {
	r := payment.ChargeRequest{
		Access: paymenttest.Access(), Reference: paymenttest.NewReference(), Amount: payment.Amount{Minor: 100, Currency: "GBP"},
		Stored: paymenttest.Stored, Settle: payment.SettleRecorded, SendBefore: time.Now().Add(patience),
	}
	do, text, _ := strings.Cut(do, " ")
	r.Access.Settings["do"], r.Access.Settings["text"] = do, text
	return r
}

func (b bundle) send(ctx context.Context, r payment.ChargeRequest) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	result, err := b.gateway.Charge(ctx, r)
	if err == nil && result.Outcome != payment.OutcomeApproved {
		return fmt.Errorf("it came to %s", result.Outcome)
	}
	return err
}

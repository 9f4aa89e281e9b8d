package pluginkit

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
	"github.com/chargehand/chargehand/shared/pluginrpc"
)

func describing(d payment.Description) func(context.Context) (payment.Description, error) {
	return func(context.Context) (payment.Description, error) { return d, nil }
}

// log is a logger's output that can be read while it is written.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type bundle struct {
	fake *paymenttest.Fake
	conn *grpc.ClientConn
	log  *log
}

// setup serves a fake as Main would, but in memory.
func setup(t *testing.T) bundle {
	t.Helper()
	b := bundle{fake: paymenttest.NewFake(), log: &log{}}
	logger := newLogger(b.log)
	server := newServer(logger, nil)
	pluginrpc.Register(server, &served{gateway: b.fake, log: logger})
	listener := bufconn.Listen(64 << 10)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///memory",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	require.NoError(t, err)
	b.conn = conn
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		server.Stop()
		require.NoError(t, <-ended)
	})
	return b
}

func (b bundle) charge(t *testing.T) (payment.ChargeResult, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return pluginrpc.NewClient(b.conn).Charge(ctx, payment.ChargeRequest{
		Access: paymenttest.Access(), Reference: "ref1", Amount: payment.Amount{Minor: 100, Currency: "GBP"},
		Stored: paymenttest.Stored, Settle: payment.SettleRecorded, SendBefore: time.Now().Add(10 * time.Second),
	})
}

func TestSuite(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(t *testing.T) paymenttest.Harness {
		t.Helper()
		return paymenttest.MemoryHarness(pluginrpc.NewClient(setup(t).conn))
	})
}

func TestPanicIsDoubt(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"text": "the password is " + paymenttest.Password, "error": errors.New(paymenttest.Password), "settings": paymenttest.Settings(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fake.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) { panic(value) })
			_, err := b.charge(t)
			require.Equal(t, payment.ErrorUnknown, payment.KindOf(err))
			require.False(t, payment.NotSent(err))
			require.ErrorContains(t, err, "charge: the payment plugin failed inside the call")
			require.Contains(t, b.log.String(), "serve_test.go", "the log has the place")
			require.NotContains(t, b.log.String()+err.Error(), paymenttest.Password)

			b.fake.OnCharge(nil)
			_, err = b.charge(t)
			require.NoError(t, err, "the next call works")
		})
	}
}

func TestPanicTextOfTheRuntime(t *testing.T) {
	t.Parallel()
	defer func() { require.Contains(t, panicText(recover()), "index out of range") }()
	_ = []int{}[len(t.Name())]
}

func TestCallsNeedADeadline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := pb.NewGatewayClient(b.conn).Charge(context.Background(), &pb.ChargeRequest{})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.Len(t, status.Convert(err).Details(), 1)
	detail, ok := status.Convert(err).Details()[0].(*pb.ErrorDetail)
	require.True(t, ok)
	require.True(t, detail.GetNotSent())
	require.Empty(t, b.fake.Calls())

	// What is not of the protocol is go-plugin's business.
	handler := func(context.Context, any) (any, error) { return "ok", nil }
	got, err := needingDeadline()(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/plugin.GRPCController/Shutdown"}, handler)
	require.NoError(t, err)
	require.Equal(t, "ok", got)
}

func TestRequestTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := pb.NewGatewayClient(b.conn).Charge(ctx, &pb.ChargeRequest{Reference: strings.Repeat("x", pluginrpc.MaxMessage)})
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.Empty(t, b.fake.Calls())
}

// Causes stay in the plugin's own log.
func TestCausesAreLogged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err       error
		want, not string
	}{
		"no kind":    {errors.New("the cause"), "with an error of no kind", ""},
		"with cause": {&payment.Error{Kind: payment.ErrorInvalid, Text: "no", Err: errors.New("the cause")}, `"cause":"the cause"`, ""},
		"without":    {&payment.Error{Kind: payment.ErrorInvalid, Text: "no"}, "", "call"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fake.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) {
				return payment.ChargeResult{}, test.err
			})
			_, err := b.charge(t)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "the cause")
			require.Contains(t, b.log.String(), test.want)
			if test.not != "" {
				require.NotContains(t, b.log.String(), test.not)
			}
		})
	}
}

func TestLifeline(t *testing.T) {
	t.Parallel()
	none, err := openLifeline("")
	require.NoError(t, err)
	require.Nil(t, none)
	for number, want := range map[string]string{"three": "no file descriptor", "-1": "no file descriptor", "60000": "is not open"} {
		_, err := openLifeline(number)
		require.ErrorContains(t, err, want)
	}
	file, err := os.Create(t.TempDir() + "/file")
	require.NoError(t, err)
	defer file.Close()
	_, err = openLifeline(strconv.Itoa(int(file.Fd())))
	require.ErrorContains(t, err, "is no pipe")
}

// A plugin started by hand, with no lifeline, notices a new parent.
func TestParentIsWatched(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	watchHost(hclog.NewNullLogger(), os.Getppid()+1, func() { close(gone) })
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody noticed")
	}
}

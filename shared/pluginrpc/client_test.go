package pluginrpc

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// link is a gateway with a client of it, joined in memory.
type link struct {
	fake   *paymenttest.Fake
	client *Client
	server *grpc.Server
	conn   *grpc.ClientConn
}

func setup(t *testing.T) link {
	t.Helper()
	fake := paymenttest.NewFake()
	server := grpc.NewServer(ServerOptions()...)
	Register(server, fake)
	listener := bufconn.Listen(64 << 10)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///memory",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		server.Stop()
		// A test that never connects may stop the server before it serves.
		if err := <-served; !errors.Is(err, grpc.ErrServerStopped) {
			require.NoError(t, err)
		}
	})
	return link{fake: fake, client: NewClient(conn), server: server, conn: conn}
}

func chargeRequest() payment.ChargeRequest {
	return payment.ChargeRequest{
		Access: paymenttest.Access(), Reference: paymenttest.NewReference(), Amount: payment.Amount{Minor: 100, Currency: "GBP"},
		Stored: paymenttest.Stored, Settle: payment.SettleRecorded, SendBefore: time.Now().Add(time.Minute),
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestSuiteOverTheWire(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(t *testing.T) paymenttest.Harness {
		t.Helper()
		return paymenttest.MemoryHarness(setup(t).client)
	})
}

// The longest page of a window fits into a message, with texts as long as a
// plugin may let them get.
func TestLongestPageFits(t *testing.T) {
	t.Parallel()
	l := setup(t)
	long := strings.Repeat("x", 255)
	id := strings.Repeat("1", payment.MaxTransactionID)
	now := time.Date(2026, time.March, 10, 12, 0, 0, 999_999_999, time.UTC)
	page := payment.QueryResult{
		Next: strings.Repeat("x", payment.MaxCursor),
		Transactions: slices.Repeat([]payment.Transaction{{
			ID: payment.TransactionID(id), Parent: payment.TransactionID(id), Reference: payment.Reference(long),
			Kind: payment.KindOther, Amount: payment.Amount{Minor: payment.MaxMinor, Currency: "GBP"},
			Status: payment.StatusSettled, Outcome: payment.OutcomeUnknown, Decline: payment.DeclineSoft, Fault: payment.FaultGateway,
			Code: long[:16], Message: long, Site: long, User: long, Mode: payment.ModeLive, Card: long[:40], Scheme: long, Expiry: "2027-12",
			StartedAt: now, SettleDue: now, SettledAt: now,
		}}, payment.MaxPage),
	}
	l.fake.OnQuery(func(context.Context, payment.QueryRequest) (payment.QueryResult, error) { return page, nil })
	got, err := l.client.Query(within(t, time.Minute), payment.QueryRequest{
		Access: paymenttest.Access(), Window: &payment.Window{From: now, To: now.Add(time.Hour)},
	})
	require.NoError(t, err)
	require.Equal(t, page, got)
	require.Less(t, proto.Size(queryResultToProto(page)), MaxMessage)
}

// What the client refuses by itself never reaches the gateway, and says so.
func TestClientRefusesBeforeSending(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithTimeout(t.Context(), time.Minute)
	cancel()
	for name, test := range map[string]struct {
		ctx   context.Context
		spoil func(*payment.ChargeRequest)
		text  string
	}{
		"no deadline": {t.Context(), func(*payment.ChargeRequest) {}, "needs a deadline"},
		"cancelled":   {cancelled, func(*payment.ChargeRequest) {}, "cancelled"},
		"late":        {within(t, time.Minute), func(r *payment.ChargeRequest) { r.SendBefore = time.Now() }, "had passed"},
		"no time":     {within(t, time.Minute), func(r *payment.ChargeRequest) { r.SendBefore = time.Time{} }, "had passed"},
		"not UTF-8":   {within(t, time.Minute), func(r *payment.ChargeRequest) { r.Access.Settings["password"] = "\xff" }, "not UTF-8"},
		"too large": {
			within(t, time.Minute),
			func(r *payment.ChargeRequest) { r.Access.Settings["password"] = strings.Repeat("x", MaxMessage) }, "the most is 1048576",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := setup(t)
			r := chargeRequest()
			test.spoil(&r)
			_, err := l.client.Charge(test.ctx, r)
			require.ErrorContains(t, err, test.text)
			require.ErrorContains(t, err, "charge: ")
			require.True(t, payment.NotSent(err))
			require.Empty(t, l.fake.Calls())
		})
	}
}

func TestChargeEndsAfterItsSlack(t *testing.T) {
	t.Parallel()
	l := setup(t)
	r := chargeRequest()
	var latest time.Time
	l.fake.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
		latest, _ = ctx.Deadline()
		return l.fake.Memory.Charge(ctx, r)
	})
	_, err := l.client.Charge(within(t, time.Hour), r)
	require.NoError(t, err)
	require.WithinDuration(t, r.SendBefore.Add(payment.CallSlack), latest, 5*time.Second)

	_, err = l.client.Charge(within(t, 30*time.Second), chargeRequest())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(30*time.Second), latest, 5*time.Second, "a nearer deadline stands")
}

// A call that ends while the gateway works is doubt, and the gateway hears of
// the end.
func TestCallEndsMidway(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		begin func(*testing.T) (context.Context, context.CancelFunc)
		want  error
	}{
		"cancelled": {func(t *testing.T) (context.Context, context.CancelFunc) {
			t.Helper()
			return context.WithTimeout(t.Context(), time.Minute)
		}, context.Canceled},
		"time up": {func(t *testing.T) (context.Context, context.CancelFunc) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			_ = cancel // the time is to end it
			return ctx, func() {}
		}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := setup(t)
			entered, ended := make(chan struct{}), make(chan error, 1)
			l.fake.OnCharge(func(ctx context.Context, _ payment.ChargeRequest) (payment.ChargeResult, error) {
				close(entered)
				<-ctx.Done()
				ended <- ctx.Err()
				return payment.ChargeResult{}, ctx.Err()
			})
			ctx, end := test.begin(t)
			go func() {
				<-entered
				end()
			}()
			_, err := l.client.Charge(ctx, chargeRequest())
			require.ErrorIs(t, err, test.want)
			require.Equal(t, payment.ErrorUnknown, payment.KindOf(err))
			require.False(t, payment.NotSent(err))
			require.Error(t, <-ended)
		})
	}
}

func TestServerGoneMidway(t *testing.T) {
	t.Parallel()
	l := setup(t)
	entered := make(chan struct{})
	l.fake.OnCharge(func(ctx context.Context, _ payment.ChargeRequest) (payment.ChargeResult, error) {
		close(entered)
		<-ctx.Done()
		return payment.ChargeResult{}, ctx.Err()
	})
	go func() {
		<-entered
		l.server.Stop()
	}()
	_, err := l.client.Charge(within(t, time.Minute), chargeRequest())
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.Equal(t, payment.ErrorUnknown, payment.KindOf(err))
	require.False(t, payment.NotSent(err))
	require.ErrorContains(t, err, "look it up")
}

// An answer beyond the limit is lost, and with it what happened.
func TestAnswerTooLarge(t *testing.T) {
	t.Parallel()
	l := setup(t)
	l.fake.OnCharge(func(context.Context, payment.ChargeRequest) (payment.ChargeResult, error) {
		return payment.ChargeResult{Outcome: payment.OutcomeApproved, Evidence: strings.Repeat("x", MaxMessage)}, nil
	})
	_, err := l.client.Charge(within(t, time.Minute), chargeRequest())
	require.Equal(t, payment.ErrorUnknown, payment.KindOf(err))
	require.False(t, payment.NotSent(err))
}

func TestDoneWithoutProcessNeverCloses(t *testing.T) {
	t.Parallel()
	require.Nil(t, setup(t).client.Done())
}

func TestPluginsNeedAGateway(t *testing.T) {
	t.Parallel()
	plugin := Plugins(nil)[ProtocolVersion][PluginType]
	require.ErrorContains(t, plugin.(*grpcPlugin).GRPCServer(nil, grpc.NewServer()), "no gateway")
	require.Equal(t, "payment", Handshake().MagicCookieValue)
}

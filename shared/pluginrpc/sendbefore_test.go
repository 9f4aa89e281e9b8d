package pluginrpc

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/chargehand/chargehand/shared/payment"
	pb "github.com/chargehand/chargehand/shared/paymentv1"
)

func TestSendBefore(t *testing.T) {
	t.Parallel()
	now := time.Now()
	wall := func(d time.Duration) time.Time { return now.Round(0).Add(d) }
	for name, test := range map[string]struct {
		wall   time.Time
		within *durationpb.Duration
		want   time.Duration
	}{
		"both agree":                      {wall(time.Second), durationpb.New(time.Second), time.Second},
		"the wall was set back":           {wall(time.Hour), durationpb.New(time.Second), time.Second},
		"the wall was set forward":        {wall(-time.Hour), durationpb.New(time.Second), -time.Hour},
		"nothing is left":                 {wall(time.Hour), durationpb.New(-time.Second), -time.Second},
		"a host that does not measure it": {wall(time.Second), nil, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sendBefore(now, test.wall, test.within)
			require.Equal(t, test.want, got.Sub(now))
			require.NotEqual(t, got.Round(0), got, "it carries the monotonic reading")
		})
	}
	require.Zero(t, sendBefore(now, time.Time{}, durationpb.New(time.Hour)), "no moment is past")
}

// The window that the host has measured by its monotonic clock reaches the
// gateway, whatever the wall clock shows meanwhile.
func TestWallClockSetBackOpensNoWindow(t *testing.T) {
	t.Parallel()
	l := setup(t)
	r := chargeRequest()
	began := time.Now()
	r.SendBefore = began.Add(30 * time.Second)
	var got payment.ChargeRequest
	l.fake.OnCharge(func(_ context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
		got = r
		return payment.ChargeResult{Outcome: payment.OutcomeNotSent}, nil
	})
	_, err := l.client.Charge(within(t, time.Minute), r)
	require.NoError(t, err)
	require.True(t, got.SendBefore.Round(0).Equal(r.SendBefore.Round(0)), "with both clocks right nothing is lost")

	// On the wall there is an hour left, on the monotonic clock half a minute.
	request := chargeRequestToProto(r)
	request.SendBefore = timeToProto(began.Add(time.Hour))
	request.SendWithin = durationpb.New(30 * time.Second)
	_, err = pb.NewGatewayClient(l.conn).Charge(within(t, time.Minute), request)
	require.NoError(t, err)
	require.Less(t, got.SendBefore.Sub(began), 59*time.Minute)
}

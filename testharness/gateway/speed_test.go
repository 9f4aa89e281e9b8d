package gateway_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// With a day in a minute, two minutes settle a payment; and a gateway that is
// started again goes on from there.
func TestSpeed(t *testing.T) {
	t.Parallel()
	at := begin
	cfg := gateway.Config{Now: func() time.Time { return at }, Speed: 1440, Journal: filepath.Join(t.TempDir(), "journal")}
	g, err := gateway.New(cfg)
	require.NoError(t, err)
	require.Equal(t, begin, g.Now())
	_, err = g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: "4111111111111111", Amount: 100, Currency: "GBP"})
	require.NoError(t, err)
	at = at.Add(time.Minute)
	require.Equal(t, begin.Add(day), g.Now())
	require.Equal(t, gateway.StatusSettling, g.Ledger()[0].SettleStatus)
	at = at.Add(time.Minute)
	require.Equal(t, gateway.StatusSettled, g.Ledger()[0].SettleStatus)
	at = at.Add(30 * time.Second)
	late, err := g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: "4111111111111111", Amount: 200, Currency: "GBP"})
	require.NoError(t, err)

	again, err := gateway.New(cfg)
	require.NoError(t, err)
	require.Equal(t, begin.Add(60*hour), again.Now(), "not before what was shown")
	require.Equal(t, late, again.Ledger()[1])
	at = at.Add(time.Minute)
	require.Equal(t, begin.Add(84*hour), again.Now())
	require.Equal(t, gateway.StatusSettling, again.Ledger()[1].SettleStatus)
}

func TestSpeed_Refused(t *testing.T) {
	t.Parallel()
	for _, speed := range []float64{-1, 100_001} {
		_, err := gateway.New(gateway.Config{Speed: speed})
		require.ErrorContains(t, err, "speed")
	}
}

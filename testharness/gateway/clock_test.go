package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * hour
)

func TestSettlement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(nil)
	status := func() int { return b.entry(ref).SettleStatus }
	b.tick(14*hour - 1)
	require.Equal(t, 0, status(), "until midnight")
	b.tick(1)
	require.Equal(t, 10, status())
	require.NotContains(t, b.record(ref), "settledtimestamp")
	b.tick(day - 1)
	require.Equal(t, 10, status())
	b.tick(1)
	require.Equal(t, 100, status())
	require.Equal(t, "2026-03-06 00:00:00", b.record(ref)["settledtimestamp"])
	require.Equal(t, []gateway.Change{
		{At: begin, By: gateway.DefaultUser},
		{At: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), From: 0, To: 10, By: "batch"},
		{At: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC), From: 10, To: 100, By: "batch"},
	}, b.entry(ref).History)
}

func TestSettlementFollowsTheClockBelow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(nil)
	b.clock.move(48 * hour)
	require.Equal(t, 100, b.entry(ref).SettleStatus)
	b.clock.move(-48 * hour)
	require.Equal(t, begin.Add(48*hour), b.g.Now(), "never back")
}

func TestTickOfTwoDaysSettles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pending, manual := b.charge(nil), b.charge(fields{"settlestatus": "1"})
	late := b.charge(fields{"settleduedate": "2026-03-11"})
	held := b.charge(fields{"settlestatus": "2"})
	b.tick(48 * hour)
	require.Equal(t, 100, b.entry(pending).SettleStatus)
	require.Equal(t, 100, b.entry(manual).SettleStatus)
	require.Equal(t, 0, b.entry(late).SettleStatus)
	require.Equal(t, 2, b.entry(held).SettleStatus)
	b.tick(6 * day)
	require.Equal(t, 10, b.entry(late).SettleStatus)
}

func TestHeldLapses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	held, pre := b.charge(fields{"settlestatus": "2"}), b.charge(fields{"settlestatus": "2", "authmethod": "PRE"})
	b.tick(7*day - 1)
	require.Equal(t, 2, b.entry(held).SettleStatus)
	b.tick(1)
	require.Equal(t, 3, b.entry(held).SettleStatus)
	require.Equal(t, gateway.Change{At: begin.Add(7 * day), From: 2, To: 3, By: "lapse"}, b.entry(held).History[1])
	require.Equal(t, "60017", b.ask1(update(held, "0"))["errorcode"])
	b.tick(24*day - 1)
	require.Equal(t, 2, b.entry(pre).SettleStatus)
	b.tick(1)
	require.Equal(t, 3, b.entry(pre).SettleStatus)
}

func TestReleasedLateSettlesWithTheNextBatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(fields{"settlestatus": "2"})
	b.tick(6 * day)
	require.Equal(t, "0", b.ask1(update(ref, "0"))["errorcode"])
	require.Equal(t, "2026-03-10", b.record(ref)["settleduedate"])
	b.tick(day)
	require.Equal(t, 10, b.entry(ref).SettleStatus)
	b.tick(day)
	require.Equal(t, 100, b.entry(ref).SettleStatus)
}

func TestHeldAgainLapses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(fields{"settleduedate": "2026-03-11"})
	b.tick(3 * day)
	require.Equal(t, "0", b.ask1(update(ref, "2"))["errorcode"])
	b.tick(4 * day)
	require.Equal(t, 3, b.entry(ref).SettleStatus)
}

func TestTickErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, d := range []time.Duration{-1, 401 * day} {
		_, err := b.g.Tick(d)
		require.Error(t, err)
	}
	require.Equal(t, begin, b.g.Now())
}

package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/config"
	"github.com/chargehand/chargehand/testharness/chaos"
)

// What holds under chaos holds with the real clocks: they have the same
// proportions to each other and to the gateway's lags. Only clocks that decide
// nothing about money have times of their own there.
func TestChaosKeepsTheProportionsOfTheRealClocks(t *testing.T) {
	t.Parallel()
	for _, scale := range []float64{20, 60} {
		settings := chaos.Settings(chaos.Size{Orders: 1000, Scale: scale, AtOnce: true})
		settings["environment"] = "chaos"
		text, err := yaml.Marshal(settings)
		require.NoError(t, err)
		c, err := config.Load(written(t, string(text)), nil, nothing)
		require.NoError(t, err)
		free := cmpopts.IgnoreFields(charge.Clocks{}, "Follow", "ProbeMost", "RetryMost", "DoubtPerson")
		require.Empty(t, cmp.Diff(charge.DefaultClocks().Scaled(scale), c.Clocks, free))
	}
	// At a real gateway: all that the runs let it be late, and hold us up by,
	// stays below the shortest absence, counted from where the counting starts.
	actual := charge.DefaultClocks()
	require.Less(t, chaos.LongestLag, actual.AbsenceRecorded)
	require.Less(t, chaos.LongestStop+actual.SendWindow, actual.AbsenceRecorded)
	require.Less(t, actual.SendWindow+actual.CallSlack+actual.LeaseSlack, chaos.LongestStop, "stops last past the leases")
	require.Greater(t, actual.AbsenceRecorded, actual.SendWindow+actual.AnswerLimit)
	require.Equal(t, 6*actual.AbsenceRecorded, actual.AbsenceAtOnce)
	require.Greater(t, chaos.LongestStop, time.Minute)
}

package demo

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A fault finds the call it is for by its amount: with two of the same, it
// would hit whichever comes first.
func TestStoriesAreTellableApart(t *testing.T) {
	t.Parallel()
	all := stories()
	require.GreaterOrEqual(t, len(all), 24)
	names, amounts := map[string]bool{}, map[int64]int{}
	for _, s := range all {
		require.False(t, names[s.name], s.name)
		names[s.name] = true
		amounts[s.minor]++
	}
	for _, s := range all {
		if len(s.faults) > 0 {
			require.Equal(t, 1, amounts[s.minor], s.name)
		}
	}
	require.True(t, names[example])
}

func TestEveryActIsPlayed(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		require.LessOrEqual(t, s.act, actDown, s.name)
		require.NotEmpty(t, s.want.state, s.name)
		require.NotEmpty(t, s.want.produce, s.name)
	}
}

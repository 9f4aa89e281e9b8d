package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
)

// Of several pauses the same one is told of at every look: whether it is the
// company's to mend decides how long its charges wait.
func TestNearestPauseIsToldOf(t *testing.T) {
	t.Parallel()
	b := newBoard()
	keys := charge.Keys("memory", "f", "l", "EU", "site")
	for _, scope := range []charge.Scope{charge.ScopeEndpoint, charge.ScopeSite, charge.ScopeLink} {
		b.pause(charge.Pause{Scope: scope, Key: keys[scope]})
		for range 50 {
			p, ok := b.paused(keys)
			require.True(t, ok)
			require.Equal(t, scope, p.Scope)
		}
	}
}

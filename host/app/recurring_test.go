package app

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// A recurring series is numbered from two on, by the host.
func TestRecurringSeries(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		s := b.shop("one")
		path := "/v1/companies/" + s.fulfiller + "/settings/" + pluginName
		seen := b.must(200, b.do(s.fulfillerKey, "GET", path, nil)).object()["version"]
		b.must(200, b.do(s.fulfillerKey, "PUT", path, map[string]any{"version": seen, "values": map[string]string{"accounttype": "RECUR"}}))
		for n := 2; n <= 4; n++ {
			_, c := b.place(s, fmt.Sprintf("A-%d", n), 1250, "Prefer", "wait=20")
			require.Equal(t, "yes", c["produce"], "%v", c)
			story := b.until(c["id"], "released")
			attempts, ok := story["attempts_detail"].([]any)
			require.True(t, ok)
			require.Len(t, attempts, 1)
			attempt, ok := attempts[0].(map[string]any)
			require.True(t, ok)
			require.InDelta(t, n, attempt["sequence"], 0)
		}
		for _, e := range b.gateway.Ledger() {
			if e.Type == "AUTH" {
				require.Equal(t, "RECUR", e.Account)
			}
		}
	})
}

package app

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// A graceful stop finishes the calls in flight, begins no others, keeps nobody
// waiting, and leaves nothing in doubt. The next host goes on with the rest.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		const orders, inFlight = 30, 8
		b := newBed(t, driver, map[string]any{"limits.in_flight": inFlight, "limits.site_in_flight": inFlight})
		s := b.shop("one")
		// A first release shows that the site's releases work, so that nothing waits for that.
		_, first := b.place(s, "first", 99)
		b.until(first["id"], "released")
		_, err := b.gateway.AddFaults(gateway.Fault{Effect: gateway.EffectLatency, Type: "AUTH", Delay: gateway.Duration(1200 * time.Millisecond)})
		require.NoError(t, err)
		ids := make([]any, 0, orders)
		for i := range orders {
			_, c := b.place(s, fmt.Sprintf("A-%d", i), int64(100+i))
			ids = append(ids, c["id"])
		}
		waiting := make(chan answer, 1)
		go func() {
			waiting <- b.do(b.key, "POST", "/v1/orders", s.order("patient", 500, "GBP"), "Prefer", "wait=60")
		}()
		eventually(t, "the patient one is taken in, and all room is taken", func() bool {
			return b.rows()["orders"] == orders+2 && b.app.engine.InFlight(pluginName) == inFlight
		})
		begin := time.Now()
		b.stop()
		require.Less(t, time.Since(begin), 15*time.Second)
		patient := b.must(202, <-waiting)
		require.Equal(t, "wait", firstCharge(t, patient.object())["produce"])
		begun := b.authorisations() - 1
		require.GreaterOrEqual(t, begun, inFlight)
		require.Less(t, begun, orders, "it went on to begin new calls")
		b.withDatabase(func(db *database.DB) {
			states := map[string]int{}
			var rows []struct {
				State string
				N     int
			}
			require.NoError(t, db.Read(context.Background()).Table("charges").Select("state, COUNT(*) AS n").Group("state").Scan(&rows).Error)
			for _, r := range rows {
				states[r.State] = r.N
			}
			require.Zero(t, states["charging"]+states["unknown"], "%v", states)
			require.Equal(t, orders+1-begun, states["planned"], "%v", states)
		})

		b.gateway.ClearFaults()
		require.NoError(t, b.start())
		for _, id := range append(ids, firstCharge(t, patient.object())["id"]) {
			c := b.until(id, "released")
			require.EqualValues(t, 1, c["attempts"], "%v", c)
		}
		require.Equal(t, orders+2, b.authorisations())
		for _, id := range ids {
			for _, e := range b.must(200, b.do(b.key, "GET", fmt.Sprintf("/v1/charges/%s", id), nil)).object()["story"].([]any) {
				require.NotEqual(t, "unknown", e.(map[string]any)["state"], "%v", e)
			}
		}
		require.Empty(t, b.log.errors())
	})
}

// Stop may be called again, and on a host that never came up.
func TestStopAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	host := b.app
	b.stop()
	host.Stop(t.Context())
	require.NoError(t, b.start())
}

package cluster

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// A node is killed under load. Its host can do nothing until the node is back;
// the others go on. Nothing is lost, charged twice or stuck.
func TestNodeKilled(t *testing.T) {
	t.Parallel()
	dsns := nodes(t)
	b := newBed(t, dsns)
	const n = 240
	b.placeAll(0, n/4, b.hosts...)
	kill(t, dsns[2])
	began := time.Now()
	done := make(chan struct{})
	go func() { // its clients keep at it
		defer close(done)
		b.placeAll(n/4, n/2, b.hosts[2])
	}()
	b.placeAll(n/2, n*3/4, b.hosts[:2]...)
	t.Logf("the hosts of the other nodes took %d orders in within %.1f s", n/4, time.Since(began).Seconds())
	synced(t, dsns[2])
	t.Logf("the node was back after %.1f s", time.Since(began).Seconds())
	select {
	case <-done:
	case <-time.After(patience):
		require.FailNow(t, "the host of the node that was killed takes nothing in")
	}
	b.placeAll(n*3/4, n, b.hosts...)
	b.onceEach(b.untilAll(n, charge.StateReleased), 1)
	require.NoError(t, b.hosts[2].db.Ping(t.Context()))
	require.Len(t, b.charges(b.hosts[2]), n)
}

// Answers to COMMIT are lost, after the commit and before it: what became of it
// is read back, and nothing is done twice.
func TestLostCommits(t *testing.T) {
	t.Parallel()
	dsns := nodes(t)
	proxy, through := databasetest.NewProxy(t, dsns[0])
	b := newBed(t, []string{through, dsns[1]})
	var commits, lost atomic.Int64
	proxy.Each(func() databasetest.Fate {
		switch commits.Add(1) % 8 {
		case 3:
			lost.Add(1)
			return databasetest.LoseAnswer
		case 7:
			lost.Add(1)
			return databasetest.LoseCommit
		}
		return databasetest.Pass
	})
	const n = 200
	b.placeAll(0, n, b.hosts...)
	list := b.untilAll(n, charge.StateReleased)
	proxy.Each(nil)
	b.onceEach(list, 1)
	require.Greater(t, lost.Load(), int64(5))
	t.Logf("%d of %d answers to COMMIT were lost", lost.Load(), commits.Load())
}

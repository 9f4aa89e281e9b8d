package restore_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/charge"
	"github.com/chargehand/chargehand/host/restore"
	"github.com/chargehand/chargehand/host/restore/restoredb"
	"github.com/chargehand/chargehand/shared/payment"
)

// held is an answer that is under way until it is let go.
type held struct {
	arrived, letGo chan struct{}
	once           sync.Once
}

func newHeld() *held { return &held{arrived: make(chan struct{}), letGo: make(chan struct{})} }

// wait holds the first answer up, and no other.
func (h *held) wait() {
	h.once.Do(func() {
		close(h.arrived)
		<-h.letGo
	})
}

// holdCharge holds the answer to the next call to charge, which is made.
func (b *bed) holdCharge() *held {
	h := newHeld()
	b.gateway.OnCharge(func(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
		res, err := b.gateway.Memory.Charge(ctx, r)
		h.wait()
		return res, err
	})
	return h
}

// holdRelease holds the answer to the next release, which is made.
func (b *bed) holdRelease() *held {
	h := newHeld()
	b.gateway.OnAdjust(func(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
		res, err := b.gateway.Memory.Adjust(ctx, r)
		h.wait()
		return res, err
	})
	return h
}

// cameLate counts the evidence of a class that came in late.
func (b *bed) cameLate(id charge.ID, class charge.Class) (n int) {
	b.t.Helper()
	story, err := b.store.Evidence(context.Background(), id)
	require.NoError(b.t, err)
	for _, e := range story {
		if e.Class == class && bytes.HasPrefix([]byte(e.Text), []byte("This came in after the books had been put back")) {
			n++
		}
	}
	return n
}

// countOn charges other orders until every counter of this host has gone on.
func (b *bed) countOn() {
	b.t.Helper()
	read := func() []int64 {
		state, err := restoredb.New(b.db).State(context.Background())
		require.NoError(b.t, err)
		return state.Seen.Commits[b.file.Host]
	}
	first := read()
	all := func() bool {
		for lane, n := range read() {
			if n == first[lane] {
				return false
			}
		}
		return true
	}
	for i := 0; !all(); i++ {
		b.until(b.place("a", fmt.Sprintf("other-%d", i)).ID, "released", released)
	}
}

// sweepAgain stops the host, sweeps, and starts the next one.
func (b *bed) sweepAgain() restore.Report {
	b.t.Helper()
	b.stop()
	report, err := b.sweep(context.Background(), restore.Task{}, nil)
	require.NoError(b.t, err)
	require.True(b.t, report.Lifted)
	b.start()
	return report
}

// The books go back under a host that waits for an answer, to when the attempt
// was planned. The answer, and nothing else, tells the host; it stays, and the
// sweep finds what it was about.
func TestAnswerToWhatIsPlannedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.poll = time.Hour
		b.start()
		b.shop("a")
		b.engine.Stop(context.Background()) // what is placed now stays planned
		c := b.place("a", "order")
		require.Equal(t, charge.StatePlanned, c.State)
		putBack := k.under(t, b.db)
		b.stop()
		answer := b.holdCharge()
		b.start()
		<-answer.arrived
		b.countOn() // so that what is planned again is not begun again
		putBack(t, b.db)
		require.True(t, b.watch.RestoredAt().IsZero())
		close(answer.letGo)
		b.untilStopped()
		b.until(c.ID, "told of", func(c *charge.Charge) bool { return b.cameLate(c.ID, charge.ClassAnswer) == 1 })
		c = b.load(c.ID)
		require.Equal(t, charge.StagePlanned, c.Newest().Stage, "nothing is folded into what it does not fit")
		require.Equal(t, charge.StateWaiting, c.State)
		require.Len(t, b.authorisations(c), 1)

		report := b.sweepAgain()
		require.Equal(t, int64(1), report.Sites[0].Adopted)
		c = b.until(c.ID, "released", released)
		require.Len(t, b.authorisations(c), 1)
		require.Equal(t, 1, b.cameLate(c.ID, charge.ClassAnswer), "what came in stays")
	})
}

// To when the order was not there: then the log tells of it.
func TestAnswerToWhatIsNotThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		var log bytes.Buffer
		b.log = hclog.New(&hclog.LoggerOptions{Output: &log, JSONFormat: true, Mutex: &sync.Mutex{}})
		b.poll = time.Hour
		b.start()
		b.shop("a")
		putBack := k.under(t, b.db)
		answer := b.holdCharge()
		c := b.place("a", "order")
		<-answer.arrived
		putBack(t, b.db)
		require.True(t, b.watch.RestoredAt().IsZero())
		close(answer.letGo)
		b.untilStopped()
		b.stop() // and nobody writes to the log
		for _, text := range []string{string(c.ID), string(c.Newest().Reference), string(b.authorisations(c)[0].ID), `"approved: `, `"site-a"`, "12.50 GBP"} {
			require.Contains(t, log.String(), text)
		}

		b.start()
		report := b.sweepAgain()
		require.Equal(t, int64(1), report.Sites[0].Kept)
		again := b.until(b.place("a", "order").ID, "released", released)
		require.NotEqual(t, c.ID, again.ID)
		require.Len(t, b.authorisations(again), 1)
	})
}

// The same for a release whose transaction the books do not know any more.
func TestReadBackOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		b := newBed(t, k)
		b.poll = time.Hour
		b.start()
		b.shop("a")
		answer, released1 := b.holdCharge(), b.holdRelease()
		c := b.place("a", "order")
		<-answer.arrived
		putBack := k.under(t, b.db)
		close(answer.letGo)
		<-released1.arrived
		putBack(t, b.db)
		require.True(t, b.watch.RestoredAt().IsZero())
		close(released1.letGo)
		b.untilStopped()
		b.until(c.ID, "told of", func(c *charge.Charge) bool { return b.cameLate(c.ID, charge.ClassReadBack) == 1 })

		b.sweepAgain()
		c = b.until(c.ID, "released", released)
		require.Len(t, b.authorisations(c), 1)
	})
}

package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func keep(n int) func(*gateway.Config) { return func(cfg *gateway.Config) { cfg.Keep = n } }

// sum is how many transactions the totals tell of, and how many of them are gone.
func (b *bench) sum() (count, forgotten, amount int64) {
	for _, t := range b.g.Totals() {
		count, forgotten, amount = count+t.Count, forgotten+t.Forgotten, amount+t.Amount
	}
	return count, forgotten, amount
}

func TestKeepForgetsTheOldestFinal(t *testing.T) {
	t.Parallel()
	b := setup(t, keep(40))
	parent := b.mint()
	var refs []string
	charge := func(n int) {
		for range n {
			a := b.ask1(auth(parent).with(fields{"orderreference": fmt.Sprintf("K%d", len(refs))}))
			require.Equal(t, "0", a["errorcode"])
			refs = append(refs, a["transactionreference"].(string))
		}
	}
	charge(100)
	require.Len(t, b.g.Ledger(), 101, "nothing is final yet")
	held := b.ask1(auth(parent).with(fields{"settlestatus": "2"}))["transactionreference"].(string)
	b.tick(3 * day)
	charge(20)
	b.tick(0)
	ledger := b.g.Ledger()
	require.LessOrEqual(t, len(ledger), 51)
	require.Equal(t, parent, ledger[0].TransactionReference, "a card that was charged lately stays")
	require.Equal(t, 2, b.entry(held).SettleStatus, "what is held stays")
	require.Equal(t, refs[119], ledger[len(ledger)-1].TransactionReference)

	gone := refs[0]
	require.Empty(t, b.records(fields{"transactionreference": is(gone)}))
	require.Empty(t, b.records(fields{"orderreference": is("K0")}))
	require.Equal(t, "60014", b.ask1(update(gone, "3"))["errorcode"])
	require.Equal(t, "20004", b.ask1(auth(gone))["errorcode"])
	require.Equal(t, "0", b.ask1(auth(parent))["errorcode"])
	count, forgotten, amount := b.sum()
	require.EqualValues(t, 123, count)
	require.EqualValues(t, 123-len(b.g.Ledger()), forgotten)
	require.EqualValues(t, 1+122*1050, amount)
	for _, total := range b.g.Totals() {
		require.Equal(t, "GBP", total.Currency)
	}
	require.NoError(t, b.g.Reset(t.Context()))
	require.Empty(t, b.g.Totals())
}

func TestKeepErrors(t *testing.T) {
	t.Parallel()
	_, err := gateway.New(gateway.Config{Keep: -1})
	require.ErrorContains(t, err, "keep -1")
}

// The journal holds what counts, and not every change there ever was; what it
// leaves out changes nothing for who starts again from it.
func TestJournalIsCompacted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	kept := func(cfg *gateway.Config) { cfg.Journal, cfg.Keep = path, 200 }
	b := setup(t, kept).serve()
	require.NoError(t, b.g.SetSite(gateway.Site{Reference: "test_two"}))
	parent := b.mint()
	const rounds, each = 40, 100
	largest := int64(0)
	for round := range rounds {
		for i := range each {
			require.Equal(t, "0", b.ask1(auth(parent).with(fields{"orderreference": fmt.Sprintf("K%d-%d", round, i)}))["errorcode"])
		}
		b.tick(2 * day)
		info, err := os.Stat(path)
		require.NoError(t, err)
		largest = max(largest, info.Size())
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(10_000*1200), "some 12,000 changes were made")
	require.Less(t, info.Size(), largest)
	want, totals := b.g.Ledger(), b.g.Totals()
	count, _, _ := b.sum()
	require.EqualValues(t, 1+rounds*each, count)
	require.NoError(t, b.server.Close())

	again := setup(t, kept).serve()
	require.Equal(t, totals[0].Count, again.g.Totals()[0].Count)
	require.Equal(t, b.g.Now(), again.g.Now())
	countAgain, _, _ := again.sum()
	require.Equal(t, count, countAgain)
	now := again.g.Ledger()
	require.Equal(t, want[len(want)-1], now[len(now)-1])
	_, found := again.g.Site("test_two")
	require.True(t, found)
	require.Equal(t, "0", again.ask1(auth(parent))["errorcode"], "the stored card is there")
}

// Two hundred thousand charges, ten thousand kept: memory stays where it was
// after the first fifth. Not parallel: it reads the heap of the whole process.
//
//nolint:paralleltest // as the comment says
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("200,000 payments take a while")
	}
	if inXML {
		t.Skip("the form of the calls makes no difference to what is kept")
	}
	b := setup(t, keep(10_000))
	payment := gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Amount: 1050, Currency: "GBP"}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	charge := func(n int) {
		for i := range n {
			if _, err := b.g.Enter(payment); err != nil {
				require.NoError(t, err)
			}
			if i%2000 == 0 {
				b.tick(2 * day)
			}
		}
	}
	charge(40_000)
	early := heap() - min(before, heap())
	charge(160_000)
	late := heap() - min(before, heap())
	require.LessOrEqual(t, len(b.g.Ledger()), 16_000)
	count, _, amount := b.sum()
	require.EqualValues(t, 200_000, count)
	require.EqualValues(t, 200_000*1050, amount)
	require.Less(t, late, 2*early+16<<20, "early %d bytes, late %d bytes", early, late)
	require.Less(t, late, uint64(100<<20))
	t.Logf("heap after 40,000: %d kB, after 200,000: %d kB", early>>10, late>>10)
}

// Nothing of a request stays in memory with what it booked: the whole of it,
// card number included, would stay with the least part. No other test runs
// meanwhile.
func TestRequestsAreNotKept(t *testing.T) { //nolint:paralleltest // it measures the heap
	b := setup(t)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	parent := b.mint()
	before := heap()
	for i := range 200 {
		large := strings.Repeat("x", 100_000)
		a := b.ask1(auth(parent).with(fields{"orderreference": fmt.Sprintf("K%d", i), "unknown": large}))
		require.Equal(t, "0", a["errorcode"])
	}
	require.Less(t, heap()-before, int64(5_000_000), "of 20 MB that were sent")
	require.Len(t, b.g.Ledger(), 201)
}

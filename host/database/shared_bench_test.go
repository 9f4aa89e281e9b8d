package database_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chargehand/chargehand/host/database"
	"github.com/chargehand/chargehand/host/database/databasetest"
)

// BenchmarkCommits compares a commit for each row with shared commits, for 1, 16
// and 64 callers that each wait for their row. One operation is one durable row.
func BenchmarkCommits(b *testing.B) {
	for _, kind := range []struct {
		name string
		open func(testing.TB) *database.DB
	}{{"sqlite", databasetest.SQLite}, {"mysql", databasetest.MySQL}} {
		b.Run(kind.name, func(b *testing.B) {
			db := kind.open(b)
			createItems(b, db)
			var next atomic.Int64
			single := func() error { return insert(db, newItem(next.Add(1))) }
			s := database.NewShared(db, "item", writeItems, database.SharedConfig{})
			defer s.Stop()
			shared := func() error { _, err := s.Do(context.Background(), newItem(next.Add(1))); return err }
			for _, callers := range []int{1, 16, 64} {
				b.Run(fmt.Sprintf("each/%d", callers), func(b *testing.B) { run(b, callers, single) })
				b.Run(fmt.Sprintf("shared/%d", callers), func(b *testing.B) { run(b, callers, shared) })
			}
		})
	}
}

// run spreads b.N operations over a number of callers.
func run(b *testing.B, callers int, operation func() error) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	b.ResetTimer()
	for range callers {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := operation(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

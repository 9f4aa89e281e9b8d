package crash

import (
	"context"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var only = flag.String("only", "", "run only the runs whose names begin with one of these, with commas in between")

var once = flag.Bool("once", false, "do not play what came to no end once more at half the pace")

// atOnce is how many runs go side by side. They mostly wait.
const atOnce = 8

// steps reads the names of all steps from the table that is made of the source:
// those that a host comes to while it charges, and those of what is done once a
// database was put back.
func steps(t *testing.T) (charging, restoring []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "host", "step", "doc.go"))
	require.NoError(t, err)
	for _, row := range regexp.MustCompile(`(?m)^//   - (\w+) \((.+?)\): `).FindAllStringSubmatch(string(content), -1) {
		if strings.HasPrefix(row[2], "host/restore.") {
			restoring = append(restoring, row[1])
		} else {
			charging = append(charging, row[1])
		}
	}
	require.NotEmpty(t, charging)
	require.NotEmpty(t, restoring)
	return charging, restoring
}

// later are steps that are come to for many reasons: on SQLite, where that is
// cheap, these times of coming to them are tried, too.
var later = map[string][]int{
	"committed":        {4, 12, 30},
	"change_written":   {4, 7, 10, 13},
	"charge_sending":   {4, 9},
	"charge_answered":  {4, 8},
	"result_committed": {5, 10},
	"look_done":        {3},
	"look_committed":   {3},
	"mark_committed":   {2},
	"adjust_answered":  {2},
	"due_claimed":      {3},
}

// sweepLater are the times of coming to a step while a database that was put back
// is swept, besides the first time of coming to the steps of the sweep.
var sweepLater = map[string][]int{
	"committed":      {1, 3},
	"change_written": {1},
	"sweep_saved":    {2},
}

// naps are steps from which a host goes on to send an attempt.
var naps = []string{"intake_committed", "starts_committed", "charge_sending"}

// plugins are the steps of calls during which the plugin is killed.
var plugins = []string{"flight_charge_unprocessed", "flight_charge_processed", "flight_update_processed"}

func plans(t *testing.T, drivers []string) []plan {
	var list []plan
	charging, restoring := steps(t)
	for _, s := range restoring {
		list = append(list, plan{"sqlite", s, 1, sweepKilled})
	}
	list = append(list, plan{"sqlite", "restore_opened", 1, hostKilled})
	for _, s := range slices.Sorted(maps.Keys(sweepLater)) {
		for _, n := range sweepLater[s] {
			list = append(list, plan{"sqlite", s, n, sweepKilled})
		}
	}
	for _, driver := range drivers {
		for _, s := range slices.Concat(charging, slices.Sorted(maps.Keys(flights))) {
			list = append(list, plan{driver, s, 1, "kill"}, plan{driver, s, 1, "stop"})
			for _, n := range later[s] {
				if driver != "sqlite" {
					break
				}
				list = append(list, plan{driver, s, n, "kill"})
			}
		}
		for _, s := range naps {
			list = append(list, plan{driver, s, 1, "nap"})
		}
		list = append(list, plan{driver, "connecting", 1, "slow"})
		for _, s := range plugins {
			list = append(list, plan{driver, s, 1, "plugin"})
		}
	}
	return list
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the crash matrix not run: its host ends at its steps on Linux alone")
	}
	ctx := context.Background()
	drivers := []string{"sqlite"}
	dsn := os.Getenv(envDSN)
	if dsn != "" {
		drivers = append(drivers, "mysql")
	}
	var todo []plan
	for _, p := range plans(t, drivers) {
		if slices.ContainsFunc(strings.Split(*only, ","), func(name string) bool { return strings.HasPrefix(p.String(), name) }) {
			todo = append(todo, p)
		}
	}
	k, err := openKit(ctx, dsn)
	t.Cleanup(func() { require.NoError(t, k.close()) })
	require.NoError(t, err)
	for range atOnce {
		require.NoError(t, k.makeSpare(ctx))
	}
	began := time.Now()
	results := make([]result, len(todo))
	next := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				results[i] = k.run(ctx, todo[i])
				t.Log(results[i])
			}
		})
	}
	for i := range todo {
		next <- i
	}
	close(next)
	workers.Wait()
	t.Logf("%d runs in %s", len(todo), time.Since(began).Round(time.Second))
	for _, r := range results {
		t.Run(r.plan.String(), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, r.err)
			require.True(t, r.reached || r.plan.n > 1, "no order came to this step")
		})
	}
	if dsn == "" {
		t.Run("mysql", func(t *testing.T) {
			t.Parallel()
			t.Skip("the matrix on MariaDB not run: set " + envDSN + " or run make test")
		})
	}
}

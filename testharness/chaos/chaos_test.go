package chaos

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// short is a run for every change: everything that the long one has but the
// links that settle at once, whose absence takes six times as long.
var short = Size{
	Orders: 300, Kills: 12, Duration: 12 * time.Second, Hosts: 1, Shops: 3, FaultShare: 0.1, Scale: 60,
}

// The product keeps its promise, whatever dies and whenever. Only what must
// never be fails these: an order that is not in the books, books that differ,
// and what never comes to an end.
func TestChaosOnSQLite(t *testing.T) {
	t.Parallel()
	size := short
	size.PutBack = true // takes longer on MariaDB, where hosts first wait whether it comes back
	chaos(t, 3, size)
}

func TestChaosOnMariaDB(t *testing.T) {
	t.Parallel()
	if err := HasServer(); err != nil {
		if os.Getenv("CHARGEHAND_REQUIRE_MYSQL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	size := short
	size.Server, size.Hosts = true, 2
	chaos(t, 4, size)
}

func chaos(t *testing.T, seed uint64, size Size) {
	var said bytes.Buffer
	report, err := Run(t.Context(), Config{Bin: programs(t), Seed: seed, Size: size, Settle: 5 * time.Minute, People: &said})
	if report != nil {
		report.Print(&said)
	}
	t.Log(said.String())
	require.NoError(t, err)
	require.Empty(t, report.Wrong)
	require.True(t, report.Good)
	require.Equal(t, size.Orders+size.Shops, report.Orders)
	require.True(t, report.Matches)
	require.Zero(t, report.ChargedTwice+report.Lost+report.Stuck)
	// It was chaos: something was killed, lied to and in doubt.
	require.Positive(t, report.Kills)
	require.Positive(t, report.Faults)
	require.Positive(t, report.Unknowns)
	page, err := report.HTML()
	require.NoError(t, err)
	require.Contains(t, string(page), "All is well.")
	require.Equal(t, size.PutBack, strings.Contains(string(page), "put back to an earlier state"))
	require.Equal(t, size.PutBack, report.PutBack != nil)
	// Whether anything was charged between the copy and its return depends on how
	// charging was paused just then. What was is judged with all the rest.
	if p := report.PutBack; p != nil {
		require.Positive(t, p.Waited)
		require.Greater(t, p.Forgotten, p.Waited)
	}
}

// A world that can't be opened is closed again, and says why.
func TestRunWithoutPrograms(t *testing.T) {
	t.Parallel()
	report, err := Run(t.Context(), Config{Bin: t.TempDir(), Seed: 1, Size: short, Settle: time.Second, People: &bytes.Buffer{}})
	require.Nil(t, report)
	require.ErrorContains(t, err, `run "make build" first`)
	require.NotErrorIs(t, err, ErrNoServer)
}

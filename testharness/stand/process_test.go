package stand

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The test binary is also the program that the tests start.
	switch os.Getenv("STAND_TEST_PROGRAM") {
	case "stay":
		_ = os.WriteFile(os.Getenv("STAND_TEST_FILE"), []byte("here"), 0o600)
		select {}
	case "fail":
		_, _ = os.Stderr.WriteString("no database\n")
		os.Exit(3)
	}
	goleak.VerifyTestMain(m)
}

func program(kind, file string) []string {
	return append(os.Environ(), "STAND_TEST_PROGRAM="+kind, "STAND_TEST_FILE="+file)
}

func TestProcessStaysUntilItIsStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "ready")
	p, err := Start(dir, "thing", os.Args[0], program("stay", file))
	require.NoError(t, err)
	require.NoError(t, p.Until(t.Context(), time.Minute, func(context.Context) error {
		_, err := os.Stat(file)
		return err
	}))
	p.Stop()
	p.Stop()
	select {
	case <-p.Done():
	default:
		require.Fail(t, "it still runs")
	}
}

func TestProcessThatEndsAtOnceTellsWhy(t *testing.T) {
	t.Parallel()
	p, err := Start(t.TempDir(), "thing", os.Args[0], program("fail", ""))
	require.NoError(t, err)
	err = p.Until(t.Context(), time.Minute, func(context.Context) error { return errors.New("not yet") })
	require.EqualError(t, err, "thing ended at once:\nno database")
}

func TestRunTellsWhatAProgramSaidOfItsFailure(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), os.Args[0], program("fail", ""))
	require.ErrorContains(t, err, "exit status 3: no database")
}

func TestMissingBinariesSayWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, MustExist(dir))
	require.ErrorContains(t, MustExist(dir, filepath.Join(dir, "chargehand")), `run "make build" first`)
}

func TestEnvironmentLeavesTheCallersHostOut(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"PATH=/bin"}, Environment([]string{"CHARGEHAND_DATABASE_DSN=x", "PATH=/bin"}))
}

func TestProcessThatIsKilledHasEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := Start(dir, "thing", os.Args[0], program("stay", filepath.Join(dir, "ready")))
	require.NoError(t, err)
	// One that is paused is killed all the same.
	require.NoError(t, p.Pause())
	require.NoError(t, p.Resume())
	require.NoError(t, p.Pause())
	p.Kill()
	<-p.Done()
	p.Kill()
	p.Stop()
}

package step_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program that users run holds neither the names of the steps nor the way
// to ask for one.
func TestANormalBuildHoldsNothingOfIt(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "chargehand")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/chargehand/chargehand/host/cmd/chargehand").CombinedOutput()
	require.NoError(t, err, string(out))
	content, err := os.ReadFile(binary)
	require.NoError(t, err)
	require.Contains(t, string(content), "host/engine.(*Engine).send", "the names of functions stand in it")
	for _, text := range []string{"CHARGEHAND_CRASH", "intake_committed", "host/step.At"} {
		require.NotContains(t, string(content), text)
	}
}

// A call leaves no code behind where it stands.
func TestACallIsNothing(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "build", "-gcflags=-m=2", "-o", os.DevNull, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "can inline At with cost 0 as: func(Step) {  }")
}

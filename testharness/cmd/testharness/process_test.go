package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// envCommand makes the binary of these tests the command itself.
const envCommand = "CHARGEHAND_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(envCommand) != "" {
		main()
		return
	}
	m.Run()
}

// process starts the gateway command as a process of its own, with its folder
// dir, and returns what gateway.json says. The test's end ends it.
func process(t *testing.T, dir string) gateway.Info {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "gateway", "--dir", dir, "--json")
	cmd.Env = append(os.Environ(), envCommand+"=1")
	cmd.Stderr = t.Output()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		stop()
		require.ErrorIs(t, cmd.Wait(), context.Canceled, "it ends well when it is told to")
		require.True(t, cmd.ProcessState.Success(), cmd.ProcessState)
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var info gateway.Info
	require.NoError(t, json.Unmarshal(line, &info))
	return info
}

// direct is the environment of a program that asks this machine, whatever
// proxy leads elsewhere.
func direct() []string {
	return append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
}

// program skips the test if a program isn't there; CI has to have curl.
func program(t *testing.T, name string, check ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, check...).CombinedOutput()
	if err == nil {
		return
	}
	if name == "curl" && os.Getenv("CI") == "true" {
		t.Fatalf("curl has to be there when CI=true: %v", err)
	}
	t.Skipf("not tested, %s can't do it: %v %s", name, err, out)
}

package pluginkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/shared/payment/paymenttest"
)

// binary is the test plugin's, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "testplugin")
	if err == nil {
		binary = filepath.Join(dir, "testplugin")
		var output []byte
		if output, err = exec.Command("go", "build", "-o", binary, "./internal/testplugin").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, output)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the test plugin:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// ran is how a run of the test plugin by hand went.
type ran struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, environment []string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = environment
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok {
		require.NoError(t, err)
	} else {
		require.Positive(t, exit.ExitCode(), "it ended by a signal")
	}
	return ran{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	got := run(t, nil, "describe")
	require.Zero(t, got.code, got.stderr)
	require.Empty(t, got.stderr)
	var self Self
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &self))
	require.Equal(t, "payment", self.Type)
	require.Equal(t, []int{1}, self.ProtocolVersions)
	require.Equal(t, "memory", self.Plugin.Name)
	require.Equal(t, "1.2.3", self.Plugin.Version, "the version given to Main wins")
	require.NotEmpty(t, self.Plugin.Settings)
}

func TestByHand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environment    []string
		args           []string
		code           int
		stdout, stderr string
	}{
		"help":             {args: []string{"--help"}, stdout: "testplugin describe"},
		"no host":          {code: 2, stderr: "The host starts it"},
		"other host":       {environment: []string{"CHARGEHAND_PLUGIN=storage"}, code: 2, stderr: "The host starts it"},
		"open connection":  {environment: []string{"CHARGEHAND_PLUGIN=payment"}, code: 2, stderr: "the host gave no certificate"},
		"unknown command":  {args: []string{"serve"}, code: 2, stderr: "Usage:"},
		"too many words":   {args: []string{"describe", "it"}, code: 2, stderr: "Usage:"},
		"prints":           {environment: []string{"TESTPLUGIN_START=print"}, args: []string{"describe"}, code: 1, stderr: `wrote "made it\n" to standard output`},
		"fails":            {environment: []string{"TESTPLUGIN_START=error"}, args: []string{"describe"}, code: 1, stderr: "make the gateway: no licence"},
		"makes no gateway": {environment: []string{"TESTPLUGIN_START=none"}, args: []string{"describe"}, code: 1, stderr: "returned none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.environment, test.args...)
			require.Equal(t, test.code, got.code)
			require.Contains(t, got.stdout, test.stdout)
			require.Contains(t, got.stderr, test.stderr)
			if test.code != 0 {
				require.Empty(t, got.stdout, "standard output belongs to the handshake")
			}
		})
	}
}

func TestBuildFillsTheDescription(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		build                     build
		said                      payment.Description
		wantVersion, wantRevision string
	}{
		"given":    {build{version: "2", module: "(devel)", revision: "abc"}, payment.Description{Version: "1"}, "2", "abc"},
		"said":     {build{module: "(devel)", revision: "abc"}, payment.Description{Version: "1", Revision: "def"}, "1", "def"},
		"recorded": {build{module: "v1.0.1"}, payment.Description{}, "v1.0.1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := paymenttest.NewFake()
			fake.OnDescribe(describing(test.said))
			d, err := (&served{gateway: fake, log: hclog.NewNullLogger(), build: test.build}).Describe(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.wantVersion, d.Version)
			require.Equal(t, test.wantRevision, d.Revision)
		})
	}
}

package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exitCode is what the command would exit with.
func exitCode(err error) int {
	coded, ok := errors.AsType[exitError](err)
	if !ok {
		return 0
	}
	return coded.ExitCode()
}

func TestConformanceCommand(t *testing.T) {
	t.Parallel()
	plugin := filepath.Join(t.TempDir(), "example")
	output, err := exec.Command("go", "build", "-o", plugin, "github.com/chargehand/chargehand/plugin/example/cmd/example").CombinedOutput()
	require.NoError(t, err, string(output))
	junit, log := filepath.Join(t.TempDir(), "junit.xml"), filepath.Join(t.TempDir(), "plugin.log")

	out, err := run(t.Context(), "conformance", "--plugin", plugin, "--run", "^describe|^outcome.declined", "--json", "--junit", junit, "--plugin-log", log)
	require.NoError(t, err, out)
	lines := strings.Split(out, "\n")
	require.JSONEq(t, `{"cases":4,"passed":4,"failed":[]}`, lines[len(lines)-1])
	for _, line := range lines[1 : len(lines)-1] { // the first is for people, on standard error
		var result map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &result))
		require.Equal(t, "passed", result["result"])
	}
	content, err := os.ReadFile(junit)
	require.NoError(t, err)
	var suite struct {
		Tests int `xml:"tests,attr"`
	}
	require.NoError(t, xml.Unmarshal(content, &suite))
	require.Equal(t, 4, suite.Tests)
	content, err = os.ReadFile(log)
	require.NoError(t, err)
	require.Contains(t, string(content), "@message")

	profile := filepath.Join(t.TempDir(), "example.yaml")
	text, err := run(t.Context(), "conformance", "--print-profile", "example")
	require.NoError(t, err)
	text = strings.Replace(text, "stored: ${stored}", "stored: ''", 1)
	require.NoError(t, os.WriteFile(profile, []byte(text), 0o600))
	out, err = run(t.Context(), "conformance", "--plugin", plugin, "--profile", profile, "--run", "^settings.right")
	require.ErrorContains(t, err, "the plugin does not conform: 1 of 1 cases failed")
	require.Equal(t, exitFailed, exitCode(err))
	require.Contains(t, out, "Stored card is missing; enter it.")
	require.Contains(t, out, "Look at: plugin/README.md")

	out, err = run(t.Context(), "conformance", "--plugin", plugin, "--run", "^charge.once")
	require.Equal(t, exitNotExamined, exitCode(err), out)
	require.Contains(t, out, "nothing was watched")

	out, err = run(t.Context(), "conformance", "--plugin", plugin, "--list", "--run", "^doubt.lost")
	require.NoError(t, err)
	require.Len(t, strings.Split(out, "\n"), 2)
}

func TestConformanceCommandErrors(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"name the plugin's binary":    {"--profile", "example"},
		"with --plugin":               {},
		"or its profile":              {"--list"},
		"there is no profile":         {"--print-profile", "other"},
		"or name a file":              {"--plugin", "nothing"},
		"no such file":                {"--plugin", "nothing", "--profile", "example"},
		"it is no executable file":    {"--plugin", ".", "--profile", "example"},
		"missing closing":             {"--plugin", "nothing", "--profile", "example", "--run", "("},
		"no case matches":             {"--plugin", os.Args[0], "--profile", "example", "--run", "^nothing$"},
		`unexpected argument rubbish`: {"rubbish"},
	} {
		_, err := run(t.Context(), append([]string{"conformance"}, args...)...)
		require.ErrorContains(t, err, want)
		if want != "unexpected argument rubbish" {
			require.Equal(t, exitUnusable, exitCode(err), want)
		}
	}
}

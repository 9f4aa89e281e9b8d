package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// A block is a program in a README.
type block struct{ language, code string }

// chapter returns the blocks of a README's chapter, in order.
func chapter(t *testing.T, path, heading string) []block {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "\n## "+heading+"\n")
	require.True(t, found, heading)
	rest, _, _ = strings.Cut(rest, "\n## ")
	var blocks []block
	for _, m := range regexp.MustCompile("(?s)\n```(\\w+)\n(.*?\n)```\n").FindAllStringSubmatch(rest, -1) {
		blocks = append(blocks, block{language: m[1], code: m[2]})
	}
	return blocks
}

// The README's programs do what it says, against a simulator of its own.
func TestReadmeInOtherLanguages(t *testing.T) {
	t.Parallel()
	blocks := chapter(t, "../../gateway/README.md", "From other languages")
	var languages []string
	for _, b := range blocks {
		languages = append(languages, b.language)
	}
	require.Equal(t, []string{"sh", "sh", "python", "php"}, languages)
	for i, order := range []string{"curl-1", "xml-1", "python-1", "php-1"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			var args []string
			switch blocks[i].language {
			case "sh":
				program(t, "curl", "--version")
				args = []string{"sh", "-eu"}
			case "python":
				python := "python3"
				if exec.CommandContext(t.Context(), python, "-c", "import requests").Run() != nil {
					python = "/usr/bin/python3" // where Debian's packages are
				}
				program(t, python, "-c", "import requests")
				args = []string{python, "-"}
			case "php":
				program(t, "php", "-r", `exit(PHP_MAJOR_VERSION >= 8 && extension_loaded("curl") ? 0 : 1);`)
				args = []string{"php"}
			}
			dir := t.TempDir()
			info := process(t, dir)
			cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
			cmd.Stdin = strings.NewReader(strings.ReplaceAll(blocks[i].code, "/tmp/gateway", dir))
			cmd.Env, cmd.Stderr = direct(), t.Output()
			out, err := cmd.Output()
			require.NoError(t, err, string(out))

			listed, err := run(t.Context(), "ledger", "--json", "--admin", info.AdminURL)
			require.NoError(t, err)
			var entries []gateway.Entry
			require.NoError(t, json.Unmarshal([]byte(listed), &entries))
			paid := entries[len(entries)-1]
			require.Equal(t, order, paid.OrderReference)
			require.Equal(t, "AUTH", paid.Type)
			require.Equal(t, "0", paid.ErrorCode)
			require.EqualValues(t, 1050, paid.Amount)
			require.Zero(t, paid.SettleStatus)
			require.Contains(t, string(out), paid.TransactionReference)
			if order != "xml-1" {
				require.Len(t, entries, 2)
				require.Equal(t, entries[0].TransactionReference, paid.Parent)
			}
		})
	}
}

// From the README to a lost answer: none comes, and the charge was made.
func TestReadmeLostAnswer(t *testing.T) {
	t.Parallel()
	program(t, "curl", "--version")
	blocks := chapter(t, "../../gateway/README.md", "A lost answer")
	require.Len(t, blocks, 1)
	dir, clone := t.TempDir(), t.TempDir()
	process(t, dir)
	binary, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(clone, "bin"), 0o700))
	require.NoError(t, os.Symlink(binary, filepath.Join(clone, "bin", "testharness")))
	cmd := exec.CommandContext(t.Context(), "sh", "-u")
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(blocks[0].code, "/tmp/gateway", dir))
	cmd.Dir, cmd.Env = clone, append(direct(), envCommand+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "curl: (52)")
	require.Regexp(t, `lost-1 +AUTH +12\.50 GBP +0 +0`, string(out))
	require.Contains(t, string(out), `"found":"1"`)
}

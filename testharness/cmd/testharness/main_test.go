package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// run runs one command and returns what it printed.
func run(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	err := runTo(ctx, &out, args...)
	return strings.TrimSpace(out.String()), err
}

// runTo runs one command that prints while it runs.
func runTo(ctx context.Context, out io.Writer, args ...string) error {
	k, err := kong.New(&commands{}, append(options(ctx), kong.Writers(out, out))...)
	if err != nil {
		return err
	}
	parsed, err := k.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run()
}

// simulator runs the gateway command and returns its admin address.
func simulator(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := run(ctx, append([]string{"gateway", "--dir", dir}, args...)...)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	var info gateway.Info
	require.Eventually(t, func() bool {
		content, err := os.ReadFile(filepath.Join(dir, "gateway.json"))
		return err == nil && json.Unmarshal(content, &info) == nil
	}, 20*time.Second, 5*time.Millisecond)
	return info.AdminURL
}

func TestSimulatorCommands(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "faults.yaml")
	require.NoError(t, os.WriteFile(script, []byte("# one\n- effect: held\n  times: 1\n"), 0o600))
	admin := simulator(t, "--script", script, "--story", "account-missing", "--keep", "1000", "--seed", "7", "--latency", "1ms")
	do := func(args ...string) string {
		t.Helper()
		out, err := run(t.Context(), append(args, "--admin", admin)...)
		require.NoError(t, err)
		return out
	}
	ref := do("vt", "--site", gateway.DefaultSite, "--card", "4111111111111111", "--amount", "1", "--currency", "GBP")
	require.Regexp(t, `^55-9-\d+$`, ref)
	check := do("vt", "--site", gateway.DefaultSite, "--amount", "0", "--type", "ACCOUNTCHECK")
	_, err := time.Parse(time.RFC3339, do("tick", "48h"))
	require.NoError(t, err)

	var entries []gateway.Entry
	require.NoError(t, json.Unmarshal([]byte(do("ledger", "--json")), &entries))
	require.Len(t, entries, 2)
	require.Equal(t, ref, entries[0].TransactionReference)
	require.Equal(t, 100, entries[0].SettleStatus)
	table := do("ledger")
	require.Len(t, strings.Split(table, "\n"), 3)
	require.Contains(t, table, check)
	require.Contains(t, table, "0.01 GBP")

	totals := strings.Split(do("ledger", "--totals"), "\n")
	require.Len(t, totals, 3)
	require.Regexp(t, `^AUTH +0 +100 +1 +0.01 GBP +0$`, totals[2])
	var sums []gateway.Total
	require.NoError(t, json.Unmarshal([]byte(do("ledger", "--totals", "--json")), &sums))
	require.Len(t, sums, 2)

	require.Equal(t, "f3\nf4", do("fault", "add", `[{"effect":"reset"},{"effect":"responses_key"}]`))
	require.JSONEq(t, `{"ids":["f5","f6"]}`, do("fault", "add", script, "--story", "card-declined", "--json"))
	list := strings.Split(do("fault", "list"), "\n")
	require.Len(t, list, 7)
	require.Equal(t, `f6  0        0      {"effect":"code","type":"AUTH","times":1,"code":"70000","acquirerresponsecode":"05"}`, list[6])
	do("fault", "delete", "f6", "f1")
	require.JSONEq(t, `{"deleted":["f5"],"all":false}`, do("fault", "delete", "f5", "--json"))
	var faults []gateway.FaultState
	require.NoError(t, json.Unmarshal([]byte(do("fault", "list", "--json")), &faults))
	require.Len(t, faults, 3)
	require.Len(t, strings.Split(do("bank", "list"), "\n"), 1)
	require.Equal(t, "[]", do("bank", "list", "--json"))
	do("fault", "delete", "--all")
	require.Empty(t, do("fault", "list"))
}

// One line for machines, once it answers, and no end before it is told to.
func TestSimulatorTellsMachines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		err := runTo(ctx, writer, "gateway", "--dir", dir, "--seed", "7", "--json")
		ended <- errors.Join(err, writer.Close())
	}()
	lines := bufio.NewReader(reader)
	line, err := lines.ReadBytes('\n')
	require.NoError(t, err)
	file, err := os.ReadFile(filepath.Join(dir, "gateway.json"))
	require.NoError(t, err)
	require.JSONEq(t, string(file), string(line))
	var told gateway.Info
	require.NoError(t, json.Unmarshal(line, &told))
	require.EqualValues(t, 7, told.Seed)
	require.FileExists(t, told.CAFile)
	ref, err := run(t.Context(), "vt", "--admin", told.AdminURL, "--site", told.Sites[0], "--amount", "1", "--currency", "GBP")
	require.NoError(t, err)
	require.NotEmpty(t, ref)
	require.Empty(t, ended)
	cancel()
	rest, err := io.ReadAll(lines)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.NoError(t, <-ended)
}

func TestStoriesCommand(t *testing.T) {
	t.Parallel()
	out, err := run(t.Context(), "fault", "stories")
	require.NoError(t, err)
	require.Contains(t, out, "answer-lost ")
	require.Contains(t, out, "The bank charges the card, and the connection closes before the answer.")
	out, err = run(t.Context(), "fault", "stories", "--json")
	require.NoError(t, err)
	var stories []gateway.Story
	require.NoError(t, json.Unmarshal([]byte(out), &stories))
	require.GreaterOrEqual(t, len(stories), 20)
	out, err = run(t.Context(), "fault", "stories", "--show", "slow-bank")
	require.NoError(t, err)
	_, err = gateway.ParseFaults([]byte(out))
	require.NoError(t, err)
}

func TestSimulatorCommandErrors(t *testing.T) {
	t.Parallel()
	admin := simulator(t)
	broken := filepath.Join(t.TempDir(), "faults.json")
	require.NoError(t, os.WriteFile(broken, []byte(`[{"effect":"none"}]`), 0o600))
	for text, args := range map[string][]string{
		"only test cards":            {"vt", "--admin", admin, "--site", gateway.DefaultSite, "--card", "4012888888881881"},
		"was not approved":           {"vt", "--admin", admin, "--site", gateway.DefaultSite, "--card", "4242424242424242"},
		"30001 Unknown site":         {"vt", "--admin", admin, "--site", "test_x"},
		"is no duration":             {"tick", "--admin", admin, "soon"},
		"no such bank session":       {"bank", "decide", "--admin", admin, "K1", "agree"},
		"is none of":                 {"fault", "add", "--admin", admin, `{"effect":"none"}`},
		"the simulator refuses: 404": {"ledger", "--admin", admin + "/nowhere"},
		"is the simulator running":   {"ledger", "--admin", "http://127.0.0.1:1"},
		"missing flags: --admin":     {"ledger"},
		`effect "none"`:              {"gateway", "--dir", t.TempDir(), "--script", broken},
		"there is no story":          {"gateway", "--dir", t.TempDir(), "--story", "none"},
		"there is no story \"none\"": {"fault", "add", "--admin", admin, "--story", "none"},
		"name a script or a --story": {"fault", "add", "--admin", admin},
		"no such file":               {"fault", "add", "--admin", admin, broken + "x"},
		"name ids or --all":          {"fault", "delete", "--admin", admin, "--all", "f1"},
		`no fault "f77"`:             {"fault", "delete", "--admin", admin, "f77"},
		"there are account-missing":  {"fault", "stories", "--show", "none"},
		"loopback":                   {"gateway", "--dir", t.TempDir(), "--admin", "0.0.0.0:0"},
	} {
		_, err := run(t.Context(), args...)
		require.ErrorContains(t, err, text)
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	k, err := kong.New(&commands{}, options(t.Context())...)
	require.NoError(t, err)
	leaves := k.Model.Leaves(true)
	require.NotEmpty(t, leaves)
	for _, leaf := range leaves {
		require.Contains(t, leaf.Detail, "Example", leaf.FullPath())
	}
}

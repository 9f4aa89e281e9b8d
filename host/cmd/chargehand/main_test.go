package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"chargehand": main})
}

// plugin builds the plugin, once.
var plugin = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chargehand-plugin-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "trustpayments")
	output, err := exec.Command("go", "build", "-o", binary,
		"github.com/chargehand/chargehand/plugin/trustpayments/cmd/trustpayments").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the plugin: %w: %s", err, output)
	}
	return binary, nil
})

// The scripts in testdata are what people type. Each has a folder of its own
// with the plugin in plugins/, and a gateway.
func TestScripts(t *testing.T) {
	t.Parallel()
	binary, err := plugin()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(filepath.Dir(binary))) })
	root, err := os.MkdirTemp("", "ts") //nolint:usetesting // the path must be short for sockets
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(root)) })
	testscript.Run(t, testscript.Params{
		Dir: "testdata", WorkdirRoot: root,
		Setup: func(env *testscript.Env) error { return setup(env, binary) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "capture": capture, "json": isJSON, "mode": mode, "mint": mint, "latency": latency, "ready": ready, "fill": fill, "launched": launched, "rebuild": rebuild,
		},
	})
}

// world is what a script finds beside its files.
type world struct{ gateway *gateway.Gateway }

func setup(env *testscript.Env, binary string) error {
	g, err := gateway.New(gateway.Config{})
	if err != nil {
		return err
	}
	server, err := g.Start(env.T().(testing.TB).Context(), gateway.Listen{Dir: filepath.Join(env.WorkDir, "gateway")})
	if err != nil {
		return err
	}
	env.Defer(func() { _ = server.Close() })
	env.Values["world"] = &world{g}
	env.Setenv("GATEWAY_URL", server.JSONURL())
	env.Setenv("GATEWAY_CA", filepath.Join(env.WorkDir, "gateway", "ca.pem"))
	own := filepath.Join(env.WorkDir, "plugins", "trustpayments")
	if err := os.MkdirAll(own, 0o700); err != nil {
		return err
	}
	return os.Link(binary, filepath.Join(own, "trustpayments"))
}

// exits CODE COMMAND... runs a command that must end with that code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("it ended with %d, not %d", code, want)
	}
}

// capture NAME [FIELD] keeps what was printed, or a field of it as JSON.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) > 1 {
		var v map[string]any
		ts.Check(json.Unmarshal([]byte(text), &v))
		text = fmt.Sprint(v[args[1]])
	}
	if text == "" {
		ts.Fatalf("nothing was printed")
	}
	ts.Setenv(args[0], text)
}

// isJSON checks that what was printed is for machines.
func isJSON(ts *testscript.TestScript, neg bool, _ []string) {
	if json.Valid([]byte(ts.ReadFile("stdout"))) == neg {
		ts.Fatalf("JSON printed: %t", !neg)
	}
}

// fill FILE puts the values of variables into a file.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(file, []byte(os.Expand(ts.ReadFile(file), ts.Getenv)), 0o600))
}

// rebuild OLD NEW makes another build of a program: what follows its end is
// ignored.
func rebuild(ts *testscript.TestScript, _ bool, args []string) {
	content, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	file := ts.MkAbs(args[1])
	ts.Check(os.Chmod(filepath.Dir(file), 0o700))
	ts.Check(os.WriteFile(file, append(content, 1), 0o700))
}

// mode MODE FILE checks a file's mode.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

// mint NAME stores a card in the Virtual Terminal and keeps its reference.
func mint(ts *testscript.TestScript, _ bool, args []string) {
	w, _ := ts.Value("world").(*world)
	entry, err := w.gateway.Enter(gateway.Entered{
		Site: gateway.DefaultSite, Card: "4111111111111111", Currency: "GBP", Type: "ACCOUNTCHECK", CredentialsOnFile: "1",
	})
	ts.Check(err)
	ts.Setenv(args[0], entry.TransactionReference)
}

// launched checks that the plugins that were printed as JSON came up through the
// launcher, and that it is told whether they are confined.
func launched(ts *testscript.TestScript, _ bool, _ []string) {
	if confine.Self() == "" {
		return // only Linux has it
	}
	var list []pluginView
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &list))
	_, lacking := confine.New(confine.Config{Launcher: confine.Self(), Mode: confine.Required})
	for _, p := range list {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
		ts.Check(err)
		if !strings.Contains(string(status), "NoNewPrivs:\t1") {
			ts.Fatalf("%s was started without the launcher", p.Name)
		}
		if p.Confined != (lacking == nil) {
			ts.Fatalf("it is told that %s is confined: %t; the kernel: %v", p.Name, p.Confined, lacking)
		}
	}
	if len(list) == 0 {
		ts.Fatalf("there is no plugin")
	}
}

// latency AMOUNT DURATION has the gateway take its time over that amount.
func latency(ts *testscript.TestScript, _ bool, args []string) {
	w, _ := ts.Value("world").(*world)
	amount, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	delay, err := time.ParseDuration(args[1])
	ts.Check(err)
	_, err = w.gateway.AddFaults(gateway.Fault{Effect: gateway.EffectLatency, Type: "AUTH", Amount: gateway.Exactly(amount), Delay: gateway.Duration(delay)})
	ts.Check(err)
}

// ready FILE waits for a host to write its address there.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		content, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil {
			ts.Setenv("CHARGEHAND_URL", strings.TrimSpace(string(content)))
			return
		}
		select {
		case <-tick.C:
		case <-limit.C:
			ts.Fatalf("no host is ready: %v", err)
		}
	}
}

// Every command tells what it is for and shows how it is used, and what it
// shows is right.
func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	var c cli
	parser, err := kong.New(&c, kong.Name("chargehand"), kong.Exit(func(int) {}))
	require.NoError(t, err)
	leaves := parser.Model.Leaves(true)
	require.Greater(t, len(leaves), 20)
	for _, leaf := range leaves {
		path := "chargehand " + leaf.Path()
		require.NotEmpty(t, leaf.Help, path)
		_, example, found := strings.Cut(leaf.Detail, "Example: ")
		require.True(t, found, "%s has no example", path)
		command, _, _ := strings.Cut(example, "\n")
		require.True(t, strings.HasPrefix(command, path+" ") || command == path, "%s: %s", path, command)
		command, _, _ = strings.Cut(command, " < ")
		command, _, _ = strings.Cut(command, " > ")
		if strings.Contains(command, "plugin manifest") {
			continue // it wants a file that is there
		}
		_, err := parser.Parse(words(command)[1:])
		require.NoError(t, err, "%s", command)
	}
}

// words splits a line as a shell does, as far as the examples need it.
func words(line string) []string {
	var all []string
	for i, piece := range strings.Split(line, "'") {
		if i%2 == 1 { // within quotation marks
			all = append(all, piece)
		} else {
			all = append(all, strings.Fields(piece)...)
		}
	}
	return all
}

package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// built is the folder with the programs; they are built when a test first
// needs them.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// programs builds what a run starts, as "make build" does.
func programs(t *testing.T) string {
	t.Helper()
	built.once.Do(func() { built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

func build() error {
	dir, err := os.MkdirTemp("", "chargehand-chaos-bin-")
	if err != nil {
		return err
	}
	built.dir = dir
	plugin := filepath.Join(dir, "plugins", "trustpayments", "trustpayments")
	if err := os.MkdirAll(filepath.Dir(plugin), 0o700); err != nil {
		return err
	}
	run := func(name string, args ...string) (string, error) {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.Output()
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // as Output gives it
			err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, exit.Stderr)
		}
		return string(out), err
	}
	host := filepath.Join(dir, "chargehand")
	for out, pkg := range map[string]string{
		host: "./host/cmd/chargehand", filepath.Join(dir, "testharness"): "./testharness/cmd/testharness", plugin: "./plugin/trustpayments/cmd/trustpayments",
	} {
		if _, err := run("go", "build", "-trimpath", "-buildvcs=false", "-o", out, pkg); err != nil {
			return err
		}
	}
	manifest, err := run(host, "plugin", "manifest", plugin)
	if err != nil {
		return err
	}
	return os.WriteFile(plugin+".json", []byte(manifest), 0o600)
}

package mutants

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Verdict is what became of one mutant.
type Verdict struct {
	Mutant
	Caught bool     `json:"caught"`
	By     []string `json:"by"` // the tests that failed
	Text   string   `json:"text,omitempty"`
	Took   string   `json:"took"`
}

// testLimit bounds one run of tests, building included.
const testLimit = 10 * time.Minute

// Sound runs the tests of all mutants on the sources as they are: a test that
// fails anyway would notice everything.
func Sound(ctx context.Context, root string, list []Mutant) error {
	var done []string
	for _, m := range list {
		key := m.Package + " " + m.Tests
		if slices.Contains(done, key) {
			continue
		}
		done = append(done, key)
		if out, err := test(ctx, root, "", m); err != nil {
			return fmt.Errorf("%s -run %s fails on the sources as they are: %w\n%s", m.Package, m.Tests, err, tail(out))
		}
	}
	return nil
}

// Try applies one mutant and runs its tests.
func Try(ctx context.Context, root string, m Mutant) (Verdict, error) {
	v := Verdict{Mutant: m}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return v, fmt.Errorf("make a folder for a mutant: %w", err)
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return v, err
	}
	began := time.Now()
	out, err := test(ctx, root, overlay, m)
	v.Took = time.Since(began).Round(time.Second).String()
	v.By = failures(out)
	switch {
	case ctx.Err() != nil:
		return v, ctx.Err()
	case err == nil:
		v.Text = "no test noticed"
	case len(v.By) == 0:
		return v, fmt.Errorf("%s: no test failed, but the run did: %w\n%s", m.Name, err, tail(out))
	default:
		v.Caught = true
	}
	return v, nil
}

// test runs the tests. The overlay travels in the environment, so that what the
// tests build themselves is mutated too.
func test(ctx context.Context, root, overlay string, m Mutant) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, testLimit)
	defer cancel()
	args := []string{"test", "-count=1", "-timeout", testLimit.String(), "-run", m.Tests, "./" + m.Package}
	if m.Package == "host/charge" {
		args = append(args, "-rapid.nofailfile") // what a mutant does is nothing to remember
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // The list is ours.
	cmd.Dir = root
	cmd.Env = os.Environ()
	if overlay != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// failures are the tests that failed, sorted.
func failures(out string) []string {
	names := []string{}
	for _, m := range failed.FindAllStringSubmatch(out, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// tail is the end of a long output.
func tail(out string) string {
	const most = 2000
	if len(out) > most {
		return "... " + out[len(out)-most:]
	}
	return out
}

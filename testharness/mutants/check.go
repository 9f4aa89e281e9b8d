package mutants

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Proof is the sort of a check.
type Proof string

// The proofs. The first two hold the whole promise; package tests hold one
// rule where it is kept.
const (
	Properties Proof = "properties"
	Matrix     Proof = "crash matrix"
	Tests      Proof = "package tests"
)

// Check is a run of tests that must notice a mutant.
type Check struct {
	Proof Proof `json:"proof"`
	// Package is the folder of the tests, from the module's root, and Run the
	// pattern of their names.
	Package string `json:"package"`
	Run     string `json:"run"`
	// Only are the points of the crash matrix.
	Only []string `json:"only,omitempty"`
}

func properties() Check {
	return Check{Proof: Properties, Package: "host/charge", Run: "TestNeverTwice"}
}

// matrix runs at the points that are named, as in sqlite/look_done/kill-1.
func matrix(points ...string) Check {
	return Check{Proof: Matrix, Package: "testharness/crash", Run: "TestMatrix", Only: points}
}

func tests(pkg, run string) Check { return Check{Proof: Tests, Package: pkg, Run: run} }

// String tells people what is run.
func (c Check) String() string {
	switch c.Proof {
	case Properties:
		return string(c.Proof)
	case Matrix:
		return string(c.Proof) + " " + strings.Join(c.Only, ", ")
	}
	return c.Package
}

// checkLimit bounds one run of tests, building included.
const checkLimit = 10 * time.Minute

// do runs the tests. The overlay travels in the environment, so that what the
// tests build themselves is mutated too.
func (c Check) do(ctx context.Context, root, overlay string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	args := []string{"test", "-count=1", "-timeout", checkLimit.String(), "-run", c.Run, "./" + c.Package}
	switch c.Package {
	case "host/charge":
		args = append(args, "-rapid.nofailfile") // what a mutant does is nothing to remember
	case "testharness/crash":
		args = append(args, "-once", "-only", strings.Join(c.Only, ","))
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

var failed = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// failures are the tests that failed, sorted: the points of the crash matrix,
// and of all others the tests without their subtests.
func failures(out string) []string {
	names := []string{}
	for _, m := range failed.FindAllStringSubmatch(out, -1) {
		test, point, sub := strings.Cut(m[1], "/")
		switch {
		case test == "TestMatrix" && strings.Count(point, "/") == 2:
			names = append(names, point)
		case test != "TestMatrix" && !sub:
			names = append(names, test)
		}
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

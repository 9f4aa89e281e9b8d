// Command mutants breaks the product on purpose, one way at a time, and sees
// whether the tests notice.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/mutants"
)

// The exit codes.
const (
	exitMissed = 1 // a mutant that no test noticed
	exitBroken = 2 // the run itself did not work
)

type options struct {
	Root string `help:"The module's root, with its sources." default:"." type:"existingdir"`
	Run  string `help:"Only mutants whose name matches." placeholder:"REGEXP"`
	List bool   `help:"List the mutants and end."`
	Logs string `help:"A folder that gets what the tests said." type:"existingdir" placeholder:"DIR"`
	JSON bool   `help:"One line of JSON for each mutant, and one for all." name:"json"`
}

const help = `Break the product on purpose, one way at a time, and see whether the tests notice.

The sources are not touched. It takes some minutes. Exit code 0: all were
noticed; 1: one was not; 2: the run did not work.

Example: go run ./testharness/cmd/mutants --run 'time-out|version'`

func main() {
	var o options
	kong.Parse(&o, kong.Name("mutants"), kong.Description(help))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		code = exitBroken
	}
	os.Exit(code)
}

func run(ctx context.Context, o options) (int, error) {
	pattern, err := regexp.Compile(o.Run)
	if err != nil {
		return 0, fmt.Errorf("--run: %w", err)
	}
	var list []mutants.Mutant
	for _, m := range mutants.All() {
		if pattern.MatchString(m.Name) {
			list = append(list, m)
		}
	}
	if o.List {
		for _, m := range list {
			fmt.Printf("%-55s %s\n", m.Name, m.File)
		}
		return 0, nil
	}
	runner := mutants.Runner{Root: o.Root, Logs: o.Logs}
	say(o, "The tests on the sources as they are ...\n")
	if err := runner.Sound(ctx, list); err != nil {
		return 0, err
	}
	missed := []string{}
	for i, m := range list {
		say(o, "%2d/%d %-55s ", i+1, len(list), m.Name)
		v, err := runner.Try(ctx, m)
		if err != nil {
			return 0, err
		}
		if !v.Noticed {
			missed = append(missed, m.Name)
		}
		var lines []string
		for _, f := range v.Checks {
			if len(f.By) == 0 {
				lines = append(lines, fmt.Sprintf("NOT NOTICED by %s, %s", f.Check, f.Took))
			} else {
				lines = append(lines, fmt.Sprintf("noticed by %s: %s, %s", f.Proof, strings.Join(f.By, ", "), f.Took))
			}
		}
		say(o, "%s\n", strings.Join(lines, "; "))
		if o.JSON {
			printJSON(v)
		}
	}
	if o.JSON {
		printJSON(map[string]any{"mutants": len(list), "noticed": len(list) - len(missed), "missed": missed})
	} else {
		say(o, "%d mutants, %d noticed\n", len(list), len(list)-len(missed))
	}
	if len(missed) > 0 {
		return exitMissed, nil
	}
	return 0, nil
}

// say tells a person; with --json that is on standard error.
func say(o options, format string, args ...any) {
	out := os.Stdout
	if o.JSON {
		out = os.Stderr
	}
	fmt.Fprintf(out, format, args...)
}

func printJSON(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	fmt.Println(string(line))
}

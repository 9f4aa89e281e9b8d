package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/conformance"
)

type conformanceCommand struct {
	Plugin       string        `type:"path" placeholder:"PATH" help:"The plugin's binary, in whatever language."`
	Profile      string        `placeholder:"NAME|FILE" help:"What to know of the plugin and of the simulator of its gateway: example, trustpayments, or a file in YAML or JSON. If not given, the binary's name."`
	Only         string        `name:"run" placeholder:"REGEXP" help:"Run the cases whose names match."`
	List         bool          `help:"List the cases and end."`
	PrintProfile string        `placeholder:"NAME" help:"Print a profile that is built in, to begin another with, and end."`
	JSON         bool          `name:"json" help:"Print one line of JSON for each case, and a last one with the sums."`
	JUnit        string        `name:"junit" type:"path" placeholder:"FILE" help:"Write the results for a CI system."`
	PluginLog    string        `type:"path" placeholder:"FILE" help:"Write what the plugin logs, secrets masked."`
	CallLimit    time.Duration `default:"10s" help:"The longest call (${default})."`
}

// Exit codes, besides kong's for wrong usage.
const (
	exitFailed      = 1
	exitUnusable    = 2 // the examination could not be made
	exitNotExamined = 3
)

// exitError is an error with the code to exit with.
type exitError struct {
	error
	code int
}

// ExitCode is what kong asks for.
func (e exitError) ExitCode() int { return e.code }

// Help is shown by --help.
func (*conformanceCommand) Help() string {
	return `Examines a payment plugin over the protocol that a host speaks with it: handshake, settings, every outcome, every doubt,
queries, releases, deadlines, a hundred calls at a time, and how its process behaves. plugin/README.md says what is expected.

A simulator of the plugin's gateway is started as the profile says, behind a front of the kit's own that loses, delays and
spoils answers. Nothing leaves this machine unless the profile leads elsewhere.

Exit codes: 0 everything passed, 1 something failed, 2 the examination could not be made, 3 nothing failed, and something
could not be examined.

Example:
  testharness conformance --plugin bin/plugins/trustpayments/trustpayments
  testharness conformance --plugin ./my-plugin --profile my-plugin.yaml --run '^doubt' --plugin-log plugin.log
  testharness conformance --print-profile example >my-plugin.yaml`
}

// Run examines the plugin.
func (c *conformanceCommand) Run(ctx context.Context, k *kong.Kong) error {
	err := c.run(ctx, k.Stdout, k.Stderr)
	if code := (exitError{}); err != nil && !errors.As(err, &code) {
		return exitError{err, exitUnusable}
	}
	return err
}

func (c *conformanceCommand) run(ctx context.Context, stdout, stderr io.Writer) error {
	if c.PrintProfile != "" {
		text, err := conformance.BuiltinProfile(c.PrintProfile)
		if err == nil {
			_, err = stdout.Write(text)
		}
		return err
	}
	switch {
	case c.Plugin == "" && !c.List:
		return errors.New("name the plugin's binary with --plugin")
	case c.Plugin == "" && c.Profile == "":
		return errors.New("name the plugin's binary with --plugin, or its profile with --profile: they say which cases there are")
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if c.List {
		return c.list(stdout, cfg)
	}
	if c.PluginLog != "" {
		log, err := os.OpenFile(c.PluginLog, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return fmt.Errorf("plugin's log: %w", err)
		}
		defer log.Close()
		cfg.PluginLog = log
	}
	cfg.OnResult = func(r conformance.Result) { c.show(stdout, r) }
	kit, err := conformance.New(cfg)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stderr, "%d cases for %s, by the profile %s\n", len(conformance.Cases(cfg.Profile)), c.Plugin, cfg.Profile.Name); err != nil {
		return err
	}
	report, err := kit.Run(ctx)
	if err != nil {
		return err
	}
	return c.finish(stdout, report)
}

func (c *conformanceCommand) config() (conformance.Config, error) {
	name := c.Profile
	if name == "" {
		name = conformance.ProfileFor(c.Plugin)
	}
	profile, err := conformance.ReadProfile(name)
	if err != nil {
		return conformance.Config{}, err
	}
	cfg := conformance.Config{Plugin: c.Plugin, Profile: profile, Dir: conformance.ProfileDir(name), CallLimit: c.CallLimit}
	if c.Only != "" {
		if cfg.Run, err = regexp.Compile(c.Only); err != nil {
			return cfg, fmt.Errorf("--run: %w", err)
		}
	}
	return cfg, nil
}

func (c *conformanceCommand) list(w io.Writer, cfg conformance.Config) error {
	for _, one := range conformance.Cases(cfg.Profile) {
		if cfg.Run != nil && !cfg.Run.MatchString(one.Name) {
			continue
		}
		var err error
		if c.JSON {
			err = conformance.PrintJSON(w, one)
		} else {
			_, err = fmt.Fprintf(w, "%-26s %s\n", one.Name, one.About)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// show prints a result as it comes. One that can't be printed is in the report
// all the same.
func (c *conformanceCommand) show(w io.Writer, r conformance.Result) {
	if c.JSON {
		_ = conformance.PrintJSON(w, r)
		return
	}
	_ = r.Print(w)
}

func (c *conformanceCommand) finish(w io.Writer, report conformance.Report) error {
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, report); err != nil {
			return err
		}
	}
	summary := report.Summary()
	var err error
	if c.JSON {
		err = conformance.PrintJSON(w, summary)
	} else {
		err = report.Print(w)
	}
	switch {
	case err != nil:
		return err
	case len(summary.Failed) > 0:
		return exitError{fmt.Errorf("the plugin does not conform: %d of %d cases failed", len(summary.Failed), summary.Cases), exitFailed}
	case len(summary.NotExamined) > 0:
		return exitError{fmt.Errorf("%d of %d cases could not be examined", len(summary.NotExamined), summary.Cases), exitNotExamined}
	}
	return nil
}

func writeJUnit(name string, report conformance.Report) error {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	if err := errors.Join(report.JUnit(file), file.Close()); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}

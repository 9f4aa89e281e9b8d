package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/record"
)

type compareCommand struct {
	Recording string `arg:"" type:"existingfile" help:"A recording of testharness record."`
	Against   string `placeholder:"URL" help:"A running simulator's json_url. Left out: one is started that lives at the recorded times."`
	CA        string `name:"ca" type:"existingfile" placeholder:"FILE" help:"With --against: the simulator's ca.pem."`
	Admin     string `env:"TESTHARNESS_ADMIN" placeholder:"URL" help:"With --against: its admin_url, to make there what the recording refers to from before it began."`
	User      string `placeholder:"NAME" help:"With --against: the user to call as, in the place of all recorded ones (the simulator's own)."`
	Password  string `help:"With --against: that user's password."`
	Site      string `placeholder:"REFERENCE" help:"With --against: the site, in the place of all recorded ones (${site})."`
	JSON      bool   `name:"json" help:"Print one line of JSON for each exchange and each finding, and a last one with the sums."`
}

// exitDifferent says that the simulator does not answer as the gateway did.
const exitDifferent = 2

// Help is shown by --help.
func (*compareCommand) Help() string {
	return `Sends each recorded request to the simulator, in the recorded order, and compares the answers: HTTP status, content type, the
fields of each answer, kinds of values, codes, statuses and amounts. Of references, times, texts of the bank and other values
that differ each time the form alone is compared. What was masked is replaced by what fits: test cards, dates to come, the
simulator's own references.

Optional fields that are missing in single answers are no differences.

Exit codes: 0 all the same, 2 something differs, 1 it could not be done.

Example:
  testharness compare recording.jsonl
  testharness compare recording.jsonl --against https://127.0.0.1:8443/json/ --ca /tmp/gateway/ca.pem --json`
}

// Run compares.
func (c *compareCommand) Run(ctx context.Context, k *kong.Kong) error {
	roots, err := readRoots(c.CA)
	if err != nil {
		return err
	}
	report, err := record.Compare(ctx, record.CompareConfig{
		File:     c.Recording,
		Against:  record.Against{URL: c.Against, Roots: roots, Admin: c.Admin, User: c.User, Password: c.Password, Site: c.Site},
		OnResult: func(r record.Result) { c.show(k.Stdout, r) },
	})
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if err := c.sum(k.Stdout, report); err != nil {
		return err
	}
	if report.Different > 0 {
		return exitError{fmt.Errorf("%d of %d exchanges differ", report.Different, report.Exchanges), exitDifferent}
	}
	return nil
}

// show prints a result as it comes.
func (c *compareCommand) show(w io.Writer, r record.Result) {
	if c.JSON {
		_ = printJSON(w, r)
		return
	}
	verdict := "same"
	switch {
	case r.Skipped != "":
		verdict = "not compared: " + r.Skipped
	case !r.Same:
		verdict = "DIFFERENT"
	}
	_ = printLine(w, fmt.Sprintf("%4d  %-28s %s", r.N, strings.Join(r.Types, ","), verdict))
	for _, d := range r.Differences {
		_ = printLine(w, "      "+d.String())
	}
}

func (c *compareCommand) sum(w io.Writer, report record.Report) error {
	var err error
	for _, f := range report.Findings {
		if c.JSON {
			err = errors.Join(err, printJSON(w, f))
		} else {
			err = errors.Join(err, printLine(w, f.String()))
		}
	}
	if c.JSON {
		return errors.Join(err, printJSON(w, report))
	}
	line := fmt.Sprintf("%d exchanges compared: %d the same, %d different", report.Exchanges, report.Same, report.Different)
	if report.Skipped > 0 {
		line += fmt.Sprintf("; %d not compared", report.Skipped)
	}
	return errors.Join(err, printLine(w, line))
}

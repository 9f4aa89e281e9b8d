package mutants

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Verdict is what became of one mutant.
type Verdict struct {
	Mutant
	Noticed bool    `json:"noticed"` // by every check
	Checks  []Found `json:"checks"`
}

// Found is what one check found.
type Found struct {
	Check
	By   []string `json:"by"` // the tests that failed; empty if it noticed nothing
	Took string   `json:"took"`
}

// Runner applies mutants and runs their checks.
type Runner struct {
	Root string // the module's root, with its sources
	// Logs is a folder that gets what the tests said; empty keeps none of it.
	Logs string
}

// Sound runs the checks of all mutants on the sources as they are: one that
// fails anyway would notice everything. The points of the crash matrix are run
// side by side.
func (r Runner) Sound(ctx context.Context, list []Mutant) error {
	var done []Check
	for _, m := range list {
		for _, c := range m.Checks {
			i := slices.IndexFunc(done, func(d Check) bool { return d.Package == c.Package && d.Run == c.Run })
			if i < 0 {
				i, done = len(done), append(done, Check{Proof: c.Proof, Package: c.Package, Run: c.Run})
			}
			for _, point := range c.Only {
				if !slices.Contains(done[i].Only, point) {
					done[i].Only = append(done[i].Only, point)
				}
			}
		}
	}
	for _, c := range done {
		if out, err := c.do(ctx, r.Root, ""); err != nil {
			return fmt.Errorf("%s -run %s fails on the sources as they are: %w\n%s", c.Package, c.Run, err, tail(out))
		}
	}
	return nil
}

// Try applies one mutant and runs its checks.
func (r Runner) Try(ctx context.Context, m Mutant) (Verdict, error) {
	v := Verdict{Mutant: m, Noticed: true}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return v, fmt.Errorf("make a folder for a mutant: %w", err)
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(r.Root, dir)
	if err != nil {
		return v, err
	}
	for i, c := range m.Checks {
		began := time.Now()
		out, err := c.do(ctx, r.Root, overlay)
		f := Found{Check: c, By: failures(out), Took: time.Since(began).Round(time.Second).String()}
		switch {
		case ctx.Err() != nil:
			return v, ctx.Err()
		case err == nil:
			v.Noticed, f.By = false, []string{}
		case len(f.By) == 0:
			return v, fmt.Errorf("%s: no test failed, but the run did: %w\n%s", m.Name, err, tail(out))
		}
		v.Checks = append(v.Checks, f)
		if err := r.keep(m, i, out); err != nil {
			return v, err
		}
	}
	return v, nil
}

// keep writes down what a check said.
func (r Runner) keep(m Mutant, check int, out string) error {
	if r.Logs == "" {
		return nil
	}
	name := strings.NewReplacer(" ", "-", ",", "").Replace(m.Name) + "-" + strconv.Itoa(check+1) + ".log"
	if err := os.WriteFile(filepath.Join(r.Logs, name), []byte(out), 0o600); err != nil {
		return fmt.Errorf("keep what the tests said: %w", err)
	}
	return nil
}

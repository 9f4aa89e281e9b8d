package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/chargehand/chargehand/testharness/gateway"
)

type faultCommand struct {
	Add     faultAddCommand     `cmd:"" help:"Add the faults of a script, or of a ready story."`
	List    faultListCommand    `cmd:"" help:"List the faults and how often each matched and acted."`
	Delete  faultDeleteCommand  `cmd:"" help:"Delete faults."`
	Stories faultStoriesCommand `cmd:"" help:"List the ready stories."`
}

type faultAddCommand struct {
	adminFlags
	Script string   `arg:"" optional:"" help:"A file, - for standard input, or the faults themselves if it begins with { or [."`
	Story  []string `help:"Ready story to add; may be given more than once." placeholder:"NAME"`
	JSON   bool     `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (*faultAddCommand) Help() string {
	text := `A script is a list of faults in YAML, or in JSON, each with an effect, conditions and counts. It is taken whole or not at all.
What each means is in testharness/gateway/README.md.

Members:  ` + strings.Join(gateway.FaultMembers(), " ") + `
Effects: `
	for _, effect := range gateway.Effects() {
		text += " " + string(effect)
	}
	return text + `

Example:
  testharness fault add --admin http://127.0.0.1:40001 script.yaml
  testharness fault add --admin http://127.0.0.1:40001 '{"effect":"process_then_drop","type":"AUTH","times":1}'
  testharness fault add --admin http://127.0.0.1:40001 --story answer-lost`
}

// Run adds the faults and prints their ids.
func (c *faultAddCommand) Run(ctx context.Context, k *kong.Kong) error {
	if c.Script == "" && len(c.Story) == 0 {
		return errors.New("name a script or a --story")
	}
	var script []gateway.Fault
	if c.Script != "" {
		faults, err := readScript(c.Script)
		if err != nil {
			return err
		}
		script = faults
	}
	stories, err := readStories(c.Story)
	if err != nil {
		return err
	}
	var answer struct {
		IDs []string `json:"ids"`
	}
	if err := c.call(ctx, http.MethodPost, "/faults", append(script, stories...), &answer); err != nil {
		return fmt.Errorf("add faults: %w", err)
	}
	if c.JSON {
		return printJSON(k.Stdout, answer)
	}
	for _, id := range answer.IDs {
		if _, err := fmt.Fprintln(k.Stdout, id); err != nil {
			return fmt.Errorf("print ids: %w", err)
		}
	}
	return nil
}

// readScript reads the faults that an argument names, or is.
func readScript(argument string) ([]gateway.Fault, error) {
	var text []byte
	var err error
	switch {
	case argument == "-":
		text, err = io.ReadAll(os.Stdin)
	case strings.HasPrefix(argument, "{"), strings.HasPrefix(argument, "["):
		text = []byte(argument)
	default:
		text, err = os.ReadFile(argument)
	}
	if err != nil {
		return nil, fmt.Errorf("read fault script: %w", err)
	}
	faults, err := gateway.ParseFaults(text)
	if err != nil {
		return nil, fmt.Errorf("fault script %.100s: %w", argument, err)
	}
	return faults, nil
}

// readStories reads ready stories.
func readStories(names []string) ([]gateway.Fault, error) {
	var all []gateway.Fault
	for _, name := range names {
		story, err := gateway.FindStory(name)
		if err != nil {
			return nil, err
		}
		faults, err := gateway.ParseFaults([]byte(story.Script))
		if err != nil {
			return nil, fmt.Errorf("story %s: %w", name, err)
		}
		all = append(all, faults...)
	}
	return all, nil
}

type faultListCommand struct {
	adminFlags
	JSON bool `name:"json" help:"Print one JSON list."`
}

// Help is shown by --help.
func (*faultListCommand) Help() string {
	return `Prints one fault a line: its id, how often a request matched it and how often it acted, and what it says.

Example:
  testharness fault list --admin http://127.0.0.1:40001
  testharness fault list --admin http://127.0.0.1:40001 --json | jq '.[] | select(.fired == 0)'`
}

// Run prints the faults.
func (c *faultListCommand) Run(ctx context.Context, k *kong.Kong) error {
	var faults []gateway.FaultState
	if err := c.call(ctx, http.MethodGet, "/faults", nil, &faults); err != nil {
		return fmt.Errorf("list faults: %w", err)
	}
	if c.JSON {
		return printJSON(k.Stdout, faults)
	}
	var rows [][]string
	for i, f := range faults {
		if i == 0 {
			rows = append(rows, []string{"ID", "MATCHED", "ACTED", "FAULT"})
		}
		id := f.ID
		f.ID = ""
		text, err := json.Marshal(f.Fault)
		if err != nil {
			return fmt.Errorf("print faults: %w", err)
		}
		rows = append(rows, []string{id, strconv.Itoa(f.Matched), strconv.Itoa(f.Fired), string(text)})
	}
	return printTable(k.Stdout, rows)
}

type faultDeleteCommand struct {
	adminFlags
	IDs  []string `arg:"" optional:"" name:"id" help:"Ids, as list shows them."`
	All  bool     `help:"Delete all."`
	JSON bool     `name:"json" help:"Print JSON."`
}

// Help is shown by --help.
func (*faultDeleteCommand) Help() string {
	return `Example:
  testharness fault delete --admin http://127.0.0.1:40001 f2 f3
  testharness fault delete --admin http://127.0.0.1:40001 --all`
}

// Run deletes faults.
func (c *faultDeleteCommand) Run(ctx context.Context, k *kong.Kong) error {
	switch {
	case c.All == (len(c.IDs) > 0):
		return errors.New("name ids or --all")
	case c.All:
		if err := c.call(ctx, http.MethodDelete, "/faults", nil, nil); err != nil {
			return fmt.Errorf("delete faults: %w", err)
		}
	}
	for _, id := range c.IDs {
		if err := c.call(ctx, http.MethodDelete, "/faults/"+url.PathEscape(id), nil, nil); err != nil {
			return fmt.Errorf("delete fault %s: %w", id, err)
		}
	}
	if c.JSON {
		return printJSON(k.Stdout, map[string]any{"deleted": append([]string{}, c.IDs...), "all": c.All})
	}
	return nil
}

type faultStoriesCommand struct {
	JSON bool   `name:"json" help:"Print one JSON list."`
	Show string `help:"Print the script of one story." placeholder:"NAME"`
}

// Help is shown by --help.
func (*faultStoriesCommand) Help() string {
	return `Each story is a fault script named after what it tells: add it to a running simulator with "testharness fault add --story
NAME", begin with it with "testharness gateway --story NAME", or print it with --show and change it.

Example:
  testharness fault stories
  testharness fault stories --show slow-bank > mine.yaml`
}

// Run prints the stories.
func (c *faultStoriesCommand) Run(k *kong.Kong) error {
	if c.Show != "" {
		story, err := gateway.FindStory(c.Show)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(k.Stdout, story.Script); err != nil {
			return fmt.Errorf("print story: %w", err)
		}
		return nil
	}
	if c.JSON {
		return printJSON(k.Stdout, gateway.Stories())
	}
	var rows [][]string
	for _, story := range gateway.Stories() {
		rows = append(rows, []string{story.Name, story.About})
	}
	return printTable(k.Stdout, rows)
}

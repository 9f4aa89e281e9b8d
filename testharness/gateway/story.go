package gateway

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed scripts/*.yaml
var scripts embed.FS

// Story is a ready fault script.
type Story struct {
	Name string `json:"name"`
	// About tells it in a line.
	About string `json:"about"`
	// Script is its text.
	Script string `json:"-"`
}

// Stories lists the ready scripts by name.
func Stories() []Story {
	names, _ := fs.Glob(scripts, "scripts/*.yaml") // the pattern is right
	out := make([]Story, 0, len(names))
	for _, name := range names {
		text, _ := scripts.ReadFile(name) // it was listed
		first, _, _ := strings.Cut(string(text), "\n")
		out = append(out, Story{
			Name: strings.TrimSuffix(path.Base(name), ".yaml"), About: strings.TrimPrefix(first, "# "), Script: string(text),
		})
	}
	return out
}

// FindStory returns the story of that name.
func FindStory(name string) (Story, error) {
	all := Stories()
	names := make([]string, 0, len(all))
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Story{}, fmt.Errorf("there is no story %q; there are %s", name, strings.Join(names, ", "))
}

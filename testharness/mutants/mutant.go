package mutants

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Mutant is one way to break the product.
type Mutant struct {
	Name string `json:"name"` // what the hurried engineer does
	// Why says what it would cost.
	Why   string `json:"why"`
	File  string `json:"file"` // from the module's root
	Edits []Edit `json:"-"`
	// Checks are what must notice it, each by itself.
	Checks []Check `json:"-"`
}

// Edit replaces words that stand exactly once in the file.
type Edit struct{ Old, New string }

// ErrMoved is what a mutant comes to whose words are not in the sources as
// often as they should.
var ErrMoved = errors.New("the sources have changed: adapt the mutant")

// apply gives the file's content with the edits made.
func (m *Mutant) apply(root string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return nil, fmt.Errorf("read the source of a mutant: %w", err)
	}
	text := string(content)
	for _, e := range m.Edits {
		if n := strings.Count(text, e.Old); n != 1 {
			return nil, fmt.Errorf("%w: %q stands %d times in %s", ErrMoved, e.Old, n, m.File)
		}
		text = strings.Replace(text, e.Old, e.New, 1)
	}
	return []byte(text), nil
}

// overlay writes the mutated file and the description that the compiler needs
// to take it for the real one. It gives the name of that description.
func (m *Mutant) overlay(root, dir string) (string, error) {
	content, err := m.apply(root)
	if err != nil {
		return "", err
	}
	mutated := filepath.Join(dir, filepath.Base(m.File))
	if err := os.WriteFile(mutated, content, 0o600); err != nil {
		return "", fmt.Errorf("write a mutant: %w", err)
	}
	description, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.File): mutated}})
	if err != nil {
		return "", fmt.Errorf("describe a mutant: %w", err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, description, 0o600); err != nil {
		return "", fmt.Errorf("describe a mutant: %w", err)
	}
	return name, nil
}

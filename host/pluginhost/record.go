package pluginhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// record is what is kept of a plugin: which version is in force, and which was
// before it. It is written when a version has come up, never before.
type record struct {
	// Installed is the manifest that lay in the folder of plugins when this was
	// written. As long as it lies there, Current is in force, which may be
	// another after an upgrade from elsewhere, or a roll-back.
	Installed manifest  `json:"installed"`
	Current   manifest  `json:"current"`
	Previous  *manifest `json:"previous,omitempty"`
}

// book holds the records by plugin.
type book struct {
	Plugins map[string]record `json:"plugins"`
}

const recordFile = "releases.json"

// sums are the checksums that the records name.
func (b book) sums() map[string]bool {
	all := map[string]bool{}
	for _, r := range b.Plugins {
		all[strings.ToLower(r.Current.SHA256)] = true
		if r.Previous != nil {
			all[strings.ToLower(r.Previous.SHA256)] = true
		}
	}
	return all
}

func (s *store) read() (book, error) {
	b := book{Plugins: map[string]record{}}
	path := filepath.Join(s.dir, recordFile)
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return b, nil
	case err == nil:
		err = json.Unmarshal(content, &b)
	}
	if err != nil {
		return b, fmt.Errorf("the record of plugins %s can't be read: %w; mend it, or remove it: what is installed is in force then", path, err)
	}
	return b, nil
}

// find gives a plugin's record, if there is one.
func (s *store) find(name string) (record, bool, error) {
	b, err := s.read()
	r, ok := b.Plugins[name]
	return r, ok, err
}

// change changes the records, whole or not at all.
func (s *store) change(ctx context.Context, do func(book)) error {
	return s.locked(ctx, func() error {
		b, err := s.read()
		if err != nil {
			return err
		}
		do(b)
		content, err := json.MarshalIndent(b, "", "  ")
		if err != nil {
			return err
		}
		tmp := filepath.Join(s.dir, unfinished+recordFile)
		path := filepath.Join(s.dir, recordFile)
		err = os.WriteFile(tmp, append(content, '\n'), 0o600)
		if err == nil {
			err = syncPath(tmp)
		}
		if err == nil {
			err = os.Rename(tmp, path)
		}
		if err == nil {
			err = syncPath(s.dir)
		}
		if err != nil {
			return fmt.Errorf("write the record of plugins %s: %w", path, err)
		}
		return nil
	})
}

// succeed notes that a version is in force now, and gives the record.
func (s *store) succeed(ctx context.Context, installed, next manifest) (r record, err error) {
	err = s.change(ctx, func(b book) {
		old, had := b.Plugins[next.Name]
		r = record{Installed: installed, Current: next, Previous: old.Previous}
		if had && !sameBinary(old.Current, next) {
			r.Previous = &old.Current
		}
		if r.Previous != nil && sameBinary(*r.Previous, next) {
			r.Previous = nil
		}
		b.Plugins[next.Name] = r
	})
	return r, err
}

// forget drops the records of plugins that are no longer installed.
func (s *store) forget(ctx context.Context, installed map[string]bool) error {
	b, err := s.read()
	if err != nil {
		return err
	}
	gone := func(b book) (names []string) {
		for name := range b.Plugins {
			if !installed[name] {
				names = append(names, name)
			}
		}
		return names
	}
	if len(gone(b)) == 0 {
		return nil
	}
	return s.change(ctx, func(b book) {
		for _, name := range gone(b) {
			delete(b.Plugins, name)
		}
	})
}

func sameBinary(a, b manifest) bool { return strings.EqualFold(a.SHA256, b.SHA256) }

// same reports whether two manifests say the same.
func (m manifest) same(other manifest) bool {
	a, err := json.Marshal(m)
	b, err2 := json.Marshal(other)
	return err == nil && err2 == nil && bytes.Equal(a, b)
}

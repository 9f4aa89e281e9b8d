package pluginhost

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/chargehand/chargehand/shared/payment"
)

// choice is a version of a plugin that is to be in force, and why.
type choice struct {
	plugin plugin
	// installed is the manifest that lay in the folder of plugins at the time.
	installed manifest
	// previous is what was in force before, once recorded.
	previous *manifest
	recorded bool
}

func (c *choice) previousRelease() Release {
	if c.previous == nil {
		return Release{}
	}
	return Release{Version: c.previous.Version, SHA256: strings.ToLower(c.previous.SHA256)}
}

// installed is what lies in the folder of plugins.
type installed struct {
	manifest manifest
	binary   string // tells one file from another
}

func (i installed) same(other installed) bool {
	return i.manifest.same(other.manifest) && i.binary == other.binary
}

// look reads the folder of plugins anew.
func (s *supervisor) look() (plugin, installed, error) {
	p, err := readPlugin(s.manifest, s.name)
	if err != nil {
		return plugin{}, installed{}, err
	}
	return p, installed{manifest: p.manifest, binary: stamp(p.path)}, nil
}

func stamp(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "missing"
	}
	inode := uint64(0)
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = sys.Ino
	}
	return fmt.Sprint(info.Size(), info.Mode(), info.ModTime().UnixNano(), inode)
}

// reinstalled reports whether something else lies in the folder of plugins than
// when it was looked at last; if so, it is chosen from anew.
func (s *supervisor) reinstalled() bool {
	_, now, err := s.look()
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.same(s.seen) {
		return false
	}
	s.choice = nil
	return true
}

// choose gives the version to start: the one chosen last as long as there is a
// copy of it, or else what the record and the folder of plugins say. It is
// called under the right to start.
func (s *supervisor) choose() (*choice, error) {
	s.mu.Lock()
	c := s.choice
	s.mu.Unlock()
	if c != nil && s.store.has(c.plugin) {
		return c, nil
	}
	p, now, err := s.look()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.seen = now
	s.mu.Unlock()
	c = &choice{plugin: p, installed: p.manifest}
	r, found, err := s.store.find(s.name)
	if err != nil {
		return nil, err
	}
	if found && r.Installed.same(p.manifest) {
		// Not necessarily what is installed: after an upgrade from elsewhere or a
		// roll-back it is another.
		if c.plugin, err = s.recorded(r.Current, p); err != nil {
			return nil, err
		}
		c.previous, c.recorded = r.Previous, true
	}
	s.mu.Lock()
	s.choice = c
	s.mu.Unlock()
	return c, nil
}

// recorded makes a plugin of a manifest from the record. at is what is
// installed: it can stand in for a copy that was lost.
func (s *supervisor) recorded(m manifest, at plugin) (plugin, error) {
	file := filepath.Join(s.store.dir, recordFile)
	p, err := m.plugin(s.name, file)
	if err != nil {
		return plugin{}, fmt.Errorf("plugin %s: the record %s: %w", s.name, file, err)
	}
	if sameBinary(p.manifest, at.manifest) {
		p.path, p.file = at.path, at.file
	}
	return p, nil
}

// record writes down that a version is in force, unless it is.
func (s *supervisor) record(ctx context.Context, c *choice) error {
	if c.recorded {
		return nil
	}
	r, err := s.store.succeed(ctx, c.installed, c.plugin.manifest)
	if err != nil {
		return err
	}
	c.previous, c.recorded = r.Previous, true
	return nil
}

// elsewhere reads a plugin that lies outside the folder of plugins: from is its
// folder, its manifest, or its binary beside the manifest. Since it may be
// anywhere, it must belong to the host's user or to root.
func elsewhere(from, name string) (plugin, error) {
	if !filepath.IsAbs(from) {
		return plugin{}, &payment.Error{Kind: payment.ErrorInvalid, Field: "from", Text: "it must be an absolute path on the host's machine"}
	}
	resolved, err := filepath.EvalSymlinks(from)
	var info os.FileInfo
	if err == nil {
		info, err = os.Stat(resolved)
	}
	if err != nil {
		return plugin{}, &payment.Error{Kind: payment.ErrorInvalid, Field: "from", Text: err.Error(), Err: err}
	}
	file := resolved
	switch {
	case info.IsDir():
		file = filepath.Join(resolved, name+".json")
	case filepath.Ext(resolved) != ".json":
		file = filepath.Join(filepath.Dir(resolved), name+".json")
	}
	p, err := readPlugin(file, name)
	if err == nil {
		for _, path := range []string{filepath.Dir(p.file), p.file, filepath.Dir(p.path), p.path} {
			if err == nil {
				err = ownedAlone(path)
			}
		}
	}
	if err == nil && !info.IsDir() && file != resolved && p.path != resolved {
		err = fmt.Errorf("the manifest %s is for another binary, %s; make one with `chargehand plugin manifest %s`", p.file, p.path, resolved)
	}
	if err != nil {
		return plugin{}, &payment.Error{Kind: payment.ErrorInvalid, Field: "from", Text: err.Error(), Err: err}
	}
	return p, nil
}

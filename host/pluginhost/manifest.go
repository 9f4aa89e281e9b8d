package pluginhost

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/chargehand/chargehand/host/pluginhost/confine"
)

// maxManifest is the size of the largest manifest, in bytes.
const maxManifest = 64 << 10

// manifest is the file beside a plugin's binary.
type manifest struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"` // of the binary, hexadecimal
	Path    string `json:"path"`   // of the binary, from the manifest's folder
	// Env names variables of the host's environment to pass on, besides those
	// that every plugin gets.
	Env []string `json:"env,omitempty"`
	// Read and Execute are files, and folders with all that is in them, that the
	// plugin may read, or read and execute, besides what every plugin may.
	Read    []string `json:"read,omitempty"`
	Execute []string `json:"execute,omitempty"`
}

// plugin is one version of a plugin: what its manifest says.
type plugin struct {
	manifest manifest
	name     string
	version  string
	sum      []byte
	path     string // of the binary that was installed; empty if only the host's copy is left
	file     string // of the manifest
	env      []string
}

// found is what lies in the folder of plugins under one name: a plugin, or the
// reason why it isn't one.
type found struct {
	name   string
	plugin plugin
	err    error
}

var pluginName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,49}$`)

// catalogue reads the folder of plugins, sorted by name.
func catalogue(dir string) ([]found, error) {
	// What is below the folder must not be a link; the folder itself may be.
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return nil, fmt.Errorf("folder of plugins: %w; create it, or correct the configuration", err)
	}
	if err := checkWriters(root); err != nil {
		return nil, fmt.Errorf("folder of plugins: %w", err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("folder of plugins: %w", err)
	}
	var all []found
	seen := map[string]bool{}
	for _, entry := range entries {
		name := entry.Name()
		var file string
		switch {
		case strings.HasPrefix(name, "."):
			continue
		case entry.IsDir():
			file = filepath.Join(root, name, name+".json")
		case strings.HasSuffix(name, ".json"):
			file = filepath.Join(root, name)
			name = strings.TrimSuffix(name, ".json")
		default:
			continue // a binary beside its manifest
		}
		f := found{name: name}
		f.plugin, f.err = readPlugin(file, name)
		if seen[name] {
			f.err = fmt.Errorf("plugin %s is there twice, as a folder and as a file; remove one", name)
			f.name += " (again)"
		}
		seen[name] = true
		all = append(all, f)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("folder of plugins: no plugin is installed in %s; each needs a manifest NAME/NAME.json there", root)
	}
	return all, nil
}

// readPlugin reads one manifest. The binary is looked at before each start.
func readPlugin(file, name string) (plugin, error) {
	m, err := readManifest(file)
	if err != nil {
		return plugin{}, fmt.Errorf("plugin %s: manifest %s: %w", name, file, err)
	}
	p, err := m.plugin(name, file)
	if err != nil {
		return plugin{}, fmt.Errorf("plugin %s: manifest %s: %w", name, file, err)
	}
	p.path = filepath.Join(filepath.Dir(file), m.Path)
	return p, nil
}

// plugin makes sense of a manifest.
func (m manifest) plugin(name, file string) (p plugin, err error) {
	p = plugin{manifest: m, name: m.Name, version: m.Version, file: file, env: m.Env}
	p.sum, err = m.check(name)
	return p, err
}

func readManifest(file string) (manifest, error) {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return manifest{}, errors.New("it is missing; install the plugin again")
	case err != nil:
		return manifest{}, err
	case !info.Mode().IsRegular():
		return manifest{}, errors.New("it is a link or no file; put the file itself there")
	}
	for _, path := range []string{filepath.Dir(file), file} {
		if err := checkWriters(path); err != nil {
			return manifest{}, err
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return manifest{}, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	switch {
	case err != nil:
		return manifest{}, err
	case len(content) > maxManifest:
		return manifest{}, fmt.Errorf("it is larger than %d bytes", maxManifest)
	}
	return parseManifest(content)
}

func parseManifest(content []byte) (manifest, error) {
	var m manifest
	decoder := json.NewDecoder(strings.NewReader(string(content)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return manifest{}, fmt.Errorf("it can't be read: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return manifest{}, errors.New("it can't be read: there is more after the end of the manifest")
	}
	return m, nil
}

// check gives the checksum of a manifest that makes sense.
func (m manifest) check(name string) ([]byte, error) {
	if !pluginName.MatchString(m.Name) {
		return nil, fmt.Errorf(`"name" is %q; it must be lower-case letters, digits, "_" and "-", 50 at most`, m.Name)
	}
	if m.Name != name {
		return nil, fmt.Errorf(`"name" is %q, but the file is named %q; name them alike`, m.Name, name)
	}
	if m.Version == "" || len(m.Version) > 100 {
		return nil, errors.New(`"version" must be there, with 100 characters at most`)
	}
	sum, err := hex.DecodeString(m.SHA256)
	if err != nil || len(sum) != 32 {
		return nil, errors.New(`"sha256" must be 64 hexadecimal digits, as sha256sum prints them`)
	}
	if !filepath.IsLocal(m.Path) || m.Path == "." {
		return nil, fmt.Errorf(`"path" is %q; it must lead from the manifest's folder to the binary, without leaving the folder`, m.Path)
	}
	for _, variable := range m.Env {
		if err := checkVariable(variable, ""); err != nil {
			return nil, fmt.Errorf(`"env": %w`, err)
		}
		if strings.HasPrefix(variable, "CHARGEHAND_") {
			return nil, fmt.Errorf(`"env": %s configures the host and may hold secrets; it is not passed on`, variable)
		}
	}
	for list, paths := range map[string][]string{"read": m.Read, "execute": m.Execute} {
		if err := confine.CheckPaths(paths); err != nil {
			return nil, fmt.Errorf("%q: %w", list, err)
		}
	}
	return sum, nil
}

// digest is the binary's checksum in hexadecimal.
func (p plugin) digest() string { return hex.EncodeToString(p.sum) }

// checkBinary refuses a binary that must not be started. Its checksum is
// checked at the start itself.
func (p plugin) checkBinary() error {
	info, err := os.Lstat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf(`the binary %s is missing; install it, or correct "path" in %s`, p.path, p.file)
	case err != nil:
		return fmt.Errorf("the binary %s can't be looked at: %w", p.path, err)
	}
	// A link anywhere on the way could be turned after the check.
	resolved, err := filepath.EvalSymlinks(p.path)
	switch {
	case err != nil:
		return fmt.Errorf("the binary %s can't be looked at: %w", p.path, err)
	case resolved != p.path:
		return fmt.Errorf("the binary %s is a symbolic link, or lies behind one; put the file itself there", p.path)
	case !info.Mode().IsRegular():
		return fmt.Errorf(`the binary %s is no file; correct "path" in %s`, p.path, p.file)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("the binary %s is not executable; run chmod +x on it", p.path)
	}
	for path := p.path; ; path = filepath.Dir(path) {
		if err := checkWriters(path); err != nil {
			return err
		}
		if path == filepath.Dir(p.file) {
			return nil
		}
	}
}

// checkWriters refuses what others than its owner may change: they could have
// the host run their program, with the credentials of all companies.
func checkWriters(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s has the mode %04o, so that others than its owner can change it; run chmod go-w %s", path, mode, path)
	}
	return nil
}

package confine

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Grant is what one program gets besides what every program does.
type Grant struct {
	// SHA256 is the checksum that the program must have.
	SHA256 []byte
	// Folder is a folder that it may read and write.
	Folder string
	// Read are files, and folders with all that is in them, that it may read.
	Read []string
	// Execute are the same to execute, which includes reading them.
	Execute []string
}

// maxPaths is how many paths each list of a Grant may have.
const maxPaths = 100

// CheckPaths refuses what can't stand in a list of a Grant, whatever is there.
func CheckPaths(paths []string) error {
	if len(paths) > maxPaths {
		return fmt.Errorf("%d paths are too many, the most is %d; name folders instead of files", len(paths), maxPaths)
	}
	for _, path := range paths {
		switch {
		case !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0):
			return fmt.Errorf("%q must be a whole path that begins with / and has no //, /. or /.. in it", path)
		case path == "/":
			return errors.New("/ is everything; name what is needed")
		}
	}
	return nil
}

// fill writes down all that a program may do: what every program needs, what
// its environment names, and what was granted to it. It gives what the paths
// lead to.
func (l *Launcher) fill(p *policy, g Grant, env []string) (Files, error) {
	p.Folder = g.Folder
	var files Files
	add := func(list *[]string, path, why string) error {
		files = append(files, at(path))
		return l.add(list, path, why)
	}
	for _, path := range systemPaths {
		if err := add(&p.Read, path, "what every plugin may read"); errors.Is(err, errGuarded) {
			return nil, err // what can't be reached is not needed on this system
		}
	}
	for _, named := range namedFiles(env) {
		if err := add(&p.Read, named.path, named.variable+" in its environment"); errors.Is(err, errGuarded) {
			return nil, err // what can't be reached, the plugin will tell
		}
	}
	for _, path := range g.Read {
		if err := add(&p.Read, path, `"read" in its manifest`); err != nil {
			return nil, err
		}
	}
	for _, path := range g.Execute {
		if err := add(&p.Execute, path, `"execute" in its manifest`); err != nil {
			return nil, err
		}
	}
	for _, program := range append([]string{p.Program}, p.Execute...) {
		loader := loaderOf(program)
		if loader == "" {
			continue
		}
		if err := add(&p.Execute, loader, "the loader of "+program); err != nil {
			return nil, err
		}
		for _, path := range libraries {
			if err := add(&p.Read, path, "the libraries of "+program); errors.Is(err, errGuarded) {
				return nil, err
			}
		}
	}
	return files, nil
}

// errGuarded refuses what no program is given.
var errGuarded = errors.New("which is the host's alone")

// add adds what a path leads to, unless it is guarded.
func (l *Launcher) add(list *[]string, path, why string) error {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("%s (%s): %w", path, why, err)
	}
	if resolved, err = filepath.Abs(resolved); err != nil {
		return fmt.Errorf("%s (%s): %w", path, why, err)
	}
	for _, guarded := range l.guarded {
		if resolved == guarded || within(resolved, guarded) {
			return fmt.Errorf("%s (%s) would let the plugin at %s, %w; name less, or move that elsewhere", path, why, guarded, errGuarded)
		}
	}
	if !slices.Contains(*list, resolved) {
		*list = append(*list, resolved)
	}
	return nil
}

// within reports whether a path lies in a folder.
func within(folder, path string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// resolve makes a path comparable, whether there is something or not.
func resolve(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(whole)
	switch {
	case err == nil:
		return resolved, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	case whole == filepath.Dir(whole):
		return whole, nil
	}
	folder, err := resolve(filepath.Dir(whole))
	return filepath.Join(folder, filepath.Base(whole)), err
}

type namedFile struct{ variable, path string }

// namedFiles are the files and folders that an environment names, in variables
// whose name says that they do.
func namedFiles(env []string) []namedFile {
	var all []namedFile
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case value == "":
		case strings.HasSuffix(name, "_FILE"):
			all = append(all, namedFile{name, value})
		case strings.HasSuffix(name, "_DIR") && !strings.HasPrefix(name, "PLUGIN_"): // the host's own
			for _, folder := range filepath.SplitList(value) {
				all = append(all, namedFile{name, folder})
			}
		}
	}
	return all
}

// loaderOf is the program that the kernel starts to load another one; empty if
// it needs none, or is no program.
func loaderOf(program string) string {
	info, err := os.Stat(program)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := elf.Open(program)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for _, segment := range f.Progs {
		if segment.Type != elf.PT_INTERP || segment.Filesz > maxLoader {
			continue
		}
		path := make([]byte, segment.Filesz)
		if _, err := segment.ReadAt(path, 0); err != nil {
			return ""
		}
		return strings.TrimRight(string(path), "\x00")
	}
	return ""
}

// maxLoader is the longest path of a loader that is believed.
const maxLoader = 4096

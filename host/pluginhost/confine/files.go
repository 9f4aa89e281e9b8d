package confine

import "os"

// Files are what the paths that a program was given led to when it was started.
// Its rights are tied to these, not to the paths.
type Files []file

type file struct {
	path string
	info os.FileInfo // nil if there was nothing
}

// at is what lies at a path. It is called before the path is resolved: what takes
// its place in between is then told as replaced, which it may be for nothing,
// instead of not at all.
func at(path string) file {
	info, err := os.Stat(path)
	if err != nil {
		info = nil
	}
	return file{path: path, info: info}
}

// Replaced are the paths that lead to another file or folder now, so that the
// program can't use what is there. Those that lead nowhere are not among them:
// what was taken away may be about to be put back.
func (f Files) Replaced() []string {
	var all []string
	for _, was := range f {
		is, err := os.Stat(was.path)
		if err == nil && (was.info == nil || !os.SameFile(was.info, is)) {
			all = append(all, was.path)
		}
	}
	return all
}

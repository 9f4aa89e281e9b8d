package migrations

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// The dialects that have a set of files.
const (
	MySQL  = "mysql"
	SQLite = "sqlite"
)

//go:embed mysql sqlite
var files embed.FS

// FS returns the files of a dialect, MySQL or SQLite, at its root.
func FS(dialect string) (fs.FS, error) {
	switch dialect {
	case MySQL, SQLite:
		return fs.Sub(files, dialect)
	default:
		return nil, fmt.Errorf("migrations: no SQL for database dialect %q: use %q or %q", dialect, MySQL, SQLite)
	}
}

// Revision returns the schema revision that this program needs: the highest
// number among the embedded files, 0 if there are none.
func Revision() int64 {
	var highest int64
	for _, dialect := range []string{MySQL, SQLite} {
		// The pattern is constant and valid, so Glob cannot fail.
		names, _ := fs.Glob(files, dialect+"/*.sql")
		for _, name := range names {
			highest = max(highest, number(name))
		}
	}
	return highest
}

// number returns the number before the first underscore of a file's name, and 0
// for a name without one.
func number(name string) int64 {
	digits, _, _ := strings.Cut(path.Base(name), "_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

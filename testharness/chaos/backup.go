package chaos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/stand"
)

// backup is a cold copy of the database, taken in the midst of chaos.
type backup struct {
	dir string
	// began and ended are around the time that the copy is of.
	began, ended time.Time
}

// databaseFile is the name of SQLite's; others begin with it.
const databaseFile = "chargehand.db"

// still ends what has the database's files open, calls do while it is down, and
// has it started again.
func (w *world) still(do func() error) error {
	u := w.hosts[0].unit
	if w.server != nil {
		u = w.database
	}
	return u.without((*stand.Process).Kill, do)
}

// copyDatabase keeps what the database is at this moment, as it lies on disk
// after a crash.
func (w *world) copyDatabase() bool {
	b := &backup{dir: filepath.Join(w.dir, "backup"), began: time.Now()}
	err := w.still(func() error {
		b.ended = time.Now()
		return w.copyFiles(b.dir, w.disk.dir)
	})
	if err != nil {
		w.diary.fault("copy the database: %v", err)
		return false
	}
	w.backup = b
	return true
}

// putFilesBack makes the database again what it was when it was copied.
func (w *world) putFilesBack() error {
	return w.still(func() error {
		names, err := w.files(w.disk.dir)
		for _, name := range names {
			err = errors.Join(err, os.RemoveAll(filepath.Join(w.disk.dir, name)))
		}
		if err != nil {
			return fmt.Errorf("take the database away: %w", err)
		}
		return w.copyFiles(w.disk.dir, w.backup.dir)
	})
}

// files are the names in a folder that make up the database. What fills the disk
// does not; nor does SQLite's shared memory, which is made anew.
func (w *world) files(dir string) ([]string, error) {
	if w.server != nil {
		return []string{filepath.Base(w.server.data)}, nil
	}
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), databaseFile) && !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// copyFiles copies the database from a folder to another, for its own user.
func (w *world) copyFiles(to, from string) error {
	names, err := w.files(from)
	for _, name := range names {
		source, target := filepath.Join(from, name), filepath.Join(to, name)
		if w.server != nil {
			err = errors.Join(err, os.CopyFS(target, os.DirFS(source)), w.server.ownAll(target))
			continue
		}
		content, rerr := os.ReadFile(source)
		if err = errors.Join(err, rerr, os.MkdirAll(to, 0o700)); err == nil {
			err = os.WriteFile(target, content, 0o600) //nolint:gosec // both folders are the run's own
		}
	}
	if err != nil {
		return fmt.Errorf("copy the database's files: %w", err)
	}
	return nil
}

// ownAll gives a whole folder to the user that the server runs as.
func (m *mariadb) ownAll(dir string) error {
	if m.as == "" {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, m.uid, -1)) //nolint:gosec // the folder is the run's own
	})
}

// asleep has all hosts ended in order, and calls do while none runs.
func (w *world) asleep(ctx context.Context, hosts []*host, do func(context.Context) error) error {
	if len(hosts) == 0 {
		return do(ctx)
	}
	return hosts[0].without((*stand.Process).Stop, func() error { return w.asleep(ctx, hosts[1:], do) })
}

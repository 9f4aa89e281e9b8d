package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

// File is a host's memory on disk, apart from the database and from its
// backups. One process at a time has it.
type File struct {
	path string
	lock io.Closer
	// Host names this host for as long as the file is there.
	Host string
	Seen Seen
}

// content is what the file holds.
type content struct {
	Version int    `json:"version"`
	Host    string `json:"host"`
	Seen
}

const (
	fileVersion = 1
	maxFile     = 4 << 20 // bytes
)

// OpenFile reads the state file, or begins one. lock takes a lock file for as
// long as what it returns is open.
func OpenFile(path string, lock func(path string) (io.Closer, error)) (f *File, err error) {
	f = &File{path: path}
	if f.lock, err = lock(path + ".lock"); err != nil {
		return nil, fmt.Errorf("state_file %s: each host needs one of its own: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = f.lock.Close()
			f = nil
		}
	}()
	text, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		f.Host = uuid.Must(uuid.NewV7()).String()
		err = f.Write(Seen{})
		return f, err
	}
	if err != nil {
		return f, fmt.Errorf("state_file: %w", err)
	}
	var c content
	if err := json.Unmarshal(text, &c); err != nil || c.Version != fileVersion || c.Host == "" {
		return f, fmt.Errorf("state_file %s can't be read: it is what shows that the database was put back. If you are sure that it was not, remove the file and start again", path)
	}
	f.Host, f.Seen = c.Host, c.Seen
	return f, nil
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile))
}

// Write puts down what was seen, whole or not at all, and returns once it is
// on disk. It may lag behind the database but must not be ahead of it.
func (f *File) Write(s Seen) error {
	text, err := json.Marshal(content{fileVersion, f.Host, s})
	if err != nil {
		return fmt.Errorf("write the state file: %w", err)
	}
	tmp := f.path + ".tmp"
	if err := writeSynced(tmp, append(text, '\n')); err != nil {
		return fmt.Errorf("write the state file: %w", err)
	}
	if err := os.Rename(tmp, f.path); err != nil {
		return fmt.Errorf("write the state file: %w", err)
	}
	return syncDir(filepath.Dir(f.path))
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("write the state file: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("write the state file: %w", err)
	}
	return nil
}

// Close gives the file back to others.
func (f *File) Close() error { return f.lock.Close() }

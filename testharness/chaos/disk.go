package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// disk is the file system that the database lies on, of a size of its own so
// that it can be filled.
type disk struct {
	dir string
	// why it can't be filled; empty if it can.
	unlimited string
	release   func() error
}

// diskSize is enough for the database of so many orders, in bytes. What lies
// there is taken from memory.
func diskSize(orders int) int64 { return 192<<20 + int64(orders)*24<<10 }

// openDisk mounts a file system of that size where that is possible. Where it is
// not, the folder is an ordinary one, and is never filled.
func openDisk(dir string, size int64) (*disk, error) {
	d := &disk{dir: dir, release: func() error { return nil }}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the database's folder: %w", err)
	}
	if release, err := mountLimited(dir, size); err != nil {
		d.unlimited = err.Error()
	} else {
		d.release = release
	}
	return d, nil
}

// keep copies what lies there to where it outlives the file system.
func (d *disk) keep(to string) error {
	if d.unlimited != "" {
		return nil // it stays where it is
	}
	if err := os.CopyFS(to, os.DirFS(d.dir)); err != nil {
		return fmt.Errorf("keep the database's files: %w", err)
	}
	return nil
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all the space that is left.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	for size := 1 << 20; size > 0; size /= 2 {
		for chunk := make([]byte, size); ; {
			if _, err = f.Write(chunk); err != nil {
				break
			}
		}
	}
	if cerr := f.Close(); cerr != nil {
		return fmt.Errorf("fill the disk: %w", cerr)
	}
	if !isFull(err) {
		return fmt.Errorf("fill the disk: %w", err)
	}
	return nil
}

// free gives the space back.
func (d *disk) free() error {
	if err := os.Remove(d.ballast()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("free the disk: %w", err)
	}
	return nil
}

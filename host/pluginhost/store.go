package pluginhost

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// store is the folder with the host's own copies of binaries, each in a folder
// named by its checksum, and with the record of which is in force. Nothing else
// is executed, so that what was checked is what runs, whatever becomes of the
// file it was installed from.
//
// Hosts on one machine may share it: a copy that one of them needs is held by a
// lock on its file, and changes are made one at a time, by a lock on the
// folder. Both end with the process that took them.
type store struct{ dir string }

const (
	// unfinished begins the names of files that are being written.
	unfinished = ".new-"
	lockFile   = ".lock"
	// lockLimit bounds the wait for another's change, in which at most one
	// binary is copied.
	lockLimit = 30 * time.Second
	lockPoll  = 10 * time.Millisecond
)

// errNotStored says that there is no copy of a binary.
var errNotStored = errors.New("the host has no copy of it")

var storeEntry = regexp.MustCompile(`^[0-9a-f]{64}$`)

func openStore(dir string) (*store, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err == nil {
		err = ownedAlone(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("folder for the host's copies of plugins (plugins.store): %w; name one that the host can write, and nobody else", err)
	}
	return &store{dir: dir}, nil
}

// ownedAlone refuses what another user could change, now or after a chmod.
func ownedAlone(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() && owner.Uid != 0 {
		return fmt.Errorf("%s belongs to the user %d, who is neither the host's nor root", path, owner.Uid)
	}
	return checkWriters(path)
}

// locked runs change while nobody else changes the store.
func (s *store) locked(ctx context.Context, change func() error) error {
	f, err := os.OpenFile(filepath.Join(s.dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the copies of plugins: %w", err)
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	for !flock(f, syscall.LOCK_EX) {
		if !sleep(ctx, lockPoll) {
			return fmt.Errorf("lock the copies of plugins: %s is held by another host: %w", f.Name(), ctx.Err())
		}
	}
	return change()
}

// flock tries to lock a file, and reports whether it could.
func flock(f *os.File, how int) bool {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err == nil
		}
	}
}

func (s *store) path(p plugin) string {
	return filepath.Join(s.dir, p.digest(), p.name)
}

// take gives the copy of a plugin's binary, which is made first if it isn't
// there. As long as the file is open the copy stays.
func (s *store) take(ctx context.Context, p plugin) (held *os.File, err error) {
	err = s.locked(ctx, func() error {
		if held, err = s.open(p); err == nil {
			return nil
		}
		if p.path == "" {
			return fmt.Errorf("version %s of the plugin %s can't be run: %w; install it again, then run `chargehand plugin upgrade %s`",
				p.version, p.name, err, p.name)
		}
		if err := s.copy(p); err != nil {
			return err
		}
		held, err = s.open(p)
		return err
	})
	return held, err
}

// has reports whether there is a copy of a plugin's binary, whole or not.
func (s *store) has(p plugin) bool {
	_, err := os.Lstat(s.path(p))
	return err == nil
}

// open gives the copy of a plugin's binary if it is there and whole.
func (s *store) open(p plugin) (*os.File, error) {
	f, err := os.Open(s.path(p))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotStored, err)
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", errNotStored, err)
	case !bytes.Equal(sum.Sum(nil), p.sum):
		err = fmt.Errorf("%w: %s was changed", errNotStored, f.Name())
	case !flock(f, syscall.LOCK_SH):
		err = fmt.Errorf("%w: %s is being removed", errNotStored, f.Name())
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// copy makes a copy of an installed binary. A file is never written in place:
// a process may be running from it.
func (s *store) copy(p plugin) (err error) {
	if err := p.checkBinary(); err != nil {
		return err
	}
	source, err := os.Open(p.path)
	if err != nil {
		return fmt.Errorf("the binary %s can't be read: %w", p.path, err)
	}
	defer source.Close()
	tmp := filepath.Join(s.dir, unfinished+rand.Text())
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
		}
	}()
	sum, err := writeExecutable(tmp, source)
	if err != nil {
		return fmt.Errorf("copy the binary %s: %w", p.path, err)
	}
	if !bytes.Equal(sum, p.sum) {
		return fmt.Errorf("the binary %s does not have the checksum that its manifest %s names: it was changed, or not copied whole; "+
			"install both again, or if you built it yourself, put what sha256sum prints into the manifest", p.path, p.file)
	}
	own := filepath.Dir(s.path(p))
	if err := os.Mkdir(own, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("copy the binary %s: %w", p.path, err)
	}
	if err := os.Rename(tmp, s.path(p)); err != nil {
		return fmt.Errorf("copy the binary %s: %w", p.path, err)
	}
	return errors.Join(syncPath(s.path(p)), syncPath(own), syncPath(s.dir))
}

// writeExecutable writes a file that is executed next, and gives its checksum.
// No process may be forked while it is open for writing: the child would have
// it open too until it executes something else, and whoever executes the file
// meanwhile would be told that it is busy.
func writeExecutable(path string, from io.Reader) ([]byte, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o500) //nolint:gosec // It is there to be executed, by its owner alone.
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), from)
	if err := errors.Join(err, f.Chmod(0o500), f.Close()); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}

// syncPath makes a file, or the names in a folder, last. It opens them for
// reading alone, as an executable must not be open for writing.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// clean removes the copies that nobody needs: neither a running process, nor
// what the record names.
func (s *store) clean(ctx context.Context) error {
	return s.locked(ctx, func() error {
		book, err := s.read()
		if err != nil {
			return err
		}
		needed := book.sums()
		entries, err := os.ReadDir(s.dir)
		if err != nil {
			return err
		}
		var errs []error
		for _, e := range entries {
			path := filepath.Join(s.dir, e.Name())
			switch {
			case strings.HasPrefix(e.Name(), unfinished):
				// Whoever wrote it had the lock, and is gone.
				errs = append(errs, os.Remove(path))
			case storeEntry.MatchString(e.Name()) && !needed[e.Name()] && !held(path):
				errs = append(errs, os.RemoveAll(path))
			}
		}
		return errors.Join(errs...)
	})
}

// held reports whether a process needs one of the copies in a folder.
func held(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return true
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return true
		}
		free := flock(f, syscall.LOCK_EX)
		_ = f.Close()
		if !free {
			return true
		}
	}
	return false
}

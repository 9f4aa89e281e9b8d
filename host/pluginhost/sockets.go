package pluginhost

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/go-hclog"
)

const (
	// maxSocketDir is the length of the longest path of a socket folder: a
	// socket's own path must fit into 104 bytes, the least of any Unix, with its
	// name.
	maxSocketDir = 80
	// randomName is room for what is added to the name of a folder made for one
	// generation.
	randomName = len("/g") + 10

	hostSockets = "chp"
	newSockets  = ".chp" // not yet to be looked at by others
)

// sockets is the folder in which the generations of one host have their socket
// folders. Its lock ends with the host, however that ends: who can take it
// knows that the folder is litter.
type sockets struct {
	dir  string
	lock *os.File
}

// openSockets makes the folder, and removes those of hosts that are no more.
func openSockets(base string, log hclog.Logger) (*sockets, error) {
	sweepSockets(base, log)
	dir, err := os.MkdirTemp(base, newSockets) // 0700
	if err != nil {
		return nil, fmt.Errorf("make a folder for sockets: %w", err)
	}
	s := &sockets{dir: filepath.Join(base, hostSockets+filepath.Base(dir)[len(newSockets):])}
	if most := maxSocketDir - randomName; len(s.dir) > most {
		_ = os.Remove(dir)
		return nil, fmt.Errorf("the path of the folder for sockets %s has %d characters; the most is %d: set TMPDIR to a shorter path",
			s.dir, len(s.dir), most)
	}
	s.lock, err = os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil && !flock(s.lock, syscall.LOCK_EX) {
		err = fmt.Errorf("%s can't be locked", s.lock.Name())
	}
	if err == nil {
		err = os.Rename(dir, s.dir)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		if s.lock != nil {
			_ = s.lock.Close()
		}
		return nil, fmt.Errorf("make a folder for sockets: %w", err)
	}
	return s, nil
}

// make makes the socket folder of one generation.
func (s *sockets) make() (string, error) {
	dir, err := os.MkdirTemp(s.dir, "g") // 0700
	if err != nil {
		return "", fmt.Errorf("make a socket folder: %w", err)
	}
	return dir, nil
}

func (s *sockets) close() error {
	defer s.lock.Close()
	return os.RemoveAll(s.dir)
}

// sweepSockets removes what hosts left that could not clean up.
func sweepSockets(base string, log hclog.Logger) {
	folders, _ := filepath.Glob(filepath.Join(base, hostSockets+"*"))
	for _, dir := range folders {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ours(info) {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue // not made here
		}
		if flock(lock, syscall.LOCK_EX) {
			if err := os.RemoveAll(dir); err != nil {
				log.Warn("the sockets of a host that is gone can't be removed", "folder", dir, "error", err)
			} else {
				log.Info("the sockets of a host that is gone were removed", "folder", dir)
			}
		}
		_ = lock.Close()
	}
}

func ours(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
}

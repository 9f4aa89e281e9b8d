package database

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// LockFile takes the lock file for as long as the result is open, or returns
// ErrInUse. The system gives the lock back when the process ends, however it ends.
// The file stays: removing it would let two processes lock two files of one name.
func LockFile(path string) (io.Closer, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &Error{Kind: ErrInUse, Detail: "process " + holder(file), Cause: err}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The number only helps the person who reads the other process's error.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	}
	return file, nil
}

// holder reads the process number that the lock's holder wrote.
func holder(file *os.File) string {
	text := make([]byte, 20)
	n, _ := file.ReadAt(text, 0)
	if pid := strings.TrimSpace(string(text[:n])); pid != "" {
		return pid
	}
	return "unknown"
}

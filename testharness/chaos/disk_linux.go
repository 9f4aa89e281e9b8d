package chaos

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// mountLimited mounts a file system in memory.
func mountLimited(dir string, size int64) (release func() error, err error) {
	if os.Getuid() != 0 {
		return nil, errors.New("only root may mount a file system of a limited size")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", size)); err != nil {
		return nil, fmt.Errorf("a file system of a limited size can't be mounted here: %w", err)
	}
	return func() error {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount the database's file system: %w", err)
		}
		return nil
	}, nil
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }

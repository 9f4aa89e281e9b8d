//go:build linux || darwin || freebsd || netbsd || openbsd

package webservices

import (
	"errors"
	"net"
	"syscall"
)

// quiet reports whether a connection is open and has nothing to read: neither
// an end, nor bytes that nobody asked for. It looks without taking anything.
func quiet(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		open = errors.Is(err, syscall.EAGAIN)
		return true // never wait
	})
	return err == nil && open
}

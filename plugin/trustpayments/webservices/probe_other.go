//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package webservices

import "net"

// quiet can't tell here, so no connection is used twice: slower, and as safe.
func quiet(net.Conn) bool { return false }

package main

import (
	"runtime"
	"syscall"
)

// trace takes hold of a process as a debugger does, and lets go.
func trace(pid int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.PtraceAttach(pid); err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WALL, nil); err != nil {
		return err
	}
	return syscall.PtraceDetach(pid)
}

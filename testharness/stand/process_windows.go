package stand

import (
	"errors"
	"os/exec"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// Windows has no signal that asks a process to end.
func terminate(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func pause(*exec.Cmd, bool) error { return errors.New("Windows can't stop a process for a while") }

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

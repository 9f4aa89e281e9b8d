package confine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Self is the running program as a Launcher. The link leads to the very file
// that runs, even after another was put in its place.
func Self() string { return "/proc/self/exe" }

// signalsFixed is the erratum of kernels whose scope for signals works for
// programs with threads.
const signalsFixed = 1 << 1

// landlockVersion is what this kernel offers; zero for none.
func landlockVersion() int {
	version, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	if errata, err := ll.LandlockGetErrata(); version >= 6 && (err != nil || errata&signalsFixed == 0) {
		return 5
	}
	return version
}

// become turns this process into the program. It comes back only if it can't.
func become(p policy) error {
	// What is set for one thread alone must be set for the one that executes.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	syscall.CloseOnExec(p.Report)

	program, err := openChecked(p)
	if err != nil {
		return err
	}
	defer func() { _ = program.Close() }()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	if p.Landlock {
		if err := restrict(p, program); err != nil {
			return fmt.Errorf("confine it: %w", err)
		}
	}
	err = syscall.Exec(p.Program, []string{p.Program}, syscall.Environ()) //nolint:gosec // Its checksum was checked.
	if p.Landlock && errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("it may not be executed (%w): if it is a script, list its interpreter under \"execute\" in the manifest, "+
			"and what that reads under \"read\"; if not, see whether its file system is mounted noexec", err)
	}
	return fmt.Errorf("execute it: %w", err)
}

// openChecked opens the program if it is the one that it must be. What is
// behind a link is refused: links can be turned.
func openChecked(p policy) (*os.File, error) {
	f, err := os.OpenFile(p.Program, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open it: %w", err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("read it: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
		_ = f.Close()
		return nil, ErrChecksum
	}
	return f, nil
}

// What may be done with files and folders.
const (
	readFile    landlock.AccessFSSet = ll.AccessFSReadFile
	readFolder                       = readFile | ll.AccessFSReadDir
	execute     landlock.AccessFSSet = ll.AccessFSExecute
	writeFile   landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate
	writeFolder                      = readFolder | writeFile | ll.AccessFSMakeReg | ll.AccessFSMakeSock | ll.AccessFSMakeDir |
		ll.AccessFSRemoveFile | ll.AccessFSRemoveDir
)

// restrict confines every thread of this process, and all that they become or
// start, for good.
func restrict(p policy, program *os.File) error {
	if landlockVersion() == 0 {
		return errors.New("the kernel has no Landlock any more")
	}
	// The right to execute is tied to the file that was checked: should another
	// take its name now, that one is not executed.
	rules := []landlock.Rule{
		landlock.PathAccess(execute|readFile, fmt.Sprintf("/proc/self/fd/%d", program.Fd())),
		landlock.PathAccess(writeFile, "/dev/null").IgnoreIfMissing(),
		landlock.PathAccess(writeFolder, p.Folder),
	}
	for _, path := range append(p.Read, ownPaths...) {
		rules = append(rules, access(path, 0))
	}
	for _, path := range p.Execute {
		rules = append(rules, access(path, execute))
	}
	return landlock.Config{
		HandledAccessFS: landlock.V9.HandledAccessFS,
		// Where gateways and proxies listen is not known; that nobody listens
		// here is.
		HandledAccessNet: ll.AccessNetBindTCP,
		Scoped:           landlock.V6.Scoped,
	}.BestEffort().Restrict(rules...)
}

// access lets a path be read, and what else is said.
func access(path string, more landlock.AccessFSSet) landlock.Rule {
	rights := readFile
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		rights = readFolder
	}
	return landlock.PathAccess(rights|more, path).IgnoreIfMissing()
}

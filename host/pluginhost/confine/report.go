package confine

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// ErrChecksum says that a program is not the one that was to be started.
var ErrChecksum = errors.New("the program does not have the checksum it must have")

// maxReport bounds what is read of a report.
const maxReport = 16 << 10

// reportLimit is how long a report may take once the process is gone.
const reportLimit = time.Second

// Report is the way on which a launcher tells why it did not become the
// program: a pipe that closes by itself when it does. Nil is a start without
// launcher.
type Report struct{ ours, theirs *os.File }

// failure is what goes over the pipe.
type failure struct {
	Text     string        `json:"text"`
	Checksum bool          `json:"checksum,omitempty"`
	Errno    syscall.Errno `json:"errno,omitempty"`
}

func (f *failure) Error() string { return f.Text }

func (f *failure) Is(target error) bool {
	if errno, ok := target.(syscall.Errno); ok {
		return f.Errno != 0 && f.Errno == errno
	}
	return f.Checksum && target == ErrChecksum
}

// Started lets go of the process's end, once the process has it or there is
// none.
func (r *Report) Started() {
	if r != nil {
		_ = r.theirs.Close()
	}
}

// Close lets go of the rest.
func (r *Report) Close() {
	if r != nil {
		_ = r.ours.Close()
	}
}

// Err is why the launcher did not become the program; nil if it did, or never
// ran. It is called after Started, when the process has ended.
func (r *Report) Err() error {
	if r == nil {
		return nil
	}
	_ = r.ours.SetReadDeadline(time.Now().Add(reportLimit))
	content, _ := io.ReadAll(io.LimitReader(r.ours, maxReport))
	if len(content) == 0 {
		return nil
	}
	f := &failure{}
	if err := json.Unmarshal(content, f); err != nil {
		return errors.New("the launcher failed, and its report can't be read")
	}
	return f
}

// tell writes a report.
func tell(fd int, err error) {
	f := failure{Text: err.Error(), Checksum: errors.Is(err, ErrChecksum)}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		f.Errno = errno
	}
	text, err := json.Marshal(f)
	if err != nil {
		return
	}
	file := os.NewFile(uintptr(fd), "report")
	_, _ = file.Write(text)
	_ = file.Close()
}

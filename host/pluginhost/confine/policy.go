package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// command is the argument that makes a program the launcher.
const command = "plugin-exec"

// standardFiles is how many files a process has by custom.
const standardFiles = 3

// maxPolicy is the size of the largest policy in bytes, below what the kernel
// takes as one argument.
const maxPolicy = 100 << 10

// policy is what the host tells the launcher. Both are the same build.
type policy struct {
	Program string `json:"program"`
	SHA256  string `json:"sha256"` // of the program, hexadecimal
	// Landlock says whether the rest is to be applied. Where it can't be, the
	// program is not started.
	Landlock bool     `json:"landlock"`
	Folder   string   `json:"folder,omitempty"`
	Read     []string `json:"read,omitempty"`
	Execute  []string `json:"execute,omitempty"`
	// Report is the descriptor to tell failures on.
	Report int `json:"report"`
}

func parsePolicy(text string) (policy, error) {
	var p policy
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return p, fmt.Errorf("the policy can't be read: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return p, errors.New("the policy can't be read: there is more behind it")
	}
	if p.Program == "" || p.Report < standardFiles {
		return p, errors.New("the policy is not whole")
	}
	return p, nil
}

// Asked reports whether this process was started to be the launcher. A program
// that is its own launcher asks first of all.
func Asked() bool { return len(os.Args) == 3 && os.Args[1] == command }

// Main is the launcher: it confines its own process and turns it into the
// program. It comes back only if that failed, with the exit code.
func Main() int {
	p, err := parsePolicy(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "the host starts plugins with this; by itself it does nothing:", err)
		return exitUsage
	}
	err = become(p)
	tell(p.Report, err)
	return exitFailed
}

// Exit codes, as shells use them for programs that can't be executed.
const (
	exitUsage  = 2
	exitFailed = 126
)

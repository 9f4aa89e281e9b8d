package confine

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Config says how a Launcher starts programs.
type Config struct {
	// Launcher is the program that everything is started through: one whose main
	// function hands over to Main when Asked says so. Self gives the running
	// program's own. If it is empty, programs are started directly and are not
	// confined.
	Launcher string
	// Mode is BestEffort if empty.
	Mode Mode
	// Guarded are files and folders that no program is given, whoever asks for
	// it, nor a folder that holds them. They need not exist.
	Guarded []string
	// Landlock gives the version of Landlock that the kernel offers, zero for
	// none; what this kernel says if nil.
	Landlock func() int
}

// Launcher starts programs confined. Its zero value starts them directly.
type Launcher struct {
	program string
	guarded []string
	version int // of Landlock
}

// New looks at what the kernel can do. It fails if that is not enough for what
// is required.
func New(cfg Config) (*Launcher, error) {
	l := &Launcher{}
	switch {
	case cfg.Mode == Off:
		return l, nil
	case cfg.Mode != "" && !cfg.Mode.Valid():
		return nil, fmt.Errorf("confine plugins: there is no mode %q", cfg.Mode)
	}
	if cfg.Landlock == nil {
		cfg.Landlock = landlockVersion
	}
	l.version = cfg.Landlock()
	if cfg.Mode == Required {
		switch {
		case cfg.Launcher == "":
			return nil, errors.New("confine plugins: it is required, but there is no launcher on this system")
		case l.version < enough:
			return nil, fmt.Errorf("confine plugins: it is required (plugins.confine), but this kernel can't: %s", notice(l.version))
		}
	}
	l.program = cfg.Launcher
	for _, path := range cfg.Guarded {
		if path == "" {
			continue
		}
		resolved, err := resolve(path)
		if err != nil {
			return nil, fmt.Errorf("confine plugins: %w", err)
		}
		l.guarded = append(l.guarded, resolved)
	}
	return l, nil
}

// Notice tells what is not confined though it was not switched off, and what to
// do about it; empty if there is nothing to tell.
func (l *Launcher) Notice() string {
	if l.program == "" {
		return ""
	}
	return notice(l.version)
}

// Confines reports whether programs are confined at all.
func (l *Launcher) Confines() bool { return l.program != "" && l.version > 0 }

// Wrap has a command that is not started yet go through the launcher. The
// process, once it runs the program, has the same number, files, environment
// and arguments as without. The report, nil if the launcher is not used, tells
// what went wrong before that; the caller closes it. The files are what the
// program is given, none if it is not confined.
func (l *Launcher) Wrap(cmd *exec.Cmd, g Grant) (*Report, Files, error) {
	if l.program == "" {
		return nil, nil, nil
	}
	p := policy{Program: cmd.Path, SHA256: hex.EncodeToString(g.SHA256), Landlock: l.version > 0, Report: standardFiles + len(cmd.ExtraFiles)}
	var files Files
	if p.Landlock {
		var err error
		if files, err = l.fill(&p, g, cmd.Env); err != nil {
			return nil, nil, err
		}
	}
	text, err := json.Marshal(p)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("write the policy: %w", err)
	case len(text) > maxPolicy:
		return nil, nil, fmt.Errorf("what the plugin may read and execute takes %d bytes to tell, the most is %d; list folders instead of files", len(text), maxPolicy)
	}
	r := &Report{}
	if r.ours, r.theirs, err = os.Pipe(); err != nil {
		return nil, nil, fmt.Errorf("make the launcher's report: %w", err)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, r.theirs)
	cmd.Path, cmd.Args = l.program, []string{os.Args[0], command, string(text)}
	return r, files, nil
}

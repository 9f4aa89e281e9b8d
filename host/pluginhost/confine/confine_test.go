package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNew(t *testing.T) {
	t.Parallel()
	with := func(version int) func() int { return func() int { return version } }
	for version, tells := range map[int]string{0: "plugins are not confined", 2: "can still truncate", 3: "listen on TCP ports", 5: "send signals", 6: "", 9: ""} {
		l, err := New(Config{Launcher: "x", Landlock: with(version)})
		require.NoError(t, err)
		require.Equal(t, version > 0, l.Confines())
		require.Contains(t, l.Notice(), tells)
		require.Equal(t, tells == "", l.Notice() == "")
		_, err = New(Config{Launcher: "x", Mode: Required, Landlock: with(version)})
		require.Equal(t, version >= enough, err == nil, "%d: %v", version, err)
	}
	l, err := New(Config{Launcher: "x", Mode: Off, Landlock: with(0)})
	require.NoError(t, err)
	require.Empty(t, l.Notice())
	require.False(t, l.Confines())
	_, err = New(Config{Mode: Required, Landlock: with(9)})
	require.ErrorContains(t, err, "there is no launcher")
	_, err = New(Config{Mode: "maybe"})
	require.ErrorContains(t, err, `no mode "maybe"`)
}

func TestCheckPaths(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckPaths([]string{"/usr/bin/python3", "/a b"}))
	for _, path := range []string{"", "relative", "/", "/a/", "/a//b", "/a/../b", "/a/.", "/\x00"} {
		require.Error(t, CheckPaths([]string{path}), "%q", path)
	}
	require.ErrorContains(t, CheckPaths(make([]string, maxPaths+1)), "too many")
}

// Nothing that holds what is guarded is given, by whatever way it is asked for.
func TestGuarded(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	data := filepath.Join(dir, "data")
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(data, "key"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(data, "ca.pem"), nil, 0o600))
	require.NoError(t, os.Symlink(data, filepath.Join(dir, "link")))
	l, err := New(Config{Launcher: "x", Guarded: []string{filepath.Join(dir, "link", "key"), filepath.Join(data, "not-yet.db"), ""}, Landlock: func() int { return 6 }})
	require.NoError(t, err)
	for name, test := range map[string]struct {
		grant Grant
		env   string
	}{
		"itself":                    {grant: Grant{Read: []string{filepath.Join(data, "key")}}},
		"its folder":                {grant: Grant{Read: []string{data}}},
		"above":                     {grant: Grant{Execute: []string{dir}}},
		"by a link":                 {grant: Grant{Read: []string{filepath.Join(dir, "link")}}},
		"environment":               {env: "X_FILE=" + filepath.Join(data, "key")},
		"folder of the environment": {env: "X_DIR=/nowhere:" + data},
	} {
		cmd := exec.Command("/bin/true")
		cmd.Env = []string{test.env}
		_, _, err := l.Wrap(cmd, test.grant)
		require.ErrorContains(t, err, "which is the host's alone", name)
		require.Equal(t, "/bin/true", cmd.Path, name)
	}
	cmd := exec.Command("/bin/true")
	cmd.Env = []string{"X_FILE=" + filepath.Join(data, "ca.pem"), "Y_FILE=" + filepath.Join(dir, "missing"), "Z_FILE=" + filepath.Join(data, "ca.pem", "below a file")}
	r, _, err := l.Wrap(cmd, Grant{SHA256: []byte{1}})
	require.NoError(t, err)
	defer r.Close()
	r.Started()
	require.Equal(t, []string{"x", command}, []string{cmd.Path, cmd.Args[1]})
	p, err := parsePolicy(cmd.Args[2])
	require.NoError(t, err)
	require.Contains(t, p.Read, filepath.Join(data, "ca.pem"))
	require.NoError(t, r.Err(), "nothing was told")
}

func TestReport(t *testing.T) {
	t.Parallel()
	for _, err := range []error{ErrChecksum, fmt.Errorf("execute it: %w", syscall.ENOEXEC), errors.New("other")} {
		r := &Report{}
		var pipeErr error
		r.ours, r.theirs, pipeErr = os.Pipe()
		require.NoError(t, pipeErr)
		fd, dupErr := syscall.Dup(int(r.theirs.Fd()))
		require.NoError(t, dupErr)
		tell(fd, err)
		r.Started()
		got := r.Err()
		r.Close()
		require.EqualError(t, got, err.Error())
		require.Equal(t, errors.Is(err, ErrChecksum), errors.Is(got, ErrChecksum))
		require.Equal(t, errors.Is(err, syscall.ENOEXEC), errors.Is(got, syscall.ENOEXEC))
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(`{"program":"/x","sha256":"00","landlock":true,"report":4}`)
	f.Add(`{} []`)
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parsePolicy(text); err == nil {
			require.NotEmpty(t, p.Program)
			require.GreaterOrEqual(t, p.Report, standardFiles)
			require.NotEmpty(t, strings.TrimSpace(text))
		}
	})
}

package confine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFilesReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change   func(t *testing.T, dir string)
		replaced bool
	}{
		"nothing":    {change: func(*testing.T, string) {}},
		"written to": {change: func(t *testing.T, dir string) { t.Helper(); write(t, dir, "target") }},
		"taken away": {change: func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.Remove(filepath.Join(dir, "target")))
		}},
		"link taken away":     {change: func(t *testing.T, dir string) { t.Helper(); require.NoError(t, os.Remove(filepath.Join(dir, "path"))) }},
		"file renamed over":   {change: func(t *testing.T, dir string) { t.Helper(); rename(t, dir, "other", "target") }, replaced: true},
		"link turned":         {change: func(t *testing.T, dir string) { t.Helper(); turn(t, dir, "other") }, replaced: true},
		"link to the same":    {change: func(t *testing.T, dir string) { t.Helper(); turn(t, dir, "target") }},
		"link made a file":    {change: func(t *testing.T, dir string) { t.Helper(); rename(t, dir, "other", "path") }, replaced: true},
		"link made a folder":  {change: func(t *testing.T, dir string) { t.Helper(); turn(t, dir, ".") }, replaced: true},
		"link made a nowhere": {change: func(t *testing.T, dir string) { t.Helper(); turn(t, dir, "nowhere") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "target")
			write(t, dir, "other")
			path, missing, stays := filepath.Join(dir, "path"), filepath.Join(dir, "missing"), filepath.Join(dir, "stays")
			require.NoError(t, os.Symlink("target", path))
			write(t, dir, "stays")
			f := Files{at(dir), at(missing), at(path), at(stays)}
			require.Empty(t, f.Replaced())
			test.change(t, dir)
			var want []string
			if test.replaced {
				want = []string{path}
			}
			require.Equal(t, want, f.Replaced())
			write(t, dir, "missing")
			require.Equal(t, append([]string{missing}, want...), f.Replaced(), "what was not there is now")
		})
	}
	require.Empty(t, Files(nil).Replaced())
}

func TestFolderReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"folder", "other"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	folder := filepath.Join(dir, "folder")
	f := Files{at(folder)}
	write(t, folder, "new")
	require.Empty(t, f.Replaced(), "what is in it can be read")
	rename(t, dir, "folder", "old")
	require.Empty(t, f.Replaced())
	rename(t, dir, "other", "folder")
	require.Equal(t, []string{folder}, f.Replaced())
}

func write(t *testing.T, dir, name string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
}

func rename(t *testing.T, dir, from, to string) {
	t.Helper()
	require.NoError(t, os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)))
}

// turn has the link lead elsewhere, without a moment in which it is not there.
func turn(t *testing.T, dir, target string) {
	t.Helper()
	require.NoError(t, os.Symlink(target, filepath.Join(dir, "link")))
	rename(t, dir, "link", "path")
}

package pluginhost

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
)

func sumOf(content string) func(*manifest) {
	return func(m *manifest) {
		digest := sha256.Sum256([]byte(content))
		m.SHA256 = hex.EncodeToString(digest[:])
	}
}

func TestManifestRefusals(t *testing.T) {
	t.Parallel()
	good := manifest{Name: "memory", Version: "1", SHA256: strings.Repeat("00", 32), Path: "bin/memory", Env: []string{"X"}}
	_, err := good.check("memory")
	require.NoError(t, err)
	for want, spoil := range map[string]func(*manifest){
		`"name" is "Memory"`: func(m *manifest) { m.Name = "Memory" },
		`name them alike`:    func(m *manifest) { m.Name = "other" },
		`"version" must be`:  func(m *manifest) { m.Version = "" },
		`"sha256" must be`:   func(m *manifest) { m.SHA256 = "00" },
		`"path" is "../x"`:   func(m *manifest) { m.Path = "../x" },
		`"path" is "/bin/x"`: func(m *manifest) { m.Path = "/bin/x" },
		`"path" is ""`:       func(m *manifest) { m.Path = "" },
		`"path" is "."`:      func(m *manifest) { m.Path = "." },
		`"X=Y" is no name`:   func(m *manifest) { m.Env = []string{"X=Y"} },
		`is not passed on`:   func(m *manifest) { m.Env = []string{"CHARGEHAND_MASTER_KEY"} },
		`set by the host`:    func(m *manifest) { m.Env = []string{"PLUGIN_CLIENT_CERT"} },
	} {
		m := good
		spoil(&m)
		_, err := m.check("memory")
		require.ErrorContains(t, err, want)
	}
}

func TestCatalogueRefusals(t *testing.T) {
	t.Parallel()
	dir := newFolder(t).dir
	_, err := catalogue(filepath.Join(dir, "missing"))
	require.ErrorContains(t, err, "create it, or correct the configuration")
	_, err = catalogue(dir)
	require.ErrorContains(t, err, "no plugin is installed in "+dir)

	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	write("binary", "not looked at")
	write("big.json", strings.Repeat(" ", maxManifest+1))
	write("broken.json", `{"name":`)
	write("more.json", `{} {}`)
	require.NoError(t, os.Symlink(filepath.Join(dir, "more.json"), filepath.Join(dir, "link.json")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "more"), 0o700))
	all, err := catalogue(dir)
	require.NoError(t, err)
	got := map[string]string{}
	for _, f := range all {
		require.Error(t, f.err)
		got[f.name] = f.err.Error()
	}
	require.Len(t, got, 5)
	require.Contains(t, got["big"], "larger than 65536 bytes")
	require.Contains(t, got["broken"], "unexpected EOF")
	require.Contains(t, got["link"], "a link or no file")
	require.Contains(t, got["more"], "is missing")
	require.Contains(t, got["more (again)"], "there twice")
}

// What others can write, they can have the host run.
func TestCatalogueRefusesWhatOthersCanWrite(t *testing.T) {
	t.Parallel()
	for path, mode := range map[string]os.FileMode{"memory/memory.json": 0o620, "memory": 0o702, ".": 0o770} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			f.install(nil)
			spoilt := filepath.Join(f.dir, path)
			require.NoError(t, os.Chmod(spoilt, mode))
			all, err := catalogue(f.dir)
			if err == nil {
				require.Len(t, all, 1)
				err = all[0].err
			}
			require.ErrorContains(t, err, fmt.Sprintf("%s has the mode %04o", spoilt, mode))
			require.ErrorContains(t, err, "run chmod go-w "+spoilt)

			require.NoError(t, os.Chmod(spoilt, mode&^0o022))
			all, err = catalogue(f.dir)
			require.NoError(t, err)
			require.NoError(t, all[0].err)
		})
	}
}

// No t.Parallel: the working folder is the process's.
func TestRelativeFolder(t *testing.T) {
	f := newFolder(t)
	own := f.install(nil)
	t.Chdir(own)
	all, err := catalogue("..")
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.NoError(t, all[0].err)
	require.Equal(t, filepath.Join(own, "binary"), all[0].plugin.path)
	require.NoError(t, all[0].plugin.checkBinary())
}

func TestConfigRefusals(t *testing.T) {
	t.Parallel()
	log := hclog.NewNullLogger()
	for want, c := range map[string]Config{
		"no folder of plugins":                   {Logger: log},
		"no logger":                              {Dir: "x"},
		"is set by the host itself; take it out": {Dir: "x", Logger: log, Env: map[string]map[string]string{"p": {"CHARGEHAND_PLUGIN": "x"}}},
		"has a zero byte":                        {Dir: "x", Logger: log, Env: map[string]map[string]string{"p": {"X": "\x00"}}},
	} {
		_, err := New(c)
		require.ErrorContains(t, err, want)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"name":"memory","version":"1","sha256":"` + strings.Repeat("00", 32) + `","path":"memory"}`))
	f.Add([]byte(`{"name":"memory","path":"../memory"}`))
	f.Add([]byte(`{} []`))
	const dir = "/plugins/x"
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := parseManifest(content)
		if err != nil {
			return
		}
		if sum, err := m.check(m.Name); err == nil {
			require.Len(t, sum, 32)
			require.True(t, strings.HasPrefix(filepath.Join(dir, m.Path), dir+"/"), m.Path)
		}
	})
}

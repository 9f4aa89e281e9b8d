package app

import (
	"encoding/base64"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A host doesn't start without its keys, nor with keys that others can read.
func TestKeyFiles(t *testing.T) {
	t.Parallel()
	content := func(name, text string) func(*testing.T, *bed) {
		return func(t *testing.T, b *bed) {
			t.Helper()
			require.NoError(t, os.WriteFile(b.file(name), []byte(text), 0o600))
		}
	}
	mode := func(name string, mode os.FileMode) func(*testing.T, *bed) {
		return func(t *testing.T, b *bed) { t.Helper(); require.NoError(t, os.Chmod(b.file(name), mode)) }
	}
	remove := func(name string) func(*testing.T, *bed) {
		return func(t *testing.T, b *bed) { t.Helper(); require.NoError(t, os.Remove(b.file(name))) }
	}
	configure := func(key string) func(*testing.T, *bed) {
		return func(_ *testing.T, b *bed) { b.keys[key] = "" }
	}
	short := base64.StdEncoding.EncodeToString(make([]byte, 16))
	for name, test := range map[string]struct {
		spoil func(*testing.T, *bed)
		want  []string
	}{
		"no reference key":             {configure("keys.reference_file"), []string{"reference key", "no file is configured", "`chargehand key new FILE` makes one"}},
		"reference key missing":        {remove("reference.key"), []string{"reference key", "reference.key", "`chargehand key new FILE` makes one"}},
		"reference key read by group":  {mode("reference.key", 0o640), []string{"reference key", "may be read by others; run: chmod 600 "}},
		"reference key read by others": {mode("reference.key", 0o604), []string{"reference key", "may be read by others; run: chmod 600 "}},
		"reference key short":          {content("reference.key", short), []string{"reference key", "must hold 32 bytes in base64"}},
		"reference key no base64":      {content("reference.key", "hello!"), []string{"reference key", "must hold 32 bytes in base64"}},
		"reference key empty":          {content("reference.key", ""), []string{"reference key", "must hold 32 bytes in base64"}},
		"no master key":                {configure("keys.master_file"), []string{"master key"}},
		"master key missing":           {remove("master.key"), []string{"master key", "master.key"}},
		"master key read by others":    {mode("master.key", 0o644), []string{"master key", "chmod"}},
		"master key short":             {content("master.key", short), []string{"master key", "32 random bytes"}},
		"master key no base64":         {content("master.key", "hello!"), []string{"master key", "base64"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := prepare(t, "sqlite", nil)
			b.migrate()
			test.spoil(t, b)
			err := b.start()
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), short)
		})
	}
}

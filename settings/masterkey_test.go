package settings

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMasterKey_File(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	_, err := MasterKeyFromFile(path)
	require.ErrorIs(t, err, ErrMasterKey)
	require.ErrorContains(t, err, "there is no file "+path)

	made, err := CreateMasterKeyFile(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	read, err := MasterKeyFromFile(path)
	require.NoError(t, err)
	require.Equal(t, made.ID(), read.ID())

	wrapped, err := made.Wrap(t.Context(), []byte("key"), []byte("for one"))
	require.NoError(t, err)
	require.NotContains(t, string(wrapped), "key")
	key, err := read.Unwrap(t.Context(), wrapped, []byte("for one"))
	require.NoError(t, err)
	require.Equal(t, "key", string(key))
	_, err = read.Unwrap(t.Context(), wrapped, []byte("for another"))
	require.ErrorIs(t, err, ErrMasterKey)

	_, err = CreateMasterKeyFile(path) // never over another
	require.ErrorIs(t, err, os.ErrExist)
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = MasterKeyFromFile(path)
	require.ErrorContains(t, err, "others may read or write "+path+" (mode 0640); chmod 600 it")
	_, err = MasterKeyFromFile(t.TempDir())
	require.ErrorIs(t, err, ErrMasterKey)
}

func TestParseMasterKey(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                       "it is empty",
		"not base64!":            "it is not base64",
		"c2hvcnQ=":               "it has 5 bytes",
		strings.Repeat("A", 100): "it has 75 bytes",
		base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{255}, 32)): "it is not base64",
	} {
		_, err := ParseMasterKey(value)
		require.ErrorIs(t, err, ErrMasterKey)
		require.ErrorContains(t, err, want)
		if len(value) > 10 {
			require.NotContains(t, err.Error(), value)
		}
	}
	value := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	k, err := ParseMasterKey(" " + value + "\n")
	require.NoError(t, err)
	for _, shown := range []any{k, *k, struct{ K *MasterKey }{k}} {
		text := fmt.Sprintf("%v %+v %#v %s %x", shown, shown, shown, shown, shown)
		require.NotContains(t, text, value)
		require.NotContains(t, text, "0707")
		require.NotContains(t, text, "7 7 7")
	}
}

func TestJoined_TellsPartsApart(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, joined("a", "bc"), joined("ab", "c"))
	require.NotEqual(t, joined("a"), joined("a", ""))
	one := binding(Scope{Owner: "link", ID: "1", Fulfiller: "f", Plugin: "p"}, 1, "x")
	for _, other := range [][]byte{
		binding(Scope{Owner: "fulfiller", ID: "1", Fulfiller: "f", Plugin: "p"}, 1, "x"),
		binding(Scope{Owner: "link", ID: "2", Fulfiller: "f", Plugin: "p"}, 1, "x"),
		binding(Scope{Owner: "link", ID: "1", Fulfiller: "g", Plugin: "p"}, 1, "x"),
		binding(Scope{Owner: "link", ID: "1", Fulfiller: "f", Plugin: "q"}, 1, "x"),
		binding(Scope{Owner: "link", ID: "1", Fulfiller: "f", Plugin: "p"}, 2, "x"),
		binding(Scope{Owner: "link", ID: "1", Fulfiller: "f", Plugin: "p"}, 1, "y"),
	} {
		require.NotEqual(t, one, other)
	}
}

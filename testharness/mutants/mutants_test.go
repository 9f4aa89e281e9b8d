package mutants

import (
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// The list stays true to the sources: every mutant still applies, still is Go,
// has tests to run, and stands in the page for readers.
func TestListFitsTheSources(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	names := map[string]bool{}
	for _, m := range All() {
		require.False(t, names[m.Name], m.Name)
		names[m.Name] = true
		content, err := m.apply(root)
		require.NoError(t, err, m.Name)
		if strings.HasSuffix(m.File, ".go") {
			_, err = parser.ParseFile(token.NewFileSet(), m.File, content, parser.AllErrors)
			require.NoError(t, err, m.Name)
		}
		require.NotEmpty(t, m.Checks, m.Name)
		for _, c := range m.Checks {
			_, err = regexp.Compile(c.Run)
			require.NoError(t, err, m.Name)
			require.DirExists(t, root+"/"+c.Package)
		}
		require.NotEmpty(t, m.Why, m.Name)
		require.Contains(t, string(page), "| "+m.Name+" |", "the page for readers")
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	m := Mutant{File: "doc.go", Edits: []Edit{{"Package mutants shows", "Package mutants hides"}}}
	content, err := m.apply(".")
	require.NoError(t, err)
	require.Contains(t, string(content), "Package mutants hides")
	m.Edits[0].Old = "words that do not stand there"
	_, err = m.apply(".")
	require.ErrorIs(t, err, ErrMoved)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	out := "=== RUN TestB\n--- FAIL: TestB (0.00s)\n    --- FAIL: TestB/sub (0.00s)\n--- FAIL: TestA (1.00s)\nFAIL\n"
	require.Equal(t, []string{"TestA", "TestB"}, failures(out))
	require.Empty(t, failures("ok  \tx\t0.1s\n"))
}

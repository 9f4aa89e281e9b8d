package step_test

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of the steps into doc.go")

// declared is one constant of step.go.
type declared struct{ name, value, comment string }

// marked is one call of step.At.
type marked struct{ name, by string }

// function is one function of the host, with where it marks steps and where it
// has effects that last or that others see.
type function struct {
	name    string
	marks   []marked
	at      []token.Pos
	effects map[token.Pos]string
}

func constants(t *testing.T) []declared {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "step.go", nil, parser.ParseComments)
	require.NoError(t, err)
	var list []declared
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, s := range group.Specs {
			v := s.(*ast.ValueSpec)
			value, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			list = append(list, declared{v.Names[0].Name, value, strings.TrimSpace(v.Doc.Text())})
		}
	}
	return list
}

// effects are the calls after which something lasts or is seen by others, by
// what they are called on.
var effects = map[string][]string{
	"Store":    {"Commit", "Intake", "Cancel", "Sequence", "ClaimDue", "SavePause", "Resume"},
	"Engine":   {"Begin", "Cancel"},
	"Settings": {"Preflight"},
	"gateway":  {"Charge", "Refund"},
	"e":        {"commitAll", "look", "adjust"},
	"s":        {"query"},
	"tx":       {"Commit"},
}

// sources reads every function of the host.
func sources(t *testing.T) []function {
	t.Helper()
	var list []function
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				name := filepath.ToSlash(filepath.Join("host", filepath.Dir(strings.TrimPrefix(path, ".."+string(filepath.Separator))))) + "." + fn.Name.Name
				list = append(list, read(fn, name))
			}
		}
		return nil
	})
	require.NoError(t, err)
	return list
}

func read(fn *ast.FuncDecl, name string) function {
	f := function{name: name, effects: map[token.Pos]string{}}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		on := lastName(sel.X)
		if on == "step" && sel.Sel.Name == "At" {
			f.marks = append(f.marks, marked{lastName(call.Args[0]), name})
			f.at = append(f.at, call.Pos())
		}
		if slices.Contains(effects[on], sel.Sel.Name) {
			f.effects[call.Pos()] = on + "." + sel.Sel.Name
		}
		return true
	})
	return f
}

// lastName is what stands last in a.b.c.
func lastName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return ""
}

func TestEveryStepIsMarkedAndEveryMarkIsAStep(t *testing.T) {
	t.Parallel()
	var steps, marks []string
	for _, c := range constants(t) {
		steps = append(steps, c.name)
		require.True(t, strings.HasPrefix(c.comment, c.name+": "), "say what stands at %s", c.name)
	}
	for _, f := range sources(t) {
		for _, m := range f.marks {
			marks = append(marks, m.name)
		}
	}
	slices.Sort(steps)
	slices.Sort(marks)
	require.Equal(t, steps, slices.Compact(marks))
}

// A function that commits, or calls the gateway, and marks no step after that
// is one that the crash matrix never ends the host behind.
func TestEveryEffectIsFollowedByAStep(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, f := range sources(t) {
		if !slices.ContainsFunc(money, func(pkg string) bool { return strings.HasPrefix(f.name, pkg+".") }) {
			continue
		}
		for pos, effect := range f.effects {
			seen[effect] = true
			require.True(t, slices.ContainsFunc(f.at, func(at token.Pos) bool { return at > pos }) || leftToCaller[f.name],
				"%s has the effect of %s: mark a step after it", f.name, effect)
		}
	}
	// A list that nothing fits any more would hold nothing.
	for on, names := range effects {
		for _, name := range names {
			require.True(t, seen[on+"."+name] || notYet[on+"."+name], "no function calls %s.%s", on, name)
		}
	}
}

// money are the packages that decide about money, and write it down.
var money = []string{"host/database", "host/charge/chargedb", "host/engine", "host/order"}

// leftToCaller are functions that come back right after their effect to a
// caller that marks it.
var leftToCaller = map[string]bool{
	"host/engine.commitAll": true,
	"host/engine.look":      true,
}

// notYet are effects that nothing has so far, and that need a step when it does.
var notYet = map[string]bool{
	"gateway.Refund": true,
}

func TestTable(t *testing.T) {
	t.Parallel()
	by := map[string][]string{}
	for _, f := range sources(t) {
		for _, m := range f.marks {
			if !slices.Contains(by[m.name], m.by) {
				by[m.name] = append(by[m.name], m.by)
			}
		}
	}
	var table strings.Builder
	for _, c := range constants(t) {
		slices.Sort(by[c.name])
		_, meaning, _ := strings.Cut(strings.Join(strings.Fields(c.comment), " "), ": ")
		fmt.Fprintf(&table, "//   - %s (%s): %s\n", c.value, strings.Join(by[c.name], ", "), meaning)
	}
	content, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(content), "writes this table):\n//\n")
	require.True(t, ok)
	at := strings.Index(rest, "package step")
	require.NotEqual(t, -1, at)
	if *update {
		require.NoError(t, os.WriteFile("doc.go", []byte(head+"writes this table):\n//\n"+table.String()+rest[at:]), 0o600))
		return
	}
	require.Equal(t, table.String(), rest[:at], "run go generate ./host/step")
}

func TestTheValuesAreDifferent(t *testing.T) {
	t.Parallel()
	list := constants(t)
	slices.SortFunc(list, func(a, b declared) int { return cmp.Compare(a.value, b.value) })
	for i := range list[1:] {
		require.NotEqual(t, list[i].value, list[i+1].value)
	}
}

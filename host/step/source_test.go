package step_test

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
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

// call is one call of a function, on what comes before its name.
type call struct {
	on, name string
	at       token.Pos
}

// function is one function of the host, with what it calls and where it marks
// steps.
type function struct {
	name  string
	marks []marked
	at    []token.Pos
	calls []call
}

// of gives the function's own name, if it is one of the package.
func (f function) of(pkg string) (name string, ok bool) {
	name, ok = strings.CutPrefix(f.name, pkg+".")
	return name, ok && !strings.Contains(name, "/")
}

// unmarked gives the first of the calls that no mark follows.
func (f function) unmarked(effect func(call) bool) (call, bool) {
	for _, c := range f.calls {
		if effect(c) && !slices.ContainsFunc(f.at, func(at token.Pos) bool { return at > c.at }) {
			return c, true
		}
	}
	return call{}, false
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

// elsewhere are calls that reach the gateway, or begin to, in another package.
var elsewhere = map[string][]string{
	"Engine":   {"Begin", "Cancel"},
	"Settings": {"Preflight"},
	"tx":       {"Commit"}, // the COMMIT itself
}

// harmless are effects that no death can do harm after: of the stores, what is
// written about hosts and nothing else; of a gateway, what asks it for nothing.
var harmless = []string{"Bind", "Register", "Alive", "Describe", "ValidateSettings"}

// effects finds, by what they are called on, the calls after which something
// lasts or is seen by others: the methods of the stores that run a transaction,
// those of a gateway, and what is done elsewhere.
func effects(t *testing.T, all []function) map[string][]string {
	t.Helper()
	on := maps.Clone(elsewhere)
	for _, pkg := range []string{"host/charge/chargedb", "host/restore/restoredb"} {
		writes := map[string]bool{"Tx": true, "Do": true}
		for grown := true; grown; {
			grown = false
			for _, f := range all {
				if name, ok := f.of(pkg); ok && !writes[name] && slices.ContainsFunc(f.calls, func(c call) bool { return writes[c.name] }) {
					writes[name], grown = true, true
				}
			}
		}
		for name := range writes {
			if ast.IsExported(name) && name != "Tx" && name != "Do" {
				on["Store"] = append(on["Store"], name)
				on["Charges"] = append(on["Charges"], name)
			}
		}
	}
	on["gateway"] = methods(t, filepath.Join("..", "..", "shared", "payment"), "Gateway")
	for name, list := range on {
		on[name] = slices.DeleteFunc(list, func(s string) bool { return slices.Contains(harmless, s) })
	}
	require.Subset(t, on["Store"], []string{"Commit", "Intake", "ClaimDue", "SaveProgress", "Lift"}, "the stores are not where they were")
	require.Subset(t, on["gateway"], []string{"Charge", "Query", "Adjust"})
	return on
}

// methods lists those of an interface.
func methods(t *testing.T, dir, name string) (list []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == name {
				if i, ok := spec.Type.(*ast.InterfaceType); ok {
					for _, m := range i.Methods.List {
						for _, n := range m.Names {
							list = append(list, n.Name)
						}
					}
				}
			}
			return true
		})
	}
	return list
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
	f := function{name: name}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		var on string
		if sel, ok := c.Fun.(*ast.SelectorExpr); ok {
			on = lastName(sel.X)
		}
		called := lastName(c.Fun)
		if on == "step" && called == "At" {
			f.marks = append(f.marks, marked{lastName(c.Args[0]), name})
			f.at = append(f.at, c.Pos())
			return true
		}
		f.calls = append(f.calls, call{on, called, c.Pos()})
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
// is one that the crash matrix never ends the host behind. Where a function
// leaves that to whoever calls it in its package, each of those has the effect.
func TestEveryEffectIsFollowedByAStep(t *testing.T) {
	t.Parallel()
	all := sources(t)
	on := effects(t, all)
	seen := map[string]bool{}
	for _, pkg := range money {
		left := map[string]string{} // functions whose effect is their callers' to mark: whose it is first
		effect := func(c call) bool {
			direct := slices.Contains(on[c.on], c.name)
			if direct {
				seen[c.on+"."+c.name] = true
			}
			return direct || left[c.name] != "" && c.on != "Store"
		}
		for grown := true; grown; {
			grown = false
			for _, f := range all {
				name, ok := f.of(pkg)
				c, open := f.unmarked(effect)
				if !ok || !open || left[name] != "" {
					continue
				}
				called := slices.ContainsFunc(all, func(g function) bool {
					_, same := g.of(pkg)
					return same && slices.ContainsFunc(g.calls, func(c call) bool { return c.name == name })
				})
				from := left[c.name]
				if from == "" {
					from = fmt.Sprintf("%s.%s in %s", c.on, c.name, f.name)
				}
				require.True(t, called && !ast.IsExported(name), "no step is marked after %s, up to %s", from, f.name)
				left[name], grown = from, true
			}
		}
	}
	for name, list := range elsewhere {
		for _, called := range list {
			require.True(t, seen[name+"."+called], "no function calls %s.%s: the list holds what is not there", name, called)
		}
	}
}

// money are the packages that decide about money, and write it down.
var money = []string{"host/database", "host/charge/chargedb", "host/engine", "host/order", "host/restore", "host/restore/restoredb"}

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

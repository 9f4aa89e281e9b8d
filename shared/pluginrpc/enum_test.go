package pluginrpc

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Every word that package payment declares has a number, every number of the
// protocol has a word, and the zero values of both belong together.
func TestEnumsAreComplete(t *testing.T) {
	t.Parallel()
	declared := declaredWords(t)
	checkEnum(t, declared, outcomes)
	checkEnum(t, declared, settleModes)
	checkEnum(t, declared, statuses)
	checkEnum(t, declared, kinds)
	checkEnum(t, declared, modes)
	checkEnum(t, declared, faults)
	checkEnum(t, declared, declines)
	checkEnum(t, declared, actions)
	checkEnum(t, declared, levels)
	checkEnum(t, declared, fieldKinds)
	checkEnum(t, declared, owners)
	checkEnum(t, declared, errorKinds)
	require.Empty(t, declared, "types of words without a table here")
}

func checkEnum[D ~string, P interface {
	~int32
	protoreflect.Enum
}](t *testing.T, declared map[string][]string, e enum[D, P],
) {
	t.Helper()
	name := reflect.TypeFor[D]().Name()
	want := declared[name]
	delete(declared, name)
	require.NotEmpty(t, want, "%s: no words found in package payment", name)
	for _, word := range want {
		require.NotZero(t, e.toProto(D(word)), "%s %q has no number", name, word)
		require.Equal(t, D(word), e.fromProto(e.toProto(D(word))))
	}
	require.Len(t, e.numbers, len(want), name)

	var zero P
	values := zero.Descriptor().Values()
	for i := range values.Len() {
		number := values.Get(i).Number()
		if number == 0 {
			require.Empty(t, e.fromProto(0), name)
			continue
		}
		require.NotEmpty(t, e.fromProto(P(number)), "%s has no word for %s", name, values.Get(i).Name())
	}
	require.Zero(t, e.toProto("never heard of"), name)
	require.Zero(t, e.toProto(""), name)
}

// declaredWords reads the typed string constants of package payment, without
// the empty ones.
func declaredWords(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, name := range []string{"errors.go", "gateway.go", "outcome.go", "settings.go", "transaction.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), "../payment/"+name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			typ, ok := spec.Type.(*ast.Ident)
			literal, ok2 := spec.Values[0].(*ast.BasicLit)
			if !ok || !ok2 || literal.Kind != token.STRING {
				return true
			}
			word, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if word != "" {
				found[typ.Name] = append(found[typ.Name], word)
			}
			return true
		})
	}
	return found
}

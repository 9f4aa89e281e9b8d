package xmlblock_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock/xmlblocktest"
)

// texts are those that XML can say: no control characters, and not blank.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"1", "GBP", "<&>\"'", "]]>", " a\tb\r\nc ", "é\U0001f600", "&amp;", "<![CDATA[x]]>"}),
		rapid.StringOf(rapid.Rune()),
	).Filter(func(s string) bool {
		return utf8.ValidString(s) && strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff'
		})
	})
}

func names(paths map[string]string, except ...string) *rapid.Generator[string] {
	for _, name := range except {
		delete(paths, name)
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(paths)))
}

// A document of members that the table knows is the same out of JSON and XML.
func TestFormatsReadTheSame(t *testing.T) {
	t.Parallel()
	members := names(xmlblock.RequestPaths(), "requesttypedescription")
	fields := rapid.MapOfN(members, texts(), 0, 12)
	values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) map[string]any {
		v := map[string]any{"value": rapid.OneOf(texts(), rapid.Just("")).Draw(t, "value")}
		if rapid.Bool().Draw(t, "has symbol") {
			v["symbol"] = "IS"
		}
		return v
	}), 1, 3)
	types := rapid.SliceOfN(rapid.SampledFrom([]string{"AUTH", "ACCOUNTCHECK", "REFUND", "NONSENSE"}), 1, 3)
	request := rapid.Custom(func(t *rapid.T) map[string]any {
		out := map[string]any{}
		for name, text := range fields.Draw(t, "fields") {
			out[name] = text
		}
		if rapid.Bool().Draw(t, "has types") {
			out["requesttypedescriptions"] = types.Draw(t, "types")
		}
		if rapid.Bool().Draw(t, "has filter") {
			out["filter"] = rapid.MapOfN(members, values, 0, 4).Draw(t, "filter")
		}
		if rapid.Bool().Draw(t, "has updates") {
			out["updates"] = fields.Draw(t, "updates")
		}
		return out
	})
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(map[string]any{
			"alias": texts().Draw(t, "alias"), "version": "3.67", "request": rapid.SliceOfN(request, 1, 3).Draw(t, "requests"),
		})
		require.NoError(t, err)
		want, err := wire.Parse(string(text))
		require.NoError(t, err)
		block, err := xmlblocktest.Request(want)
		require.NoError(t, err)
		got, err := xmlblock.Parse(block)
		require.NoError(t, err, block)
		require.Empty(t, cmp.Diff(sorted(want), sorted(got), cmpopts.EquateEmpty()), block)
	})
}

// sorted puts members into one order: XML groups them by its own.
func sorted(v wire.Value) wire.Value {
	for i := range v.Items {
		v.Items[i] = sorted(v.Items[i])
	}
	for i := range v.Members {
		v.Members[i].Value = sorted(v.Members[i].Value)
	}
	slices.SortStableFunc(v.Members, func(a, b wire.Member) int { return strings.Compare(a.Name, b.Name) })
	return v
}

// An envelope of members that the table knows says the same in JSON and XML.
func TestFormatsWriteTheSame(t *testing.T) {
	t.Parallel()
	answers := rapid.Custom(func(t *rapid.T) wire.Fields {
		var f wire.Fields
		for name, text := range rapid.MapOfN(names(xmlblock.AnswerPaths(), "errordata"), texts(), 0, 12).Draw(t, "fields") {
			f = append(f, wire.Text(name, text))
		}
		if data := rapid.SliceOfN(texts(), 0, 3).Draw(t, "errordata"); len(data) > 0 {
			f = append(f, wire.List("errordata", data...))
		}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		elements := rapid.SliceOfN(answers, 1, 3).Draw(t, "answers")
		if records := rapid.SliceOfN(answers, 0, 3).Draw(t, "records"); len(records) > 0 {
			elements[0] = append(elements[0], wire.Objects("records", records))
		}
		envelope := wire.Fields{
			wire.Text("requestreference", texts().Draw(t, "reference")), wire.Text("version", xmlblock.Version),
			wire.Objects(rapid.SampledFrom([]string{"response", "responses"}).Draw(t, "key"), elements), wire.Text("secrand", "x"),
		}
		got, err := xmlblocktest.Answer(string(xmlblock.Append(nil, envelope)))
		require.NoError(t, err)
		envelope[2].Name = "response"
		require.JSONEq(t, string(envelope.Append(nil)), string(got))
	})
}

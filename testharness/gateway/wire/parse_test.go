package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// plain turns a Value into what encoding/json would have made of it.
func plain(v wire.Value) any {
	switch v.Kind {
	case wire.Null:
		return nil
	case wire.Bool:
		return v.Text == "true"
	case wire.Number:
		return json.Number(v.Text)
	case wire.String:
		return v.Text
	case wire.Array:
		out := make([]any, len(v.Items))
		for i := range v.Items {
			out[i] = plain(v.Items[i])
		}
		return out
	case wire.Object:
		out := make(map[string]any, len(v.Members))
		for _, m := range v.Members {
			out[m.Name] = plain(m.Value)
		}
		return out
	default:
		return errors.New("absent")
	}
}

func decode(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var want any
	require.NoError(t, d.Decode(&want))
	return want
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, ` [ ] `, `null`, `true`, `false`, `"a"`, `0`, `-0.5e+10`, `12`,
		`{"a":"b","c":[1,"2",{"d":null}],"a":"last"}`,
		`"\u00e9\ud83d\ude00\ud800x\n\/\\\""`, `"\ud800\u0041"`, `"\ud800\ud800\udc00"`, "\t{\"é\" : \"ü\"}\r\n",
	} {
		v, err := wire.Parse(text)
		require.NoError(t, err, text)
		require.Empty(t, cmp.Diff(decode(t, text), plain(v)), text)
	}
}

func TestParseErrSyntax(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, ` `, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[1 2]`, `{a:1}`, `'a'`, `01`, `1.`, `.5`, `1e`, `-`, `+1`,
		`tru`, `nul`, `"a`, `"\x"`, `"\u12"`, `"\u12zz"`, `"\`, "\"a\nb\"", `{} {}`, `[1]]`, `NaN`, "\ufeff{}", `{"a":1`, `"\ud800\uzz"`,
	} {
		_, err := wire.Parse(text)
		require.ErrorIs(t, err, wire.ErrSyntax, text)
		require.False(t, json.Valid([]byte(text)), text)
	}
}

func TestParseErrLimit(t *testing.T) {
	t.Parallel()
	_, err := wire.Parse(strings.Repeat("[", wire.MaxDepth) + strings.Repeat("]", wire.MaxDepth))
	require.NoError(t, err)
	_, err = wire.Parse(strings.Repeat("[", wire.MaxDepth+1) + strings.Repeat("]", wire.MaxDepth+1))
	require.ErrorIs(t, err, wire.ErrLimit)
	_, err = wire.Parse("[" + strings.Repeat("0,", wire.MaxValues) + "0]")
	require.ErrorIs(t, err, wire.ErrLimit)
}

func TestGetTakesLastOfSeveral(t *testing.T) {
	t.Parallel()
	v, err := wire.Parse(`{"a":"1","b":2,"a":"3"}`)
	require.NoError(t, err)
	require.Equal(t, "3", v.Get("a").Text)
	require.Equal(t, wire.Number, v.Get("b").Kind)
	require.Equal(t, wire.Absent, v.Get("c").Kind)
}

// FuzzJSON compares the parser with encoding/json: both accept the same
// documents, and read the same out of them.
func FuzzJSON(f *testing.F) {
	f.Add(`{"alias":"a@example.com","version":"1.00","request":[{"requesttypedescriptions":["AUTH"],"baseamount":"1050"}]}`)
	f.Add(`{"request":[{"filter":{"sitereference":[{"value":"s"}],"orderreference":{"value":"o"}}}]}`)
	f.Add(`["\ud83d\ude00",-1.5E-3,true,null,{}]`)
	f.Add(`{"a":"\u00`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("the caller refuses what is not UTF-8")
		}
		v, err := wire.Parse(text)
		if errors.Is(err, wire.ErrLimit) {
			return
		}
		require.Equal(t, json.Valid([]byte(text)), err == nil, "accepted")
		if err == nil {
			require.Empty(t, cmp.Diff(decode(t, text), plain(v)))
		}
	})
}

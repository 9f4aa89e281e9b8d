package webservices

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestDecode_OK(t *testing.T) {
	t.Parallel()
	const body = `{
		"requestreference": "Aabcdefgh", "version": "1.00", "secrand": "q7Zk", "headers": {"x": [1, {"y": []}]},
		"responses": [
			{"errorcode": 30000, "errordata": ["orderreference", 7, null, []], "live": true, "nothing": null, "object": {"a": {"b": 1}}, "list": [1, [2]]},
			{"errorcode": "0", "errordata": "None", "found": "1", "records": [{"errorcode": "70000", "settlestatus": 3}]},
			{"records": null, "errordata": null}
		]
	}`
	got, err := decode(jsonCodec{}, []byte(body))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(Answer{
		RequestReference: "Aabcdefgh",
		Elements: []Element{
			{Fields: map[string]string{"errorcode": "30000", "live": "true"}, ErrorData: []string{"orderreference", "7"}},
			{
				Fields: map[string]string{"errorcode": "0", "found": "1"}, ErrorData: []string{"None"},
				Records: []Element{{Fields: map[string]string{"errorcode": "70000", "settlestatus": "3"}}},
			},
			{Fields: map[string]string{}},
		},
	}, got))
	require.True(t, got.Elements[1].Has("found"))
	require.False(t, got.Elements[0].Has("found"))
}

func TestDecode_Err(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, body, want string }{
		{"empty", ``, "it is not JSON, or cut off"},
		{"cut off", `{"response":[{"errorcode":"0"`, "it is not JSON, or cut off"},
		{"not JSON", `<html>secret</html>`, "it is not JSON, or cut off"},
		{"endless members", `{"response":[{` + members(300) + `}]}`, "an object has too many members"},
		{"twice by escape", `{"response":[{"errorcode":"70000","error\u0063ode":"0"}]}`, "a member occurs twice"},
		{"a list", `[]`, `'{' expected`},
		{"no responses", `{"requestreference":"A"}`, "no list of responses"},
		{"both lists", `{"response":[],"responses":[]}`, "two lists of responses"},
		{"not a list", `{"response":{"errorcode":"0"}}`, `'[' expected`},
		{"not objects", `{"response":["0"]}`, `'{' expected`},
		{"a member twice", `{"response":[{"errorcode":"70000","errorcode":"0"}]}`, "a member occurs twice"},
		{"more after the end", `{"response":[]}{"response":[]}`, "it is not JSON, or cut off"},
		{"too deep", `{"response":[{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}]}`, "it is nested too deeply"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(jsonCodec{}, []byte(tc.body))
			require.ErrorIs(t, err, ErrAnswer)
			require.EqualError(t, err, "the answer can't be read: "+tc.want)
		})
	}
}

func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":0`, i)
	}
	return b.String()[1:]
}

func TestDecode_OK_OddText(t *testing.T) {
	t.Parallel()
	got, err := decode(jsonCodec{}, []byte("{\"response\":[ {\"a\" : \"x\\\"\\u00e9\\\\\" , \"b\":\"\xe9\",\"c\":-1.5e3 ,\"d\":\"ü\"}\n]}"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": `x"é\`, "b": "\uFFFD", "c": "-1.5e3", "d": "ü"}, got.Elements[0].Fields)
}

// FuzzDecode compares with the library's reading, which is right wherever no
// name occurs twice.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(okBody("Aabcdefgh")))
	f.Add([]byte(`{"response":[{"errorcode":0,"errordata":"x","found":"2","records":[{"a":null},{}]}]}`))
	f.Add([]byte(`{"responses":[]}`))
	f.Add([]byte(`{"response":[{"errorcode":"0","errorcode":"1"}]}`))
	f.Add([]byte(`{"response":[[[[[[[[[[[[[[[[[[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := decode(jsonCodec{}, body)
		if err != nil {
			require.ErrorIs(t, err, ErrAnswer)
			require.Empty(t, a)
			return
		}
		if !utf8.Valid(body) {
			return // the library replaces broken characters in another number
		}
		var want map[string]any
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		require.NoError(t, d.Decode(&want))
		if s, isText := want["requestreference"].(string); isText {
			require.Equal(t, s, a.RequestReference)
		}
		list, _ := want["response"].([]any)
		if list == nil {
			list, _ = want["responses"].([]any)
		}
		require.Len(t, a.Elements, len(list))
		for i, e := range a.Elements {
			for name, value := range list[i].(map[string]any) {
				text, isText := value.(string)
				if number, isNumber := value.(json.Number); isNumber {
					text, isText = number.String(), true
				}
				if isText && name != "errordata" && name != "records" {
					require.Equal(t, text, e.Get(name))
				}
			}
		}
	})
}

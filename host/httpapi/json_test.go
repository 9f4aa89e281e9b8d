package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestReadJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`: "",
		`[]`:                                  "",
		`"é👩 \u00e9 \ud83d\udc69"`:            "",
		`{"a":{"a":{"a":[]}},"b":"a"}`:        "",
		`{"a":1,"a":1}`:                       `the name "a" is there twice in one object; send it once`,
		`{"a":1,"\u0061":1}`:                  `the name "a" is there twice`,
		`{"x":{"a":1,"b":{},"a":[]}}`:         `the name "a" is there twice`,
		`[{"a":[{"b":1}],"c":{"d":1},"c":2}]`: `the name "c" is there twice`,
		`{"` + strings.Repeat("x", 99) + `":1,"` + strings.Repeat("x", 99) + `":1}`: "is there twice",
		"{\"a\":\"\xff\"}":     "it holds text that is not UTF-8",
		"{\"\xff\":1}":         "it holds text that is not UTF-8",
		`{"a":"\ud800"}`:       "it holds text that is not UTF-8",
		`{"a":"\udc69\ud83d"}`: "it holds text that is not UTF-8",
		"{\"a\":\"\ufffd\"}":   "the sign U+FFFD that stands for a lost character",
		`{"a":1}{"a":1}`:       "it is not JSON: invalid character '{' after top-level value, at byte 8",
		`{"a":1`:               "it is not JSON: unexpected end of JSON input",
		`{"a":01}`:             "it is not JSON",
		`{a:1}`:                "it is not JSON",
		`{'a':1}`:              "it is not JSON",
		`{"a":1,}`:             "it is not JSON",
		`{"a":NaN}`:            "it is not JSON",
		"{\"a\":\"\n\"}":       "it is not JSON",
		``:                     "it is not JSON",
		"\ufeff{}":             "it is not JSON",
	} {
		var v any
		err := readJSON([]byte(text), &v)
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.ErrorContains(t, err, want, text)
		}
	}
}

// What is wrong with a value is told without the value.
func TestReadJSONKeepsValuesBack(t *testing.T) {
	t.Parallel()
	var body struct {
		Amount struct {
			Minor int64 `json:"minor"`
		} `json:"amount"`
		Password string `json:"password"`
	}
	require.EqualError(t, readJSON([]byte(`{"amount":{"minor":12.0}}`), &body),
		"amount.minor: it must be a whole number, written without a decimal point or an exponent")
	err := readJSON([]byte(`{"password":123456}`), &body)
	require.EqualError(t, err, "password: it must not be a number")
	require.NotContains(t, err.Error(), "123456")
}

// Whatever is taken means one thing: it is the same however often it is
// written and read.
func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{
		`{"channel":"c","reference":"r","placed_at":"2026-01-31T09:30:00Z","parts":[{"fulfiller":"f","amount":{"minor":1250,"currency":"GBP"}}]}`,
		`{"a":1,"a":2}`, `{"a":{"a":[{"a":1},"a",null,true,1e3]}}`, `"\ud83d"`, "\"\xff\"", `[[[]]]`, `{"":{"":1}}`, ` 1 `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if readJSON(data, &v) != nil {
			return
		}
		require.True(t, json.Valid(data))
		written, err := json.Marshal(v)
		require.NoError(t, err)
		var again any
		require.NoError(t, readJSON(written, &again))
		require.Empty(t, cmp.Diff(v, again))
		// As many names as were sent are there still: none took another's place.
		require.Equal(t, countNames(t, data), countNames(t, written))
	})
}

func countNames(t *testing.T, data []byte) int {
	t.Helper()
	var n int
	var walk func(d *json.Decoder)
	walk = func(d *json.Decoder) {
		token, err := d.Token()
		require.NoError(t, err)
		open, ok := token.(json.Delim)
		if !ok {
			return
		}
		for d.More() {
			if open == '{' {
				_, err := d.Token()
				require.NoError(t, err)
				n++
			}
			walk(d)
		}
		_, err = d.Token()
		require.NoError(t, err)
	}
	walk(json.NewDecoder(strings.NewReader(string(data))))
	return n
}

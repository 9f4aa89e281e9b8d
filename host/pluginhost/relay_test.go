package pluginhost

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
)

// relayed gives the lines that come out of a relay, without their times.
func relayed(t *testing.T, input string) []map[string]any {
	t.Helper()
	s := &sink{}
	r := &relay{log: s.logger()}
	n, err := r.Write([]byte(input))
	require.NoError(t, err)
	require.Equal(t, len(input), n)
	var lines []map[string]any
	for line := range strings.Lines(s.String()) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		delete(entry, "@timestamp")
		lines = append(lines, entry)
	}
	return lines
}

func TestRelay(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine+1)
	for name, test := range map[string]struct {
		input string
		want  []map[string]any
	}{
		"kit": {
			`{"@level":"info","@message":"hello","@timestamp":"2026-01-01T00:00:00Z","@module":"m","count":3,"list":[1]}` + "\n",
			[]map[string]any{{"@level": "info", "@message": "hello", "module": "m", "count": 3.0, "list": "[1]"}},
		},
		"two in pieces": {"one\ntw", []map[string]any{{"@level": "warn", "@message": "one"}}},
		"empty lines":   {"\n\r\n  \n", nil},
		"message of another kind": {
			`{"@message":1}` + "\n", []map[string]any{{"@level": "warn", "@message": `{"@message":1}`}},
		},
		"level of another kind": {
			`{"@message":"m","@level":[]}` + "\n", []map[string]any{{"@level": "warn", "@message": `{"@message":"m","@level":[]}`}},
		},
		"level unheard of": {
			`{"@message":"m","@level":"loud"}` + "\n", []map[string]any{{"@level": "warn", "@message": `{"@message":"m","@level":"loud"}`}},
		},
		"not UTF-8": {"a\xffb\n", []map[string]any{{"@level": "warn", "@message": "a\uFFFDb"}}},
		"too long":  {long + "yz\nnext\n", []map[string]any{{"@level": "warn", "@message": long[:maxLine], "cut_after_bytes": float64(maxLine)}, {"@level": "warn", "@message": "next"}}},
		"panic": {"panic: oh\n\ngoroutine 1:\n", []map[string]any{
			{"@level": "error", "@message": "panic: oh"}, {"@level": "error", "@message": "goroutine 1:"},
		}},
		"secrets": {
			`{"@level":"warn","@message":"login with password=abc, then","api_key":"abc","card":"4111111111111111","nested":{"token":"abc"}}` + "\n",
			[]map[string]any{{
				"@level": "warn", "@message": "login with password=********, then", "api_key": "********",
				"card": "411111######1111", "nested": `{"token":********}`,
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, relayed(t, test.input))
		})
	}
}

func TestRelayBoundsPairs(t *testing.T) {
	t.Parallel()
	entry := map[string]any{"@level": "info", "@message": "m"}
	for i := range 100 {
		entry[strings.Repeat("k", i+1)] = i
	}
	line, err := json.Marshal(entry)
	require.NoError(t, err)
	got := relayed(t, string(line)+"\n")
	require.Len(t, got, 1)
	require.Len(t, got[0], 2+maxPairs+1)
	require.Equal(t, true, got[0]["more_pairs"])
}

func TestRelayLastWords(t *testing.T) {
	t.Parallel()
	r := &relay{log: hclog.NewNullLogger()}
	_, _ = r.Write([]byte(`{"@level":"error","@message":"it failed","error":"no licence"}` + "\n" + `{"@level":"info","@message":"bye"}` + "\n"))
	require.Equal(t, "it failed: no licence", r.lastWords())
	_, _ = r.Write([]byte("panic: oh\n\ngoroutine 1 [running]:\nmain.main()\n"))
	require.Equal(t, "panic: oh", r.lastWords())
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"nothing here":                         "nothing here",
		"Authorization: Basic dXNlcjpwYXNz":    "Authorization: ******** ********",
		"got Bearer abc.def-ghi":               "got Bearer ********",
		`"password": "a \" b", "x": 1`:         `"password": ********, "x": 1`,
		`{\"password\":\"abc\",\"x\":1}`:       `{\"password\":********,\"x\":1}`,
		"user_password=abc&x=1":                "user_password=********&x=1",
		"span=12 timespan: 5":                  "span=12 timespan: 5",
		"pan=4111111111111111":                 "pan=********",
		"card 4111 1111 1111 1111.":            "card 4111 1######1111.",
		"order 1234567890123456":               "order 1234567890123456",
		"transaction 57-9-1234567 of site_123": "transaction 57-9-1234567 of site_123",
	} {
		require.Equal(t, want, redact(in))
	}
}

func FuzzRelay(f *testing.F) {
	f.Add([]byte(`{"@message":1}`+"\n"), 3)
	f.Add([]byte(`{"@level":"info","@message":"m","password":"hunter2hunter2","a":{"b":[null]}}`+"\n"), 7)
	f.Add([]byte("panic: x\ngoroutine\n\xff\x00\n"), 1)
	f.Fuzz(func(t *testing.T, input []byte, cut int) {
		s := &sink{}
		r := &relay{log: s.logger()}
		cut = min(max(cut, 0), len(input))
		_, _ = r.Write(input[:cut])
		_, _ = r.Write(input[cut:])
		_, _ = r.Write([]byte("\n"))
		for line := range strings.Lines(s.String()) {
			require.True(t, json.Valid([]byte(line)), line)
			require.NotContains(t, line, `"password":"hunter2hunter2"`)
		}
		require.LessOrEqual(t, len(r.lastWords()), maxWords+3)
	})
}

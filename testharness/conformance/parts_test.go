package conformance

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseProfile(t *testing.T) {
	t.Parallel()
	text, err := BuiltinProfile("example")
	require.NoError(t, err)
	for want, change := range map[string][2]string{
		"":                              {"", ""},
		"field nonsense not found":      {"name: example", "name: example\nnonsense: 1"},
		"name is missing":               {"name: example", ""},
		"give one of start":             {`start: ["${plugin}", sandbox]`, ""},
		"ledger_reference go together":  {"ledger: ${ledger}", ""},
		"amount: amount not acceptable": {"minor: 1050", "minor: 0"},
		"the settings have no other":    {"secrets: [key]", "secrets: [other]"},
		"expects one of":                {"expect: held", "expect: success"},
		"must be recorded or at_once":   {"settle: at_once", "settle: later"},
	} {
		require.Contains(t, string(text), change[0], want)
		_, err := ParseProfile([]byte(strings.Replace(string(text), change[0], change[1], 1)))
		if want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
	for want, never := range map[string]string{
		"there is no case outcome.other": "never: {outcome.other: it has none}",
		"outcome.held needs a reason":    "never: {outcome.held: ''}",
	} {
		_, err := ParseProfile([]byte(string(text) + never + "\n"))
		require.ErrorContains(t, err, want)
	}
	p, err := ParseProfile([]byte(string(text) + "never: {outcome.held: it has none}\n"))
	require.NoError(t, err)
	for _, c := range Cases(p) {
		require.NotEqual(t, "outcome.held", c.Name)
	}
}

func TestSecretsAreFoundInEveryForm(t *testing.T) {
	t.Parallel()
	s := newSecrets([]string{"open sesame/4711", "abc", ""})
	for _, text := range []string{
		"the key is open sesame/4711.", "key=open+sesame%2F4711",
		"Basic " + base64.StdEncoding.EncodeToString([]byte("u:open sesame/4711")),
		"Basic " + base64.StdEncoding.EncodeToString([]byte("us:open sesame/4711")),
		"Basic " + base64.StdEncoding.EncodeToString([]byte("use:open sesame/4711")),
	} {
		require.True(t, s.in(text), text)
		require.False(t, s.in(s.mask(text)), text)
	}
	require.False(t, s.in("abc, an open sesame, and Basic "+base64.StdEncoding.EncodeToString([]byte("u:another word"))))
}

func TestHandshakeLine(t *testing.T) {
	t.Parallel()
	c, err := newCertificate()
	require.NoError(t, err)
	der := base64.RawStdEncoding.EncodeToString(c.pair.Certificate[0])
	at, err := parseLine("1|1|unix|/s|grpc|" + der + "\n")
	require.NoError(t, err)
	require.Equal(t, "/s", at.path)
	for line, want := range map[string]string{
		"": "there is none", "hello": "six parts", "1|1|unix|/s|grpc": "six parts", "2|1|unix|/s|grpc|" + der: "first part",
		"1|x|unix|/s|grpc|" + der: "second part", "1|1|pipe|/s|grpc|" + der: "third part", "1|1|unix|/s|netrpc|" + der: "fifth part",
		"1|1|unix|/s|grpc|": "sixth part", "1|1|unix|/s|grpc|!": "sixth part", "1|1|unix|/s|grpc|AAAA": "holds no certificate",
	} {
		_, err := parseLine(line)
		require.ErrorContains(t, err, want)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := Report{Profile: "p", LeftOut: map[string]string{"d": "it has none"}, Results: []Result{
		{Case: "a", Verdict: Passed}, {Case: "b", Verdict: Failed, Reason: "why", Look: "there"}, {Case: "c", Verdict: NotExamined, Reason: "no means"},
	}}
	require.Equal(t, Summary{Cases: 3, Passed: 1, Failed: []string{"b"}, NotExamined: []string{"c"}}, r.Summary())
	var text, junit bytes.Buffer
	require.NoError(t, r.Print(&text))
	require.Contains(t, text.String(), "left out      d: it has none")
	require.Contains(t, text.String(), "3 cases, 1 passed, 1 failed, 1 not examined")
	require.NoError(t, r.JUnit(&junit))
	require.Contains(t, junit.String(), `<testsuite name="conformance p" tests="3" failures="1" skipped="1"`)
	require.Contains(t, junit.String(), `<failure message="why">`)
	require.Contains(t, junit.String(), `<skipped message="no means">`)
}

func TestCaptureIsBounded(t *testing.T) {
	t.Parallel()
	var c capture
	for range 5 {
		n, err := c.Write(make([]byte, 1<<20))
		require.NoError(t, err)
		require.Equal(t, 1<<20, n)
	}
	require.Len(t, c.String(), maxCapture)
}

package record_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/record"
)

// compare compares and returns the differences of each exchange.
func compare(t *testing.T, file string, against record.Against) (record.Report, []record.Result) {
	t.Helper()
	var results []record.Result
	report, err := record.Compare(t.Context(), record.CompareConfig{File: file, Against: against, OnResult: func(r record.Result) { results = append(results, r) }})
	require.NoError(t, err)
	return report, results
}

// running is a simulator to compare with that is started apart.
func running(t *testing.T, change ...func(*gateway.Config)) record.Against {
	t.Helper()
	_, s := standIn(t, change...)
	return record.Against{URL: s.JSONURL(), Roots: s.CAPool(), Admin: s.AdminURL()}
}

func TestCompareSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.session()
	b.close()
	report, results := compare(t, b.file, record.Against{})
	for _, r := range results {
		require.Empty(t, r.Differences, r)
		require.Empty(t, r.Skipped, r)
	}
	require.Equal(t, record.Report{Exchanges: 10, Same: 10}, report)
	g, s := standIn(t)
	report, results = compare(t, b.file, record.Against{URL: s.JSONURL(), Roots: s.CAPool(), Admin: s.AdminURL()})
	require.Equal(t, record.Report{Exchanges: 10, Same: 10}, report, results)
	require.Len(t, g.Ledger(), len(b.g.Ledger()), "one stored card for all that name it")
}

func TestCompareDifferent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.session()
	file := b.close()
	for _, c := range []struct {
		fault gateway.Fault
		want  string
	}{
		{gateway.Fault{Effect: "responses_key", Type: "AUTH"}, `envelope response: the gateway has the field, the simulator not`},
		{gateway.Fault{Effect: "wrong_amount", Type: "AUTH"}, `AUTH baseamount: the gateway has "1050", the simulator`},
		{gateway.Fault{Effect: "code", Type: "AUTH", Code: "70000"}, `AUTH errorcode: the gateway has "0", the simulator "70000"`},
		{gateway.Fault{Effect: "extra_element", Type: "AUTH"}, `envelope answers: the gateway has "1", the simulator "2"`},
		{gateway.Fault{Effect: "wrong_reference"}, `envelope requestreference: the gateway has the caller's, the simulator one of its own`},
		{gateway.Fault{Effect: "server_error", Type: "AUTH"}, `http status: the gateway has "200", the simulator "500"`},
		{gateway.Fault{Effect: "query_empty"}, `TRANSACTIONQUERY found: the gateway has "1", the simulator "0"`},
	} {
		report, results := compare(t, b.file, running(t, func(cfg *gateway.Config) { cfg.Faults = []gateway.Fault{c.fault} }))
		require.Positive(t, report.Different, c.want)
		require.Equal(t, 10, report.Exchanges)
		require.Contains(t, lines(results), c.want)
	}

	// A field that the simulator does not know, and one that it should not give.
	changed := strings.ReplaceAll(file, `"livestatus":"0"`, `"newfield":"0"`)
	require.NotEqual(t, file, changed)
	name := filepath.Join(t.TempDir(), "changed.jsonl")
	require.NoError(t, os.WriteFile(name, []byte(changed), 0o600))
	report, results := compare(t, name, record.Against{})
	require.Contains(t, lines(results), "AUTH newfield: the gateway has the field, the simulator not")
	require.Contains(t, lines(results), "AUTH livestatus: the gateway has not, the simulator the field")
	var findings []string
	for _, f := range report.Findings {
		findings = append(findings, f.String())
	}
	require.Contains(t, findings, "the gateway gives newfield in AUTH record answers (2 of 2), the simulator never does", findings)
}

func lines(results []record.Result) string {
	var out strings.Builder
	for _, r := range results {
		for _, d := range r.Differences {
			out.WriteString(d.String() + "\n")
		}
	}
	return out.String()
}

func TestCompareErrors(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "recording.jsonl")
	_, err := record.Compare(t.Context(), record.CompareConfig{File: name})
	require.ErrorContains(t, err, "read recording")
	require.NoError(t, os.WriteFile(name, []byte("{}\n"), 0o600))
	_, err = record.Compare(t.Context(), record.CompareConfig{File: name})
	require.ErrorContains(t, err, "is no recording of version 1")
}

package gateway_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// What arrives is remembered whatever comes of it, and outlives the process
// with its journal.
func TestCalls(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	keep := func(c *gateway.Config) { c.Calls, c.Journal = 10, path }
	b := setup(t, keep)
	parent := b.mint()
	b.ask1(auth(parent))
	b.clock.move(time.Second)
	b.ask1(fields{
		"requesttypedescriptions": []string{"TRANSACTIONUPDATE"},
		"filter":                  fields{"transactionreference": []fields{{"value": "55-9-1"}}, "orderreference": []fields{{"value": "other"}}},
		"updates":                 fields{"settlestatus": "3"},
	})
	b.ask1(auth("55-9-404").with(fields{"orderreference": "refused"}))
	want := []gateway.Call{
		{At: begin, HTTP: 1, Type: "AUTH", Orders: []string{auth("")["orderreference"].(string)}},
		{At: begin.Add(time.Second), HTTP: 2, Type: "TRANSACTIONUPDATE", Orders: []string{"other"}, Transactions: []string{"55-9-1"}, To: "3"},
		{At: begin.Add(time.Second), HTTP: 3, Type: "AUTH", Orders: []string{"refused"}},
	}
	require.ElementsMatch(t, want, b.g.Calls().Calls)
	require.Len(t, b.admin("GET", "/calls", "", 200)["calls"], 3)

	again := setup(t, keep)
	require.Equal(t, b.g.Calls(), again.g.Calls())
	again.ask1(auth(parent))
	require.EqualValues(t, 4, again.g.Calls().Calls[3].HTTP)
	require.NoError(t, again.g.Reset(t.Context()))
	require.Empty(t, again.g.Calls().Calls)
}

// Only the newest are kept, and it is told that older ones are gone.
func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *gateway.Config) { c.Calls = 5 })
	parent := b.mint()
	for range 23 {
		b.ask1(auth(parent))
	}
	got := b.g.Calls()
	require.Less(t, len(got.Calls), 10)
	require.GreaterOrEqual(t, len(got.Calls), 5)
	require.EqualValues(t, 23, got.Dropped+int64(len(got.Calls)))
	require.EqualValues(t, 23, got.Calls[len(got.Calls)-1].HTTP)

	none := setup(t)
	none.ask1(auth(none.mint()))
	require.Empty(t, none.g.Calls().Calls)
}

package demo

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/verdict"
)

// Machines read the last line: its members and their order are fixed.
func TestSummaryLine(t *testing.T) {
	t.Parallel()
	s := Summary{Orders: 9, Authorised: 8, Settled: 7, Declined: 6, NeedsPerson: 5, Unknown: 4, ChargedTwice: 3, Lost: 2, Matches: true}
	require.Equal(t, `{"orders":9,"authorised":8,"settled":7,"declined":6,"needs_person":5,`+
		`"unknown":4,"charged_twice":3,"lost":2,"ledger_matches_gateway":true}`, s.String())
}

func TestCheckHoldsAnOrderAgainstItsStory(t *testing.T) {
	t.Parallel()
	charge := func(change func(*client.Detail)) client.Detail {
		c := client.Detail{Charge: client.Charge{ID: "c", State: "settled", Produce: "yes", Amount: sterling(2499), Attempts: 1}}
		change(&c)
		return c
	}
	there := []verdict.Holding{{ID: "t1", Status: gateway.StatusSettled, Good: true, Amount: sterling(2499)}}

	tests := map[string]struct {
		charge  client.Detail
		gateway []verdict.Holding
		want    []string
	}{
		"OK":       {charge: charge(func(*client.Detail) {}), gateway: there},
		"state":    {charge: charge(func(c *client.Detail) { c.State = "released" }), gateway: there, want: []string{"state is released, not settled"}},
		"produce":  {charge: charge(func(c *client.Detail) { c.Produce = "wait" }), gateway: there, want: []string{"produce is wait, not yes"}},
		"amount":   {charge: charge(func(c *client.Detail) { c.Amount.Minor++ }), gateway: there, want: []string{"its amount is 25.00 GBP, not 24.99 GBP"}},
		"attempts": {charge: charge(func(c *client.Detail) { c.Attempts = 2 }), gateway: there, want: []string{"attempts made: 2, not 1"}},
		"person": {
			charge: charge(func(c *client.Detail) { c.NeedsPerson = &client.NeedsPerson{Case: "held"} }), gateway: there,
			want: []string{"a person sees to held, not nothing"},
		},
		"gateway": {charge: charge(func(*client.Detail) {}), want: []string{"the gateway holds nothing, not settled"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &order{story: story{minor: 2499, want: settled}, id: "o"}
			e := &ending{
				summary: Summary{Matches: true}, orders: []*order{o},
				charges: map[string]client.Detail{"o": test.charge}, gateway: map[string][]verdict.Holding{"c": test.gateway},
			}
			e.check(o)
			require.Equal(t, test.want, o.wrong)
			require.Equal(t, len(test.want) == 0, e.good())
		})
	}
}

func TestGoodTakesAllOfIt(t *testing.T) {
	t.Parallel()
	require.True(t, (&ending{summary: Summary{Matches: true}}).good())
	for _, s := range []Summary{{}, {Matches: true, Unknown: 1}, {Matches: true, ChargedTwice: 1}, {Matches: true, Lost: 1}} {
		require.False(t, (&ending{summary: s}).good(), s)
	}
}

func TestAnOrderWithoutAChargeIsNotGood(t *testing.T) {
	t.Parallel()
	o := &order{story: story{want: settled}, id: "o"}
	e := &ending{summary: Summary{Matches: true}, orders: []*order{o}}
	e.check(o)
	require.Equal(t, []string{"it has no charge"}, o.wrong)
	require.False(t, e.good())
}

func TestTableIsReadableWithoutColours(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := &screen{w: &b}
	s.table([]string{"order", "mark"}, [][]string{{"plain-1", "ok"}, {"ü", "ok"}}, func(int, int) colour { return green })
	require.Equal(t, "  order    mark\n  plain-1  ok\n  ü        ok\n", b.String())
}

package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// chain asks for several types in one element and returns their answers.
func (b *bench) chain(element fields, types ...string) []map[string]any {
	b.t.Helper()
	return b.askAny(element.with(fields{"requesttypedescriptions": types, "requesttypedescription": nil}))
}

func TestChainTakesTheFirstAsParent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, element := range map[string]fields{"by card": direct(testCard), "by parent": auth(b.mint())} {
		answers := b.chain(element, "ACCOUNTCHECK", "AUTH")
		require.Len(t, answers, 2, name)
		require.Equal(t, "ACCOUNTCHECK", answers[0]["requesttypedescription"], name)
		require.Equal(t, "AUTH", answers[1]["requesttypedescription"], name)
		require.Equal(t, "0", answers[1]["errorcode"], name)
		require.Equal(t, answers[0]["transactionreference"], answers[1]["parenttransactionreference"], name)
		require.Equal(t, "411111######1111", answers[1]["maskedpan"], name)
		require.NotContains(t, answers[1], "customeroutput", name)
	}
}

func TestChainStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	declined := b.chain(direct("4000000000000812"), "ACCOUNTCHECK", "AUTH")
	require.Len(t, declined, 1)
	require.Equal(t, "70000", declined[0]["errorcode"])
	refused := b.chain(direct(testCard).with(fields{"orderreference": "K2", "expirydate": "x"}), "ACCOUNTCHECK", "AUTH")
	require.Len(t, refused, 1)
	require.Equal(t, "30000", refused[0]["errorcode"])
	require.Empty(t, b.orders("K2"))
}

func TestChainMarksTheAnswerForTheCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flagged := direct(testCard).with(fields{"acceptcustomeroutput": "2.00"})
	paid := b.chain(flagged, "ACCOUNTCHECK", "AUTH")
	require.NotContains(t, paid[0], "customeroutput")
	require.Equal(t, "RESULT", paid[1]["customeroutput"])
	declined := b.chain(flagged.with(fields{"pan": "4000000000000812"}), "ACCOUNTCHECK", "AUTH")
	require.Equal(t, "TRYAGAIN", declined[0]["customeroutput"])
}

// A fault on one type of a chain acts on that type alone.
func TestChainAndFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(gateway.Fault{Effect: gateway.EffectCode, Type: "AUTH", Code: "71000"})
	answers := b.chain(direct(testCard), "ACCOUNTCHECK", "AUTH")
	require.Equal(t, "0", answers[0]["errorcode"])
	require.Equal(t, "71000", answers[1]["errorcode"])
}

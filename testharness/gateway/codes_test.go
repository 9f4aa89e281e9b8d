package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// The shapes that were seen of the real service.
func TestShapesOfCodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.mint()
	held := b.charge(fields{"settlestatus": "2"})
	tell := func(code string, element fields) map[string]any {
		b.fault(gateway.Fault{Effect: gateway.EffectCode, Code: code})
		defer b.g.ClearFaults()
		a := b.ask1(element)
		require.Equal(t, code, a["errorcode"])
		require.NotContains(t, a["errormessage"], "Error "+code, "every code has its text")
		return a
	}
	for _, code := range []string{"10205", "60018", "20004", "40000", "50000", "99999"} {
		a := tell(code, auth(parent))
		require.Equal(t, "ERROR", a["requesttypedescription"], code)
		require.NotContains(t, a, "transactionreference", code)
		require.NotContains(t, a, "settlestatus", code)
	}
	for _, code := range []string{"20007", "30000"} {
		a := tell(code, auth(parent))
		require.Equal(t, "ERROR", a["requesttypedescription"], code)
		require.Contains(t, a, "transactionreference", code)
		require.NotContains(t, a, "settlestatus", code)
	}
	for _, code := range []string{"70000", "60022"} {
		a := tell(code, auth(parent))
		require.Equal(t, "AUTH", a["requesttypedescription"], code)
		require.Equal(t, "3", a["settlestatus"], code)
		require.Equal(t, code, b.entry(a["transactionreference"].(string)).ErrorCode)
	}
	require.Equal(t, "TRANSACTIONUPDATE", tell("60017", update(held, "0"))["requesttypedescription"])
	require.Equal(t, "TRANSACTIONQUERY", tell("60019", query(fields{"orderreference": is("x")}))["requesttypedescription"])
	require.Equal(t, "ERROR", tell("99999", query(fields{"orderreference": is("x")}))["requesttypedescription"])

	b.fault(gateway.Fault{Effect: gateway.EffectCode, Code: "70000", Unrecorded: true, Times: 1})
	require.Equal(t, "ERROR", b.ask1(auth(parent))["requesttypedescription"])
	b.fault(gateway.Fault{Effect: gateway.EffectCode, Code: "40000", Recorded: true, Times: 1})
	require.Equal(t, "AUTH", b.ask1(auth(parent))["requesttypedescription"])
}

// Any type of request can be answered with a code.
func TestCodeOnEveryType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.mint()
	settled := b.charge(nil)
	b.tick(3 * day)
	for _, element := range []fields{
		auth(parent), direct(testCard).with(fields{"requesttypedescriptions": []string{"ACCOUNTCHECK"}}),
		{"requesttypedescriptions": []string{"REFUND"}, "sitereference": gateway.DefaultSite, "parenttransactionreference": settled},
		{"requesttypedescriptions": []string{"CACHETOKENISE"}, "sitereference": gateway.DefaultSite, "pan": testCard, "expirydate": "12/2030", "paymenttypedescription": "VISA"},
		{"requesttypedescriptions": []string{"STORE"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "CARDSTORE", "pan": testCard, "expirydate": "12/2030"},
		query(fields{"orderreference": is("x")}), update(parent, "3"),
	} {
		for _, code := range []string{"60010", "60034", "20009", "12345"} {
			b.fault(gateway.Fault{Effect: gateway.EffectCode, Code: code, Times: 1})
			require.Equal(t, code, b.ask1(element)["errorcode"], element["requesttypedescriptions"])
		}
	}
}

package gateway_test

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// byCard is a request of any type with a card number, as test suites send it.
func byCard(kind, account string) fields {
	f := fields{
		"requesttypedescriptions": []string{kind}, "sitereference": gateway.DefaultSite, "pan": testCard,
		"expirymonth": "11", "expiryyear": "2031", "securitycode": "123", "paymenttypedescription": "VISA",
		"currencyiso3a": "GBP", "baseamount": "100", "unknown_member": "HERE",
	}
	if account != "" {
		f["accounttypedescription"] = account
	}
	return f
}

func TestEveryType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	threed := byCard("THREEDQUERY", "ECOM").with(fields{"termurl": "https://www.example.com"})
	rate := byCard("CURRENCYRATE", "CURRENCYRATE").with(fields{"baseamount": nil, "currencyiso3a": nil, "dcccurrencyiso3a": "USD", "dccbaseamount": "125", "dcctype": "DCC"})
	identity := fields{
		"requesttypedescriptions": []string{"IDSTANDARD"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "IDENTITYCHECK",
		"customerfirstname": "John", "customerlastname": "Doe", "customerpostcode": "AB12 3CD",
	}
	store := byCard("STORE", "CARDSTORE").with(fields{"baseamount": nil, "currencyiso3a": nil})
	for name, c := range map[string]struct {
		element fields
		want    fields
		not     []string
	}{
		"auth":          {byCard("AUTH", "ECOM"), fields{"acquirerresponsecode": "00", "settlestatus": "0"}, nil},
		"moto":          {byCard("AUTH", "MOTO"), fields{"acquirerresponsecode": "00"}, nil},
		"recur":         {byCard("AUTH", "RECUR").with(fields{"subscriptiontype": "RECURRING", "subscriptionnumber": "1"}), fields{"subscriptionnumber": "1"}, nil},
		"account check": {byCard("ACCOUNTCHECK", "ECOM").with(fields{"baseamount": "0"}), fields{"baseamount": "0"}, nil},
		"store":         {store, fields{"maskedpan": "411111######1111"}, []string{"settlestatus", "baseamount", "securityresponseaddress", "authcode"}},
		"3-D Secure":    {threed, fields{"enrolled": "Y"}, []string{"settlestatus", "authcode"}},
		"not enrolled":  {threed.with(fields{"pan": "4000000000000721"}), fields{"enrolled": "N"}, []string{"acsurl", "pareq", "md"}},
		"unknown":       {threed.with(fields{"pan": "340000000004001", "paymenttypedescription": "AMEX"}), fields{"enrolled": "U"}, []string{"acsurl"}},
		"risk":          {byCard("RISKDEC", "FRAUDCONTROL"), fields{"fraudcontrolshieldstatuscode": "ACCEPT"}, nil},
		"rate":          {rate, fields{"dcccurrencyiso3a": "USD", "dccbaseamount": "125", "baseamount": "100", "currencyiso3a": "GBP"}, nil},
		"rate, ECOM":    {rate.with(fields{"accounttypedescription": "ECOM"}), fields{"dccconversionrate": "1.25"}, nil},
		"identity":      {identity, nil, []string{"maskedpan", "baseamount", "settlestatus"}},
	} {
		a := b.ask1(c.element)
		require.Equal(t, "0", a["errorcode"], "%s: %v", name, a)
		require.Equal(t, "Ok", a["errormessage"], name)
		for member, value := range c.want {
			require.Equal(t, value, a[member], "%s: %s", name, member)
		}
		for _, member := range c.not {
			require.NotContains(t, a, member, name)
		}
		require.Contains(t, b.records(fields{"transactionreference": is(a["transactionreference"].(string))}), a["transactionreference"], name)
	}
}

func TestFieldRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	special := "T\r\u00c2\u00a3S'T(|]><[\\xG %s %% \"+N\\\n\\&\\M\u00c8.?\nTAB\t12}34{56789,:;#END"
	a := b.ask1(direct(testCard).with(fields{"customerfirstname": special, "customfield1": special}))
	require.Equal(t, "0", a["errorcode"], a)
	require.Equal(t, special, b.record(a["transactionreference"].(string))["customerfirstname"])
	for name, value := range map[string]any{
		"billingemail": "nobody", "billingfirstname": strings.Repeat("x", 128), "billingcountryiso2a": "gb", "billingdob": "1980",
		"customerip": "here", "merchantemail": "x", "billingpremise": strings.Repeat("x", 26), "customfield1": 7,
		"securitycode": "12", "paymenttypedescription": "SHELLS", "subscriptiontype": "SERIES",
	} {
		a := b.ask1(direct(testCard).with(fields{name: value}))
		require.Equal(t, "30000", a["errorcode"], "%s: %v", name, a)
		require.Equal(t, []any{name}, a["errordata"])
		require.Contains(t, a, "transactionreference")
	}
	for bad, changes := range map[string]fields{
		"billingcountryiso2a":  {"billingcounty": "Kent"},
		"billingcounty":        {"billingcounty": "Texas", "billingcountryiso2a": "US"},
		"billingtelephonetype": {"billingtelephone": "01234"},
		"subscriptionnumber":   {"subscriptiontype": "RECURRING"},
		"subscriptiontype":     {"accounttypedescription": "RECUR"},
		"expirymonth":          {"expirydate": nil, "expirymonth": "13", "expiryyear": "2031"},
		"expiryyear":           {"expirydate": nil, "expirymonth": "12"},
		"mainamount":           {"baseamount": nil, "mainamount": "10.505"},
		"baseamount":           {"baseamount": "", "mainamount": "10.50"},
	} {
		require.Equal(t, []any{bad}, b.ask1(direct(testCard).with(changes))["errordata"], bad)
	}
	require.Equal(t, "1050", b.ask1(direct(testCard).with(fields{"baseamount": nil, "mainamount": "10.50"}))["baseamount"])
	require.Equal(t, "1050", b.ask1(auth(b.mint()).with(fields{"baseamount": nil, "mainamount": "10.5", "currencyiso3a": nil}))["baseamount"])
	require.Equal(t, []any{"mainamount"}, b.ask1(auth(b.mint()).with(fields{"baseamount": nil, "mainamount": "1.005", "currencyiso3a": nil}))["errordata"])
	require.Equal(t, "50", b.ask1(direct(testCard).with(fields{"baseamount": nil, "mainamount": "50", "currencyiso3a": "JPY"}))["baseamount"])
}

func TestStoredCardIsCharged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	store := b.ask1(byCard("STORE", "CARDSTORE"))["transactionreference"].(string)
	require.Equal(t, "0", b.ask1(auth(store))["errorcode"])
	bare := b.ask1(byCard("STORE", "CARDSTORE").with(fields{"baseamount": nil, "currencyiso3a": nil}))["transactionreference"].(string)
	require.Equal(t, []any{"currencyiso3a"}, b.ask1(auth(bare).with(fields{"currencyiso3a": nil}))["errordata"])
	a := b.ask1(auth(bare))
	require.Equal(t, "0", a["errorcode"], a)
	require.Equal(t, "411111######1111", a["maskedpan"])
	require.Equal(t, "40000", b.ask1(byCard("STORE", "ECOM"))["errorcode"])
}

func TestTokenIsGoodForOnePayment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tokenise := func() string {
		a := b.ask1(byCard("CACHETOKENISE", ""))
		require.Equal(t, "0", a["errorcode"], a)
		require.NotContains(t, a, "transactionreference")
		return a["cachetoken"].(string)
	}
	pay := func(token string) fields {
		return direct(testCard).with(fields{"pan": nil, "expirydate": nil, "securitycode": nil, "cachetoken": token})
	}
	token := tokenise()
	a := b.ask1(pay(token))
	require.Equal(t, "0", a["errorcode"], a)
	require.Equal(t, "411111######1111", a["maskedpan"])
	require.Equal(t, "2", a["securityresponsesecuritycode"])
	require.Equal(t, "11/2031", b.record(a["transactionreference"].(string))["expirydate"])
	require.Equal(t, []any{"cachetoken"}, b.ask1(pay(token))["errordata"], "spent")
	require.Equal(t, []any{"cachetoken"}, b.ask1(pay("13-x"))["errordata"])

	// Some clients unwrap it, and send all that was inside.
	raw, err := base64.StdEncoding.DecodeString(tokenise())
	require.NoError(t, err)
	var inside map[string]any
	require.NoError(t, json.Unmarshal(raw, &inside))
	require.Len(t, inside, 1, "an address in it would send them elsewhere")
	require.Equal(t, "0", b.ask1(pay(inside["cachetoken"].(string)))["errorcode"])

	late := tokenise()
	b.tick(15 * time.Minute)
	require.Equal(t, "30000", b.ask1(pay(late))["errorcode"])
	require.Equal(t, "0", b.ask1(direct(testCard).with(fields{"cachetoken": ""}))["errorcode"], "empty beside a card")
	require.Equal(t, []any{"pan"}, b.ask1(byCard("CACHETOKENISE", "").with(fields{"pan": "4012888888881881"}))["errordata"])
	require.Equal(t, "30001", b.ask1(byCard("CACHETOKENISE", "").with(fields{"sitereference": "test_x"}))["errorcode"])
	// Checked and paid with one token in one element.
	both := b.chain(pay(tokenise()), "ACCOUNTCHECK", "AUTH")
	require.Len(t, both, 2, both)
	require.Equal(t, "0", both[1]["errorcode"], both[1])
}

func TestTokensAndTheJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := func(cfg *gateway.Config) { cfg.Journal = path }
	b := setup(t, journal)
	spent, kept := b.ask1(byCard("CACHETOKENISE", ""))["cachetoken"], b.ask1(byCard("CACHETOKENISE", ""))["cachetoken"]
	pay := direct(testCard).with(fields{"pan": nil})
	require.Equal(t, "0", b.ask1(pay.with(fields{"cachetoken": spent}))["errorcode"])
	again := setup(t, journal)
	require.Equal(t, "30000", again.ask1(pay.with(fields{"cachetoken": spent}))["errorcode"])
	require.Equal(t, "0", again.ask1(pay.with(fields{"cachetoken": kept}))["errorcode"])
}

func TestThreeDSecure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	element := byCard("THREEDQUERY", "ECOM").with(fields{"termurl": "https://www.example.com", "acceptcustomeroutput": "2.00"})
	enrolled := b.chain(element, "THREEDQUERY", "AUTH")
	require.Len(t, enrolled, 1, "the customer goes to the bank first")
	require.Equal(t, "0", enrolled[0]["errorcode"])
	require.Equal(t, "Y", enrolled[0]["enrolled"])
	require.Equal(t, "THREEDREDIRECT", enrolled[0]["customeroutput"])
	for _, name := range []string{"acsurl", "pareq", "md"} {
		require.NotEmpty(t, enrolled[0][name], name)
	}
	ref := enrolled[0]["transactionreference"].(string)
	require.Equal(t, []any{"pares"}, b.ask1(auth(ref))["errordata"])
	failed := b.ask1(auth(ref).with(fields{"pares": "FAILED"}))
	require.Equal(t, "60022", failed["errorcode"])
	require.Equal(t, "3", failed["settlestatus"])
	require.Equal(t, "0", b.ask1(auth(ref).with(fields{"pares": "eJzVWFmTqkgW"}))["errorcode"])

	free := b.chain(element.with(fields{"pan": "4000000000000721"}), "THREEDQUERY", "AUTH")
	require.Len(t, free, 2)
	require.Equal(t, "N", free[0]["enrolled"])
	require.Equal(t, "00", free[1]["acquirerresponsecode"])
	require.Equal(t, "RESULT", free[1]["customeroutput"])
	require.Equal(t, []any{"termurl"}, b.ask1(element.with(fields{"termurl": nil}))["errordata"])
}

func TestRiskDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.chain(direct(testCard), "RISKDEC", "AUTH")
	require.Len(t, before, 2)
	require.Equal(t, "FRAUDCONTROL", before[0]["accounttypedescription"])
	require.Equal(t, "ECOM", before[1]["accounttypedescription"])
	require.Equal(t, "0", before[1]["errorcode"], before[1])
	after := b.chain(direct(testCard), "AUTH", "RISKDEC")
	require.Len(t, after, 2)
	require.Equal(t, "0", after[1]["errorcode"], after[1])
	check := b.ask1(byCard("ACCOUNTCHECK", "ECOM"))["transactionreference"]
	a := b.ask1(fields{"requesttypedescriptions": []string{"RISKDEC"}, "sitereference": gateway.DefaultSite, "parenttransactionreference": check, "baseamount": "1"})
	require.Equal(t, "20020", a["errorcode"], a)
}

// Other numbers than the test cards get in only if the switch says so, and even
// then none is kept.
func TestAnyCard(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	b := setup(t, func(cfg *gateway.Config) { cfg.Journal = path })
	const other = "4012888888881881"
	require.Equal(t, "30000", b.ask1(direct(other))["errorcode"])
	switches := b.g.Switches()
	switches.AnyCard = true
	require.NoError(t, b.g.SetSwitches(t.Context(), switches))
	a := b.ask1(direct(other))
	require.Equal(t, "0", a["errorcode"], a)
	require.Equal(t, "401288######1881", a["maskedpan"])
	require.Equal(t, "30000", b.ask1(direct("4012888888881882"))["errorcode"], "check digit")
	require.Equal(t, "30000", b.ask1(direct("40128888"))["errorcode"])
	require.NotContains(t, b.journal(path), other)
	require.NoError(t, b.g.Reset(t.Context()))
	require.Equal(t, "30000", b.ask1(direct(other))["errorcode"])
}

// Nothing private is written down.
func TestNothingPrivateIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	b := setup(t, func(cfg *gateway.Config) { cfg.Journal = path })
	b.ask(direct(testCard).with(fields{"securitycode": "987"}), byCard("CACHETOKENISE", ""), trustly(), ach(), byCard("STORE", "CARDSTORE"))
	text := b.journal(path)
	require.Contains(t, text, "411111######1111")
	for _, private := range []string{testCard, "790101-1234", "123456781", "987654321", `"987"`} {
		require.NotContains(t, text, private)
	}
}

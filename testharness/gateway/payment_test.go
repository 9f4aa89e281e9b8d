package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestAuthByParent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.mint()
	a := b.ask1(auth(parent))
	require.Equal(t, "AUTH", a["requesttypedescription"])
	require.Equal(t, "0", a["errorcode"])
	require.Equal(t, "Ok", a["errormessage"])
	require.Equal(t, "0", a["settlestatus"])
	require.Equal(t, "1050", a["baseamount"])
	require.Equal(t, "GBP", a["currencyiso3a"])
	require.Equal(t, "K1-a1", a["orderreference"])
	require.Equal(t, parent, a["parenttransactionreference"])
	require.Equal(t, "411111######1111", a["maskedpan"])
	require.Equal(t, "2026-03-04 10:00:00", a["transactionstartedtimestamp"])
	require.Equal(t, "2026-03-04", a["settleduedate"])
	require.Equal(t, "0", a["livestatus"])
	require.Equal(t, "0", a["securityresponsesecuritycode"], "security codes are never stored")
	require.Regexp(t, `^55-9-\d+$`, a["transactionreference"])
	require.Regexp(t, `^TEST\d\d$`, a["authcode"])
	for name, value := range a {
		require.IsType(t, "", value, name)
	}

	e := b.entry(a["transactionreference"].(string))
	require.Equal(t, int64(1050), e.Amount)
	require.Equal(t, gateway.DefaultUser, e.User)
	require.Equal(t, parent, e.Parent)
	require.Equal(t, "0", e.AnsweredCode)
	require.Equal(t, []gateway.Change{{At: begin, By: gateway.DefaultUser}}, e.History)
}

func TestAuthInheritsCurrency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, "GBP", b.ask1(auth(b.mint()).with(fields{"currencyiso3a": nil}))["currencyiso3a"])
}

func TestPaymentCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) {
		cfg.Sites = append(cfg.Sites,
			gateway.Site{Reference: "test_other"}, gateway.Site{Reference: "test_mine", Accounts: []string{"ECOM"}, Currencies: []string{"GBP"}},
			gateway.Site{Reference: "live_mine", Live: true}, gateway.Site{Reference: "test_shut", Suspended: true})
		cfg.Users[0].Sites = append(cfg.Users[0].Sites, "test_mine", "live_mine", "test_shut")
	})
	parent := b.mint()
	hidden, err := b.g.Enter(gateway.Entered{Site: "test_other", Card: testCard, Amount: 1, Currency: "GBP"})
	require.NoError(t, err)
	declined, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: "4242424242424242", Amount: 1, Currency: "GBP"})
	require.NoError(t, err)
	check, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Currency: "GBP", Type: "ACCOUNTCHECK"})
	require.NoError(t, err)

	for name, c := range map[string]struct {
		base    fields
		changes fields
		code    string
		bad     string // in errordata
		kind    string
		ref     bool
	}{
		"ok":                                 {auth(parent), nil, "0", "", "AUTH", true},
		"parent is an account check":         {auth(check.TransactionReference), nil, "0", "", "AUTH", true},
		"reason A on account check":          {auth(check.TransactionReference), fields{"initiationreason": "A"}, "30000", "initiationreason", "ERROR", true},
		"parent of another visible site":     {auth(parent), fields{"sitereference": "test_mine"}, "0", "", "AUTH", true},
		"recurring":                          {auth(parent), fields{"accounttypedescription": "RECUR", "initiationreason": nil, "subscriptiontype": "RECURRING", "subscriptionnumber": "2"}, "0", "", "AUTH", true},
		"moto":                               {auth(parent), fields{"accounttypedescription": "MOTO"}, "0", "", "AUTH", true},
		"type alone":                         {auth(parent), fields{"requesttypedescriptions": nil, "requesttypedescription": "AUTH"}, "0", "", "AUTH", true},
		"no type":                            {auth(parent), fields{"requesttypedescriptions": nil}, "60018", "None", "ERROR", false},
		"unknown type":                       {auth(parent), fields{"requesttypedescriptions": []string{"PAY"}}, "60018", "None", "ERROR", false},
		"chain out of order":                 {auth(parent), fields{"requesttypedescriptions": []string{"AUTH", "ACCOUNTCHECK"}}, "30000", "requesttypedescriptions", "ERROR", false},
		"chain of the same":                  {auth(parent), fields{"requesttypedescriptions": []string{"AUTH", "AUTH"}}, "30000", "requesttypedescriptions", "ERROR", false},
		"chain too long":                     {auth(parent), fields{"requesttypedescriptions": []string{"AUTH", "AUTH", "AUTH", "AUTH", "AUTH"}}, "30000", "requesttypedescriptions", "ERROR", false},
		"chain with an unknown type":         {auth(parent), fields{"requesttypedescriptions": []string{"AUTH", "PAY"}}, "60018", "None", "ERROR", false},
		"both types":                         {auth(parent), fields{"requesttypedescription": "AUTH"}, "60040", "None", "ERROR", false},
		"no site":                            {auth(parent), fields{"sitereference": nil}, "30000", "sitereference", "ERROR", false},
		"unknown site":                       {auth(parent), fields{"sitereference": "test_x"}, "30001", "", "ERROR", false},
		"site of others":                     {auth(parent), fields{"sitereference": "test_other"}, "30006", "", "ERROR", false},
		"site suspended":                     {auth(parent), fields{"sitereference": "test_shut"}, "60023", "", "ERROR", false},
		"site before parent":                 {auth("1-2-3"), fields{"sitereference": "test_x"}, "30001", "", "ERROR", false},
		"no such parent":                     {auth("1-2-3"), nil, "20004", "", "ERROR", false},
		"parent too long":                    {auth(strings.Repeat("1", 26)), nil, "20004", "", "ERROR", false},
		"parent not visible":                 {auth(hidden.TransactionReference), nil, "20004", "", "ERROR", false},
		"parent of test mode on a live site": {auth(parent), fields{"sitereference": "live_mine"}, "20004", "", "ERROR", false},
		"parent declined":                    {auth(declined.TransactionReference), nil, "20033", "", "ERROR", false},
		"parent before account":              {auth("1-2-3"), fields{"accounttypedescription": "X"}, "20004", "", "ERROR", false},
		"no account":                         {auth(parent), fields{"accounttypedescription": nil}, "30000", "accounttypedescription", "ERROR", false},
		"account not there":                  {auth(parent), fields{"sitereference": "test_mine", "accounttypedescription": "RECUR"}, "40000", "", "ERROR", false},
		"no account for currency":            {direct(testCard), fields{"sitereference": "test_mine", "currencyiso3a": "EUR"}, "40000", "", "ERROR", false},
		"account before fields":              {auth(parent), fields{"accounttypedescription": "CFT", "baseamount": "x"}, "40000", "", "ERROR", false},
		"no amount":                          {auth(parent), fields{"baseamount": nil}, "30000", "baseamount", "ERROR", true},
		"amount zero":                        {auth(parent), fields{"baseamount": "0"}, "30000", "baseamount", "ERROR", true},
		"amount negative":                    {auth(parent), fields{"baseamount": "-5"}, "30000", "baseamount", "ERROR", true},
		"amount with fraction":               {auth(parent), fields{"baseamount": "10.50"}, "30000", "baseamount", "ERROR", true},
		"amount a number":                    {auth(parent), fields{"baseamount": 1050}, "30000", "baseamount", "ERROR", true},
		"amount of 13 digits":                {auth(parent), fields{"baseamount": "9999999999999"}, "0", "", "AUTH", true},
		"amount too long":                    {auth(parent), fields{"baseamount": "99999999999999"}, "30000", "baseamount", "ERROR", true},
		"other currency":                     {auth(parent), fields{"currencyiso3a": "EUR"}, "20015", "", "ERROR", true},
		"odd currency":                       {auth(parent), fields{"currencyiso3a": "gbp"}, "30000", "currencyiso3a", "ERROR", true},
		"order with control":                 {auth(parent), fields{"orderreference": "a\nb"}, "30000", "orderreference", "ERROR", true},
		"order too long":                     {auth(parent), fields{"orderreference": strings.Repeat("x", 256)}, "30000", "orderreference", "ERROR", true},
		"order of 36":                        {auth(parent), fields{"orderreference": strings.Repeat("x", 36)}, "0", "", "AUTH", true},
		"order a number":                     {auth(parent), fields{"orderreference": 7}, "30000", "orderreference", "ERROR", true},
		"status 3":                           {auth(parent), fields{"settlestatus": "3"}, "30000", "settlestatus", "ERROR", true},
		"status a number":                    {auth(parent), fields{"settlestatus": 2}, "30000", "settlestatus", "ERROR", true},
		"due date past":                      {auth(parent), fields{"settleduedate": "2026-03-03"}, "30000", "settleduedate", "ERROR", true},
		"due date far":                       {auth(parent), fields{"settleduedate": "2026-03-12"}, "30000", "settleduedate", "ERROR", true},
		"due date far with PRE":              {auth(parent), fields{"settleduedate": "2026-04-04", "authmethod": "PRE"}, "0", "", "AUTH", true},
		"due date odd":                       {auth(parent), fields{"settleduedate": "4/3/2026"}, "30000", "settleduedate", "ERROR", true},
		"stored odd":                         {auth(parent), fields{"credentialsonfile": "3"}, "30000", "credentialsonfile", "ERROR", true},
		"reason odd":                         {auth(parent), fields{"initiationreason": "B"}, "30000", "initiationreason", "ERROR", true},
		"method odd":                         {auth(parent), fields{"authmethod": "LATER"}, "30000", "authmethod", "ERROR", true},
		"incremental without PRE":            {auth(parent), fields{"authmethod": "INCREMENTAL"}, "30000", "authmethod", "ERROR", true},
		"series odd":                         {auth(parent), fields{"subscriptiontype": "X"}, "30000", "subscriptiontype", "ERROR", true},
		"series number odd":                  {auth(parent), fields{"subscriptionnumber": "two"}, "30000", "subscriptionnumber", "ERROR", true},
		"card beside parent":                 {auth(parent), fields{"pan": testCard}, "30000", "pan", "ERROR", true},
		"decline by amount":                  {auth(parent), fields{"baseamount": "70000"}, "70000", "", "AUTH", true},
		"bank error by amount":               {auth(parent), fields{"baseamount": "60010"}, "60010", "", "AUTH", true},
		"card":                               {direct(testCard), nil, "0", "", "AUTH", true},
		"card, short expiry":                 {direct(testCard), fields{"expirydate": "12/30"}, "0", "", "AUTH", true},
		"card expired":                       {direct(testCard), fields{"expirydate": "12/2020"}, "0", "", "AUTH", true},
		"card declines":                      {direct("4000000000000812"), nil, "70000", "", "AUTH", true},
		"card on a live site":                {direct(testCard), fields{"sitereference": "live_mine"}, "70000", "", "AUTH", true},
		"card is no test card":               {direct("4012888888881881"), nil, "30000", "pan", "ERROR", true},
		"card missing":                       {direct(testCard), fields{"pan": nil}, "30000", "pan", "ERROR", true},
		"card a number":                      {direct(testCard), fields{"pan": 4111111111111111}, "30000", "pan", "ERROR", true},
		"expiry missing":                     {direct(testCard), fields{"expirydate": nil}, "30000", "expirydate", "ERROR", true},
		"expiry odd":                         {direct(testCard), fields{"expirydate": "13/2030"}, "30000", "expirydate", "ERROR", true},
		"card without currency":              {direct(testCard), fields{"currencyiso3a": nil}, "30000", "currencyiso3a", "ERROR", true},
		"check":                              {direct(testCard), fields{"requesttypedescriptions": []string{"ACCOUNTCHECK"}, "baseamount": "0"}, "0", "", "ACCOUNTCHECK", true},
		"check without amount":               {direct(testCard), fields{"requesttypedescriptions": []string{"ACCOUNTCHECK"}, "baseamount": nil}, "0", "", "ACCOUNTCHECK", true},
		"check on RECUR":                     {direct(testCard), fields{"requesttypedescriptions": []string{"ACCOUNTCHECK"}, "accounttypedescription": "RECUR"}, "40000", "", "ERROR", false},
	} {
		a := b.ask1(c.base.with(c.changes))
		require.Equal(t, c.code, a["errorcode"], "%s: %v", name, a)
		require.Equal(t, c.kind, a["requesttypedescription"], name)
		if c.bad == "" {
			require.NotContains(t, a, "errordata", name)
		} else {
			require.Equal(t, []any{c.bad}, a["errordata"], name)
		}
		_, hasRef := a["transactionreference"]
		require.Equal(t, c.ref, hasRef, name)
		switch {
		case c.kind == "ERROR":
			require.NotContains(t, a, "settlestatus", name)
			if c.ref {
				require.Empty(t, b.records(fields{"transactionreference": is(a["transactionreference"].(string))}), name)
			}
		case c.code != "0":
			require.Equal(t, "3", a["settlestatus"], name)
		}
	}
}

func TestNoCardNumberIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ask1(direct(testCard))
	b.ask1(direct("4012888888881881"))
	dump, err := json.Marshal(b.g.Ledger())
	require.NoError(t, err)
	require.Contains(t, string(dump), "411111######1111")
	require.NotContains(t, string(dump), testCard)
	require.NotContains(t, string(dump), "401288")
}

func TestSettleStatusAsAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, status := range []string{"0", "1", "2"} {
		a := b.ask1(auth(b.mint()).with(fields{"settlestatus": status, "settleduedate": "2026-03-11"}))
		require.Equal(t, "0", a["errorcode"])
		require.Equal(t, status, a["settlestatus"])
		require.Equal(t, "2026-03-11", a["settleduedate"])
	}
}

func TestAccountCheckKeepsStatus0EvenDeclined(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask1(direct("4242424242424242").with(fields{"requesttypedescriptions": []string{"ACCOUNTCHECK"}, "baseamount": "0"}))
	require.Equal(t, "70000", a["errorcode"])
	require.Equal(t, "0", a["settlestatus"])
	b.tick(72 * hour)
	require.Equal(t, "0", b.record(a["transactionreference"].(string))["settlestatus"], "nothing to settle")
}

func TestRepeatAmountTooGreat(t *testing.T) {
	t.Parallel()
	b := setup(t, site(func(s *gateway.Site) { s.MaxMultiple = 1000 }))
	parent := b.mint()
	require.Equal(t, "0", b.ask1(auth(parent).with(fields{"baseamount": "1000"}))["errorcode"])
	require.Equal(t, "20009", b.ask1(auth(parent).with(fields{"baseamount": "1001"}))["errorcode"])
	check, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Currency: "GBP", Type: "ACCOUNTCHECK"})
	require.NoError(t, err)
	require.Equal(t, "0", b.ask1(auth(check.TransactionReference).with(fields{"baseamount": "1001"}))["errorcode"])
}

func TestDuplicateCheck(t *testing.T) {
	t.Parallel()
	b := setup(t, site(func(s *gateway.Site) { s.DuplicateCheck = true }))
	parent := b.mint()
	status := func(changes fields) any {
		a := b.ask1(auth(parent).with(changes))
		require.Equal(t, "0", a["errorcode"])
		return a["settlestatus"]
	}
	require.Equal(t, "0", status(nil))
	require.Equal(t, "2", status(fields{"orderreference": "K2-a1"}), "another order of the same amount is a duplicate too")
	require.Equal(t, "0", status(fields{"baseamount": "1051"}))
	require.Equal(t, "1", status(fields{"settlestatus": "1"}), "1 passes the check")
	b.tick(15 * minute)
	require.Equal(t, "2", status(nil))
	b.tick(15*minute + 1)
	require.Equal(t, "0", status(nil))
}

func TestFraudCheck(t *testing.T) {
	t.Parallel()
	b := setup(t, site(func(s *gateway.Site) { s.FraudSuspend = true }))
	a := b.ask1(auth(b.mint()))
	require.Equal(t, "0", a["errorcode"])
	require.Equal(t, "2", a["settlestatus"])
	require.Equal(t, "1", b.ask1(auth(b.mint()).with(fields{"settlestatus": "1"}))["settlestatus"])
}

func TestSwitchExpired(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) { cfg.Switches.ExpiredDeclined = true })
	require.Equal(t, "70000", b.ask1(direct(testCard).with(fields{"expirydate": "02/2026"}))["errorcode"])
	require.Equal(t, "0", b.ask1(direct(testCard).with(fields{"expirydate": "03/2026"}))["errorcode"], "valid to the month's end")
}

func TestSwitchCancelledParent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.mint()
	require.Equal(t, "0", b.ask1(update(parent, "3"))["errorcode"])
	require.Equal(t, "0", b.ask1(auth(parent))["errorcode"])
	require.NoError(t, b.g.SetSwitches(t.Context(), gateway.Switches{CancelledParentRefused: true}))
	require.Equal(t, "20033", b.ask1(auth(parent))["errorcode"])
}

func TestSecurityResults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask1(direct(testCard).with(fields{"billingpremise": "No 789", "billingpostcode": "TR12 3ST"}))
	require.Equal(t, "2", a["securityresponseaddress"])
	require.Equal(t, "4", a["securityresponsepostcode"])
	require.Equal(t, "2", a["securityresponsesecuritycode"])
	a = b.ask1(direct(testCard).with(fields{"securitycode": "999", "billingpremise": "No 333"}))
	require.Equal(t, "1", a["securityresponseaddress"])
	require.Equal(t, "0", a["securityresponsepostcode"])
	require.Equal(t, "4", a["securityresponsesecuritycode"])
	a = b.ask1(direct("4242424242424242"))
	require.Equal(t, "1", a["securityresponsesecuritycode"])
	require.Equal(t, "DECLINED", a["authcode"])
}

package gateway_test

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// trustly is a bank transfer.
func trustly() fields {
	return fields{
		"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"paymenttypedescription": "TRUSTLY", "baseamount": "1050", "currencyiso3a": "EUR", "orderreference": "K1-a1",
		"billingfirstname": "Åsa", "billinglastname": "Öberg", "billingcountryiso2a": "SE", "customerip": "192.0.2.7",
		"successfulurlredirect": "https://shop.example.com/thanks", "errorurlredirect": "https://shop.example.com/again",
		"nationalid": "790101-1234",
	}
}

// transfer starts a bank transfer and returns its reference.
func (b *bench) transfer(changes fields) string {
	b.t.Helper()
	a := b.ask1(trustly().with(changes))
	require.Equal(b.t, "0", a["errorcode"], a)
	return a["transactionreference"].(string)
}

func (b *bench) decide(id string, decision gateway.BankDecision) gateway.BankSession {
	b.t.Helper()
	s, err := b.g.DecideBank(id, decision)
	require.NoError(b.t, err)
	return s
}

func TestTrustlyStartsPending(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask1(trustly())
	require.Equal(t, "0", a["errorcode"], a)
	require.Equal(t, "10", a["settlestatus"])
	require.Equal(t, "PENDING", a["acquirerresponsemessage"])
	require.Equal(t, "TRUSTLY", a["paymenttypedescription"])
	require.Regexp(t, `^55-86-\d+$`, a["transactionreference"])
	require.Regexp(t, `^https://localhost/trustly/[0-9a-z]{16}$`, a["redirecturl"])
	require.Regexp(t, `^\d{10}$`, a["acquirertransactionreference"])
	require.NotEmpty(t, a["acquirersecret"])
	for _, name := range []string{"authcode", "maskedpan", "issuer", "securityresponsesecuritycode", "expirydate"} {
		require.NotContains(t, a, name)
	}

	_, id, _ := strings.Cut(a["redirecturl"].(string), "/trustly/")
	s, err := b.g.BankSession(id)
	require.NoError(t, err)
	require.Equal(t, gateway.BankSession{
		ID: id, TransactionReference: a["transactionreference"].(string), OrderReference: "K1-a1", Site: gateway.DefaultSite,
		Merchant: "Merchant " + gateway.DefaultSite, PaymentType: "TRUSTLY", Amount: 1050, Currency: "EUR", Country: "SE",
		Name: "Åsa Öberg", Started: begin, SettleStatus: 10,
		SuccessURL: "https://shop.example.com/thanks", ErrorURL: "https://shop.example.com/again",
	}, s)
	require.Empty(t, s.Redirect())
	require.Equal(t, []gateway.BankSession{s}, b.g.BankSessions())
	r := b.record(s.TransactionReference)
	require.Equal(t, "Öberg", r["billinglastname"])
	require.NotContains(t, r, "nationalid")
	require.NotContains(t, r, "redirecturl")
}

func TestTrustlyMoneyMovesLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	agreed, declined, left, waiting := b.transfer(nil), b.transfer(nil), b.transfer(nil), b.transfer(nil)
	require.Equal(t, "https://shop.example.com/thanks", ptr(b.decide(agreed, gateway.BankAgree)).Redirect())
	require.Equal(t, "https://shop.example.com/again", ptr(b.decide(declined, gateway.BankDecline)).Redirect())
	require.Empty(t, ptr(b.decide(left, gateway.BankLeave)).Redirect())
	require.Equal(t, 10, b.entry(agreed).SettleStatus)
	require.Equal(t, 3, b.entry(declined).SettleStatus)
	b.tick(14 * hour)
	require.Equal(t, 100, b.entry(agreed).SettleStatus)
	b.tick(30 * day)
	require.Equal(t, 3, b.entry(declined).SettleStatus)
	require.Equal(t, 10, b.entry(left).SettleStatus)
	require.Equal(t, 10, b.entry(waiting).SettleStatus)
	require.Equal(t, "2026-03-05 00:00:00", b.record(agreed)["settledtimestamp"])
	require.Equal(t, "60017", b.ask1(update(waiting, "3"))["errorcode"])

	// Late money: from 3 to 100.
	b.decide(declined, gateway.BankAgree)
	require.Equal(t, 3, b.entry(declined).SettleStatus)
	b.tick(day)
	require.Equal(t, 100, b.entry(declined).SettleStatus)
	_, err := b.g.DecideBank(declined, gateway.BankDecline)
	require.ErrorIs(t, err, gateway.ErrBankSettled)
}

func ptr[T any](v T) *T { return &v }

func TestTrustlyIsFoundByOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.transfer(nil)
	second := b.transfer(nil)
	s, err := b.g.BankSession("K1-a1")
	require.NoError(t, err)
	require.Equal(t, second, s.TransactionReference)
	card := b.charge(nil)
	for _, id := range []string{"", "no", card} {
		_, err = b.g.BankSession(id)
		require.ErrorIs(t, err, gateway.ErrNoBankSession, id)
	}
	_, err = b.g.DecideBank(second, "maybe")
	require.ErrorContains(t, err, "agree, decline, leave")
}

func TestTrustlyByScriptAndAdminAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(gateway.Fault{Effect: gateway.EffectBankAgrees, OrderReference: "yes"})
	b.fault(gateway.Fault{Effect: gateway.EffectBankDeclines, OrderReference: "no"})
	yes, no, open := b.ask1(trustly().with(fields{"orderreference": "yes"})), b.ask1(trustly().with(fields{"orderreference": "no"})), b.transfer(nil)
	require.Equal(t, "10", yes["settlestatus"])
	require.Equal(t, "10", no["settlestatus"], "the answer does not know yet")
	require.Equal(t, "3", b.record(no["transactionreference"].(string))["settlestatus"])
	b.tick(day)
	require.Equal(t, "100", b.record(yes["transactionreference"].(string))["settlestatus"])

	s := b.serve().server
	res, err := http.Post(s.AdminURL()+"/bank", "application/json", bytes.NewReader([]byte(`{"id":"`+open+`","decision":"decline"}`)))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, 3, b.entry(open).SettleStatus)
	require.True(t, strings.HasPrefix(b.ask1(trustly())["redirecturl"].(string), strings.TrimSuffix(s.JSONURL(), "json/")+"trustly/"))
}

func TestTrustlyCodes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	settled := b.transfer(nil)
	b.decide(settled, gateway.BankAgree)
	b.tick(day)
	for name, c := range map[string]struct {
		element fields
		code    string
		bad     string
	}{
		"ok":                {trustly(), "0", ""},
		"last name alone":   {trustly().with(fields{"billingfirstname": nil}), "0", ""},
		"no name":           {trustly().with(fields{"billingfirstname": nil, "billinglastname": nil}), "30000", "billingfirstname"},
		"no country":        {trustly().with(fields{"billingcountryiso2a": nil}), "30000", "billingcountryiso2a"},
		"other country":     {trustly().with(fields{"billingcountryiso2a": "GB"}), "30000", "billingcountryiso2a"},
		"other currency":    {trustly().with(fields{"currencyiso3a": "GBP"}), "40000", ""},
		"no currency":       {trustly().with(fields{"currencyiso3a": nil}), "40000", ""},
		"other account":     {trustly().with(fields{"accounttypedescription": "MOTO"}), "40000", ""},
		"account check":     {trustly().with(fields{"requesttypedescriptions": []string{"ACCOUNTCHECK"}}), "40000", ""},
		"no address":        {trustly().with(fields{"customerip": nil}), "30000", "customerip"},
		"odd address":       {trustly().with(fields{"customerip": "home"}), "30000", "customerip"},
		"no way back":       {trustly().with(fields{"successfulurlredirect": nil}), "30000", "successfulurlredirect"},
		"no way back wrong": {trustly().with(fields{"errorurlredirect": nil}), "30000", "errorurlredirect"},
		"odd way back":      {trustly().with(fields{"errorurlredirect": "shop"}), "30000", "errorurlredirect"},
		"long id":           {trustly().with(fields{"nationalid": strings.Repeat("1", 256)}), "30000", "nationalid"},
		"no amount":         {trustly().with(fields{"baseamount": "0"}), "30000", "baseamount"},
		"with a parent":     {trustly().with(fields{"parenttransactionreference": b.mint()}), "30000", "parenttransactionreference"},
		"as a parent":       {auth(settled).with(fields{"currencyiso3a": "EUR"}), "20028", ""},
		"refused by bank":   {trustly().with(fields{"baseamount": "70000"}), "70000", ""},
	} {
		a := b.ask1(c.element)
		require.Equal(t, c.code, a["errorcode"], "%s: %v", name, a)
		if c.bad != "" {
			require.Equal(t, []any{c.bad}, a["errordata"], name)
		}
		if c.code != "0" {
			require.NotContains(t, a, "redirecturl", name)
		}
	}
}

// A gateway that is started again knows who has decided what.
func TestTrustlyAndTheJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := func(cfg *gateway.Config) { cfg.Journal = path }
	b := setup(t, journal)
	agreed, declined, waiting := b.transfer(nil), b.transfer(nil), b.transfer(nil)
	b.decide(agreed, gateway.BankAgree)
	b.decide(declined, gateway.BankDecline)
	before := b.g.BankSessions()

	again := setup(t, journal)
	require.Equal(t, before, again.g.BankSessions())
	again.decide(declined, gateway.BankAgree)
	again.tick(day)
	require.Equal(t, 100, again.entry(agreed).SettleStatus)
	require.Equal(t, 100, again.entry(declined).SettleStatus)
	require.Equal(t, 10, again.entry(waiting).SettleStatus)
}

package gateway_test

import (
	"crypto/md5"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func sofort() fields {
	return fields{
		"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"paymenttypedescription": "SOFORT", "baseamount": "100", "currencyiso3a": "EUR", "bankid": "987654321", "bankname": "FORTIS",
		"billingcountryiso2a": "DE", "billingfirstname": "FIRSTNAME", "billinglastname": "last1", "billingpostcode": "AB45 6CB",
	}
}

func ach() fields {
	return sofort().with(fields{
		"paymenttypedescription": "ACH", "currencyiso3a": "USD", "achaba": "987654321", "achaccountnumber": "123456781",
		"achchecknumber": "123456", "achtype": "SAVINGS",
	})
}

func order() fields {
	return fields{
		"requesttypedescriptions": []string{"ORDER"}, "sitereference": gateway.DefaultSite, "accounttypedescription": "ECOM",
		"paymenttypedescription": "PAYPAL", "baseamount": "100", "currencyiso3a": "GBP",
		"returnurl": "www.example.com/return", "cancelurl": "www.example.com/cancel",
	}
}

func TestSofortIsPending(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask1(sofort())
	require.Equal(t, "0", a["errorcode"], a)
	require.Equal(t, "10", a["settlestatus"])
	require.Contains(t, a["redirecturl"], "/sofort/")
	b.decide(a["transactionreference"].(string), gateway.BankAgree)
	b.tick(day)
	require.Equal(t, 100, b.entry(a["transactionreference"].(string)).SettleStatus)
}

func TestACH(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask1(ach())
	require.Equal(t, "0", a["errorcode"], a)
	require.Equal(t, "A01", a["acquirerresponsecode"])
	require.Equal(t, "APPROVED", a["acquirerresponsemessage"])
	require.Equal(t, "0", a["settlestatus"])
	require.NotContains(t, a, "maskedpan")
	for name, bad := range map[string]string{"achaba": "12345678", "achaccountnumber": "x", "achchecknumber": "-", "achtype": "GIRO"} {
		require.Equal(t, []any{name}, b.ask1(ach().with(fields{name: bad}))["errordata"], name)
	}
	b.tick(2 * day)
	require.Equal(t, 100, b.entry(a["transactionreference"].(string)).SettleStatus)
}

// An order is opened, shown, paid with what the parent says alone, settled at
// once and refunded.
func TestPayPal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opened := b.ask1(order())
	require.Equal(t, "0", opened["errorcode"], opened)
	require.NotContains(t, opened, "settlestatus")
	ref, token := opened["transactionreference"], opened["paypaltoken"].(string)
	sum := md5.Sum([]byte(token))
	payer := hex.EncodeToString(sum[:])[:10] + "pid"

	details := b.ask1(fields{"requesttypedescriptions": []string{"ORDERDETAILS"}, "sitereference": gateway.DefaultSite, "parenttransactionreference": ref})
	require.Equal(t, "0", details["errorcode"], details)
	require.Equal(t, "Confirmed", details["paypaladdressstatus"])
	require.Equal(t, payer, details["paypalpayerid"])

	pay := fields{
		"requesttypedescription": "AUTH", "sitereference": gateway.DefaultSite, "paymenttypedescription": "PAYPAL", "settlestatus": "100",
		"parenttransactionreference": ref, "paypaltoken": token, "paypalpayerid": payer,
	}
	require.Equal(t, []any{"paypalpayerid"}, b.ask1(pay.with(fields{"paypalpayerid": "x"}))["errordata"])
	require.Equal(t, []any{"paypaltoken"}, b.ask1(pay.with(fields{"paypaltoken": nil}))["errordata"])
	require.Equal(t, "20033", b.ask1(auth(ref.(string)))["errorcode"], "no card behind it")
	paid := b.ask1(pay)
	require.Equal(t, "0", paid["errorcode"], paid)
	require.Equal(t, "100", paid["settlestatus"])
	require.Equal(t, "100", paid["baseamount"])
	require.Equal(t, "GBP", paid["currencyiso3a"])
	require.Equal(t, "0", b.ask1(refund(paid["transactionreference"].(string), ""))["errorcode"])
	require.Equal(t, "20028", b.ask1(auth(paid["transactionreference"].(string)))["errorcode"])
	// A card can't be settled so fast.
	require.Equal(t, []any{"settlestatus"}, b.ask1(direct(testCard).with(fields{"settlestatus": "100"}))["errordata"])

	both := b.chain(pay.with(fields{"paypaltoken": nil, "paypalpayerid": nil}), "ORDERDETAILS", "AUTH")
	require.Len(t, both, 2)
	require.Equal(t, "0", both[1]["errorcode"], both[1])
	require.Equal(t, both[0]["transactionreference"], both[1]["parenttransactionreference"])
}

func TestSiteWithoutAPaymentType(t *testing.T) {
	t.Parallel()
	b := setup(t, site(func(s *gateway.Site) { s.PaymentTypes = []string{"TRUSTLY"} }))
	require.Equal(t, "0", b.ask1(trustly())["errorcode"])
	require.Equal(t, "40000", b.ask1(sofort())["errorcode"])
	require.Equal(t, "0", b.ask1(direct(testCard))["errorcode"])
}

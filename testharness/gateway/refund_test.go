package gateway_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// refund gives money back.
func refund(parent, amount string) fields {
	f := fields{"requesttypedescriptions": []string{"REFUND"}, "sitereference": gateway.DefaultSite, "parenttransactionreference": parent, "orderreference": "K1-r1"}
	if amount != "" {
		f["baseamount"] = amount
	}
	return f
}

// payout gives money to a card without a payment before.
func payout() fields {
	return direct(testCard).with(fields{"requesttypedescriptions": []string{"REFUND"}, "accounttypedescription": "CFT"})
}

func TestRefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.charge(nil)
	a := b.ask1(refund(parent, ""))
	require.Equal(t, "0", a["errorcode"], a)
	require.Equal(t, "REFUND", a["requesttypedescription"])
	require.Equal(t, parent, a["parenttransactionreference"])
	require.Equal(t, "1050", a["baseamount"], "all of it")
	require.Equal(t, "GBP", a["currencyiso3a"])
	require.Equal(t, "ECOM", a["accounttypedescription"])
	require.Equal(t, "TEST REFUND ACCEPTED", a["authcode"])
	require.Equal(t, "00", a["acquirerresponsecode"])
	require.Equal(t, "0", a["settlestatus"])
	require.Equal(t, "411111######1111", a["maskedpan"])
	ref := a["transactionreference"].(string)
	b.tick(day)
	require.Equal(t, "10", b.record(ref)["settlestatus"])
	b.tick(day)
	require.Equal(t, "100", b.record(ref)["settlestatus"])
	require.Equal(t, "REFUND", b.record(ref)["requesttypedescription"])
}

func TestRefundInParts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.charge(nil)
	code := func(amount string) any { return b.ask1(refund(parent, amount))["errorcode"] }
	require.Equal(t, "0", code("1000"))
	require.Equal(t, "20007", code(""), "all of it is too much now")
	require.Equal(t, "20007", code("51"))
	last := b.ask1(refund(parent, "50"))
	require.Equal(t, "0", last["errorcode"])
	require.Equal(t, "20007", code("1"))

	// A refund that is cancelled leaves room for another.
	require.Equal(t, "0", b.ask1(update(last["transactionreference"].(string), "3"))["errorcode"])
	require.Equal(t, "0", code("0000000000050"))
	// One that was declined, too.
	b.fault(gateway.Fault{Effect: gateway.EffectCode, Type: "REFUND", Code: "70000", AcquirerCode: "05", Times: 1})
	other := b.charge(nil)
	declined := b.ask1(refund(other, ""))
	require.Equal(t, "70000", declined["errorcode"])
	require.Equal(t, "REFUND", declined["requesttypedescription"])
	require.Equal(t, "3", declined["settlestatus"])
	require.Equal(t, "0", b.ask1(refund(other, ""))["errorcode"])
}

// What settles bounds what can be refunded.
func TestRefundOfLoweredPayment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.charge(nil)
	require.Equal(t, "0", b.ask1(updates(parent, fields{"settlebaseamount": "500"}))["errorcode"])
	require.Equal(t, "20007", b.ask1(refund(parent, "501"))["errorcode"])
	require.Equal(t, "500", b.ask1(refund(parent, ""))["baseamount"])
}

func TestRefundHeldAndReleased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ask1(refund(b.charge(nil), "").with(fields{"settlestatus": "2"}))
	require.Equal(t, "2", a["settlestatus"])
	ref := a["transactionreference"].(string)
	b.tick(2 * day)
	require.Equal(t, 2, b.entry(ref).SettleStatus)
	require.Equal(t, "0", b.ask1(update(ref, "1"))["errorcode"])
	b.tick(2 * day)
	require.Equal(t, 100, b.entry(ref).SettleStatus)
	require.Equal(t, "60017", b.ask1(update(ref, "3"))["errorcode"])
}

func TestRefundAfterUpdateOfSettled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.charge(nil)
	b.tick(2 * day)
	a := b.ask(update(parent, "3"), refund(parent, ""))
	require.Equal(t, "60017", a[0]["errorcode"])
	require.Equal(t, "0", a[1]["errorcode"], "a failed element does not stop the next")
	one := b.chain(refund(parent, ""), "TRANSACTIONUPDATE", "REFUND")
	require.Len(t, one, 1)
	require.Equal(t, "30000", one[0]["errorcode"])
	require.Equal(t, []any{"requesttypedescriptions"}, one[0]["errordata"])
}

func TestRefundCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) {
		cfg.Sites = append(cfg.Sites, gateway.Site{Reference: "test_strict", StrictRefunds: true}, gateway.Site{Reference: "test_min", MinRefund: 100, Accounts: []string{"ECOM"}})
		cfg.Users[0].Sites = append(cfg.Users[0].Sites, "test_strict", "test_min")
	})
	settled := b.charge(nil)
	b.tick(2 * day)
	pending, late := b.charge(nil), b.charge(fields{"settleduedate": "2026-03-08"})
	held, cancelled := b.charge(fields{"settlestatus": "2"}), b.charge(nil)
	b.ask1(update(cancelled, "3"))
	declined := b.ask1(auth(b.mint()).with(fields{"baseamount": "70000"}))["transactionreference"].(string)
	check := b.ask1(direct(testCard).with(fields{"requesttypedescriptions": []string{"ACCOUNTCHECK"}}))["transactionreference"].(string)
	done := b.ask1(refund(pending, "1"))["transactionreference"].(string)
	sofort := b.ask1(sofort())["transactionreference"].(string)
	strict := fields{"sitereference": "test_strict"}
	for name, c := range map[string]struct {
		element fields
		code    string
		data    any
		ref     bool
	}{
		"settled":              {refund(settled, "1"), "0", nil, true},
		"settled, strict":      {refund(settled, "1").with(strict), "0", nil, true},
		"pending":              {refund(pending, "1"), "0", nil, true},
		"pending, strict":      {refund(pending, "1").with(strict), "20012", nil, true},
		"due later":            {refund(late, "1"), "20005", nil, true},
		"held":                 {refund(held, "1"), "20005", nil, true},
		"cancelled":            {refund(cancelled, "1"), "20005", nil, true},
		"declined":             {refund(declined, "1"), "20011", nil, true},
		"an account check":     {refund(check, "1"), "20006", nil, true},
		"a refund":             {refund(done, "1"), "20006", nil, true},
		"by SOFORT":            {refund(sofort, "1"), "20034", nil, true},
		"too much":             {refund(settled, "1051"), "20007", nil, true},
		"too little":           {refund(settled, "99").with(fields{"sitereference": "test_min"}), "20022", nil, true},
		"no such parent":       {refund("1-2-3", ""), "20004", nil, false},
		"other currency":       {refund(settled, "1").with(fields{"currencyiso3a": "EUR"}), "20015", nil, true},
		"same currency":        {refund(settled, "1").with(fields{"currencyiso3a": "GBP"}), "0", nil, true},
		"main units":           {refund(settled, "").with(fields{"mainamount": "0.01"}), "0", nil, true},
		"zero":                 {refund(settled, "0"), "30000", []any{"baseamount"}, true},
		"odd amount":           {refund(settled, "x"), "30000", []any{"baseamount"}, true},
		"status 3":             {refund(settled, "1").with(fields{"settlestatus": "3"}), "30000", []any{"settlestatus"}, true},
		"by amount":            {payout().with(fields{"baseamount": "70000"}), "70000", nil, true},
		"payout":               {payout(), "0", nil, true},
		"payout, no amount":    {payout().with(fields{"baseamount": nil}), "30000", []any{"baseamount"}, true},
		"payout, no card":      {payout().with(fields{"pan": nil}), "30000", []any{"pan"}, true},
		"payout, no account":   {payout().with(fields{"accounttypedescription": "ECOM"}), "40000", nil, false},
		"payout, not on site":  {payout().with(fields{"sitereference": "test_min"}), "40000", nil, false},
		"payout to a declined": {payout().with(fields{"pan": "4000000000000812"}), "70000", nil, true},
	} {
		a := b.ask1(c.element)
		require.Equal(t, c.code, a["errorcode"], "%s: %v", name, a)
		require.Equal(t, c.data, a["errordata"], name)
		_, hasRef := a["transactionreference"]
		require.Equal(t, c.ref, hasRef, name)
	}
}

func TestRefundOfBankTransfer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.transfer(nil)
	require.Equal(t, "20012", b.ask1(refund(ref, ""))["errorcode"])
	b.decide(ref, gateway.BankAgree)
	b.tick(day)
	part := b.ask1(refund(ref, "50"))
	require.Equal(t, "0", part["errorcode"])
	require.Equal(t, "100", part["settlestatus"], "at once")
	require.Equal(t, "2026-03-05 10:00:00", b.record(part["transactionreference"].(string))["settledtimestamp"])
	require.Equal(t, "20007", b.ask1(refund(ref, "1001"))["errorcode"])
	b.tick(364 * day)
	require.Equal(t, "0", b.ask1(refund(ref, "1"))["errorcode"])
	b.tick(1)
	require.Equal(t, "40001", b.ask1(refund(ref, "1"))["errorcode"])
}

func TestRefundsAndTheJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := func(cfg *gateway.Config) { cfg.Journal = path }
	b := setup(t, journal)
	parent := b.charge(nil)
	ref := b.ask1(refund(parent, "1000"))["transactionreference"].(string)
	b.ask1(updates(ref, fields{"settlebaseamount": "900", "orderreference": "moved", "billingtown": "York"}))
	before := b.g.Ledger()

	again := setup(t, journal)
	require.Equal(t, before, again.g.Ledger())
	require.Equal(t, "900", again.record(ref)["settlebaseamount"])
	require.Contains(t, again.records(fields{"orderreference": is("moved"), "billingtown": is("York")}), ref)
	require.Equal(t, "20007", again.ask1(refund(parent, "151"))["errorcode"])
	require.Equal(t, "0", again.ask1(refund(parent, "150"))["errorcode"])
	again.tick(2 * day)
	require.Equal(t, 100, again.entry(ref).SettleStatus)
}

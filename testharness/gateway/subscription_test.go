package gateway_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// monthly is the part of an element that makes a series.
func monthly() fields {
	return fields{"subscriptiontype": "RECURRING", "subscriptionunit": "MONTH", "subscriptionfrequency": "1", "subscriptionfinalnumber": "3", "subscriptionnumber": "1"}
}

// subscribe pays and subscribes in one element; it returns both answers.
func (b *bench) subscribe(changes fields) (paid, sub map[string]any) {
	b.t.Helper()
	answers := b.chain(direct(testCard).with(monthly()).with(changes), "AUTH", "SUBSCRIPTION")
	require.Len(b.t, answers, 2, answers)
	require.Equal(b.t, "0", answers[1]["errorcode"], answers[1])
	return answers[0], answers[1]
}

// instalments are the payments that the engine made of a subscription.
func (b *bench) instalments(sub string) []gateway.Entry {
	var out []gateway.Entry
	for _, e := range b.g.Ledger() {
		if e.Parent == sub {
			out = append(out, e)
		}
	}
	return out
}

func (b *bench) active(sub string) string {
	b.t.Helper()
	return b.record(sub)["transactionactive"].(string)
}

func TestSubscriptionRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paid, answered := b.subscribe(fields{"customerfirstname": "Åsa"})
	require.Equal(t, "SUBSCRIPTION", answered["requesttypedescription"])
	require.Equal(t, paid["transactionreference"], answered["parenttransactionreference"])
	require.Regexp(t, `^55-64-\d+$`, answered["transactionreference"])
	require.Equal(t, "RECUR", answered["accounttypedescription"])
	require.Equal(t, "2", answered["transactionactive"])
	require.Equal(t, "2026-04-04 00:00:00", answered["transactionstartedtimestamp"], "the day it begins")
	sub := answered["transactionreference"].(string)

	b.tick(2 * day)
	require.Equal(t, "1", b.active(sub), "the first payment has settled")
	b.tick(28 * day)
	require.Empty(t, b.instalments(sub))
	b.tick(day) // 4 April
	first := b.instalments(sub)
	require.Len(t, first, 1)
	require.Equal(t, int64(1050), first[0].Amount)
	require.Equal(t, "AUTH", first[0].Type)
	require.Equal(t, "RECUR", first[0].Account)
	require.Equal(t, "K1-a1", first[0].OrderReference)
	r := b.record(first[0].TransactionReference)
	require.Equal(t, "2", r["subscriptionnumber"])
	require.Equal(t, "Åsa", r["customerfirstname"])
	require.Equal(t, "2026-04-04 00:00:00", r["transactionstartedtimestamp"])
	require.Equal(t, "0", r["settlestatus"])
	b.tick(60 * day)
	require.Len(t, b.instalments(sub), 2, "three with the first")
	require.Equal(t, "3", b.active(sub))
	require.Equal(t, 100, b.instalments(sub)[1].SettleStatus)
	require.Equal(t, "60017", b.ask1(updates(sub, fields{"transactionactive": "1"}))["errorcode"], "for good")

	// Its record is found on the day that it began.
	window := fields{"requesttypedescription": is("SUBSCRIPTION"), "starttimestamp": is("2026-04-04 00:00:00"), "endtimestamp": is("2026-04-04 00:00:00")}
	require.Contains(t, b.records(window), sub)
	require.Empty(t, b.records(fields{"requesttypedescription": is("SUBSCRIPTION"), "endtimestamp": is("2026-03-04 23:59:59")}))
	require.Equal(t, "20032", b.ask1(auth(sub))["errorcode"])
}

// What was missed while it was inactive is caught up with.
func TestSubscriptionCatchesUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answers := b.chain(direct(testCard).with(monthly()).with(fields{"subscriptionunit": "DAY", "subscriptionfinalnumber": "0"}), "ACCOUNTCHECK", "SUBSCRIPTION")
	require.Equal(t, "1", answers[1]["transactionactive"])
	sub := answers[1]["transactionreference"].(string)
	b.tick(day)
	require.Len(t, b.instalments(sub), 1)
	require.Equal(t, "0", b.ask1(updates(sub, fields{"transactionactive": "0"}))["errorcode"])
	b.tick(3 * day)
	require.Len(t, b.instalments(sub), 1)
	require.Equal(t, "0", b.ask1(updates(sub, fields{"transactionactive": "1", "baseamount": "99", "subscriptionfrequency": "2"}))["errorcode"])
	b.tick(day)
	all := b.instalments(sub)
	require.Len(t, all, 3, "of 6 March and, two days on, of 8 March; 10 March is not there yet")
	require.Equal(t, int64(99), all[2].Amount)
	require.Equal(t, "0", b.ask1(updates(sub, fields{"transactionactive": "3"}))["errorcode"])
	b.tick(30 * day)
	require.Len(t, b.instalments(sub), 3)
}

func TestSubscriptionByScript(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, answered := b.subscribe(fields{"subscriptionunit": "DAY", "subscriptionfrequency": "7"})
	b.fault(gateway.Fault{Effect: gateway.EffectCode, Type: "AUTH", Code: "70000", AcquirerCode: "51", Times: 1})
	b.tick(14 * day)
	all := b.instalments(answered["transactionreference"].(string))
	require.Len(t, all, 2)
	require.Equal(t, "70000", all[0].ErrorCode)
	require.Equal(t, 3, all[0].SettleStatus)
	require.Equal(t, "0", all[1].ErrorCode)
}

func TestSubscriptionCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) {
		cfg.Sites = append(cfg.Sites, gateway.Site{Reference: "test_ecom", Accounts: []string{"ECOM"}})
		cfg.Users[0].Sites = append(cfg.Users[0].Sites, "test_ecom")
	})
	parent := b.charge(nil)
	declined := b.ask1(auth(b.mint()).with(fields{"baseamount": "70000"}))["transactionreference"].(string)
	alone := fields{"requesttypedescriptions": []string{"SUBSCRIPTION"}, "sitereference": gateway.DefaultSite, "parenttransactionreference": parent}.with(monthly())
	for name, c := range map[string]struct {
		changes fields
		code    string
		data    any
	}{
		"ok":              {nil, "0", nil},
		"own amount":      {fields{"baseamount": "77"}, "0", nil},
		"begins later":    {fields{"subscriptionbegindate": "2026-05-31"}, "0", nil},
		"begins before":   {fields{"subscriptionbegindate": "2026-03-03"}, "30000", []any{"subscriptionbegindate"}},
		"no RECUR":        {fields{"sitereference": "test_ecom"}, "20018", nil},
		"no parent":       {fields{"parenttransactionreference": nil}, "30000", []any{"parenttransactionreference"}},
		"unknown parent":  {fields{"parenttransactionreference": "1-2-3"}, "20004", nil},
		"declined parent": {fields{"parenttransactionreference": declined}, "20019", nil},
		"bank transfer":   {fields{"parenttransactionreference": b.transfer(nil)}, "20028", nil},
		"no unit":         {fields{"subscriptionunit": nil}, "30000", []any{"subscriptionunit"}},
		"no type":         {fields{"subscriptiontype": nil}, "30000", []any{"subscriptiontype"}},
		"odd frequency":   {fields{"subscriptionfrequency": "0"}, "30000", []any{"subscriptionfrequency"}},
		"odd final":       {fields{"subscriptionfinalnumber": "x"}, "30000", []any{"subscriptionfinalnumber"}},
		"odd number":      {fields{"subscriptionnumber": "-1"}, "30000", []any{"subscriptionnumber"}},
		"other currency":  {fields{"currencyiso3a": "EUR"}, "20015", nil},
	} {
		a := b.ask1(alone.with(c.changes))
		require.Equal(t, c.code, a["errorcode"], "%s: %v", name, a)
		require.Equal(t, c.data, a["errordata"], name)
	}
	stopped := b.chain(direct("4000000000000812").with(monthly()), "AUTH", "SUBSCRIPTION")
	require.Len(t, stopped, 1, "none after a decline")
}

// An element that follows another takes what that booked as its parent.
func TestSubscriptionOfTheElementBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := direct(testCard).with(fields{"requesttypedescription": "ACCOUNTCHECK", "requesttypedescriptions": nil, "baseamount": "100"})
	second := fields{"requesttypedescription": "SUBSCRIPTION", "sitereference": gateway.DefaultSite}.with(monthly()).with(fields{"subscriptiontype": "INSTALLMENT"})
	a := b.ask(first, second)
	require.Equal(t, "0", a[1]["errorcode"], a[1])
	require.Equal(t, a[0]["transactionreference"], a[1]["parenttransactionreference"])
	require.Equal(t, "100", a[1]["baseamount"])
}

func TestSubscriptionsAndTheJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := func(cfg *gateway.Config) { cfg.Journal = path }
	b := setup(t, journal)
	_, answered := b.subscribe(fields{"subscriptionunit": "DAY", "subscriptionfinalnumber": "9"})
	sub := answered["transactionreference"].(string)
	b.tick(4 * day)
	require.Len(t, b.instalments(sub), 4)
	before := b.g.Ledger()

	again := setup(t, journal)
	require.Equal(t, before, again.g.Ledger())
	require.Equal(t, "1", again.active(sub))
	again.tick(10 * day)
	require.Len(t, again.instalments(sub), 8, "two to nine")
	require.Equal(t, "3", again.active(sub))
}

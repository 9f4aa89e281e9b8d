package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestUpdateTransitions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, from := range []string{"0", "1", "2"} {
		for _, to := range []string{"0", "1", "2", "3"} {
			ref := b.charge(fields{"settlestatus": from})
			a := b.ask1(update(ref, to))
			require.Equal(t, "TRANSACTIONUPDATE", a["requesttypedescription"])
			want := "0"
			if from == to {
				want = "60024"
			}
			require.Equal(t, want, a["errorcode"], "%s to %s", from, to)
			require.NotContains(t, a, "settlestatus", "the answer is bare")
			require.Equal(t, to, b.record(ref)["settlestatus"])
		}
	}
}

func TestUpdateHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(fields{"settlestatus": "2"})
	b.tick(minute)
	b.ask1(update(ref, "0"))
	require.Equal(t, []gateway.Change{
		{At: begin, From: 2, To: 2, By: gateway.DefaultUser},
		{At: begin.Add(minute), From: 2, To: 0, By: gateway.DefaultUser},
	}, b.entry(ref).History)
}

func TestUpdateCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) {
		cfg.Sites = append(cfg.Sites, gateway.Site{Reference: "test_hidden"}, gateway.Site{Reference: "test_two"})
		cfg.Users[0].Sites = append(cfg.Users[0].Sites, "test_two")
	})
	hidden, err := b.g.Enter(gateway.Entered{Site: "test_hidden", Card: testCard, Amount: 1, Currency: "GBP"})
	require.NoError(t, err)
	check, err := b.g.Enter(gateway.Entered{Site: gateway.DefaultSite, Card: testCard, Currency: "GBP", Type: "ACCOUNTCHECK"})
	require.NoError(t, err)
	settled := b.charge(nil)
	b.tick(24 * hour)
	settling := b.charge(nil)
	b.tick(24 * hour)
	ref, free, cancelled := b.charge(nil), b.charge(nil), b.charge(nil)
	require.Equal(t, "0", b.ask1(update(cancelled, "3"))["errorcode"])
	declined := b.ask1(auth(b.mint()).with(fields{"baseamount": "70000"}))["transactionreference"].(string)

	filter := func(f fields) fields { return update(ref, "2").with(fields{"filter": f}) }
	updates := func(f any) fields { return update(ref, "2").with(fields{"updates": f}) }
	for name, c := range map[string]struct {
		element fields
		code    string
		data    any
	}{
		"no filter":        {update(ref, "2").with(fields{"filter": nil}), "60019", nil},
		"no reference":     {filter(fields{"sitereference": is(gateway.DefaultSite)}), "60019", nil},
		"empty reference":  {filter(fields{"transactionreference": is()}), "60019", nil},
		"unknown filter":   {filter(fields{"orderreference": is("K1-a1")}), "60037", []any{"orderreference"}},
		"two references":   {filter(fields{"transactionreference": is(ref, cancelled)}), "60037", []any{"transactionreference"}},
		"unknown site":     {filter(fields{"transactionreference": is(ref), "sitereference": is("x")}), "30001", nil},
		"site of others":   {filter(fields{"transactionreference": is(ref), "sitereference": is("test_hidden")}), "30006", nil},
		"another site":     {filter(fields{"transactionreference": is(ref), "sitereference": is("test_two")}), "60014", nil},
		"not there":        {update("1-2-3", "2"), "60014", nil},
		"not visible":      {filter(fields{"transactionreference": is(hidden.TransactionReference)}), "60014", nil},
		"no updates":       {update(ref, "2").with(fields{"updates": nil}), "60013", nil},
		"empty updates":    {updates(fields{}), "60013", nil},
		"amount":           {updates(fields{"baseamount": "1"}), "60033", []any{"baseamount"}},
		"odd status":       {updates(fields{"settlestatus": "4"}), "30000", []any{"settlestatus"}},
		"status a number":  {updates(fields{"settlestatus": 3}), "30000", []any{"settlestatus"}},
		"cancelled":        {update(cancelled, "0"), "60017", nil},
		"cancelled again":  {update(cancelled, "3"), "60017", nil},
		"declined":         {update(declined, "0"), "60017", nil},
		"settling":         {update(settling, "3"), "60017", nil},
		"settled":          {update(settled, "3"), "60017", nil},
		"an account check": {update(check.TransactionReference, "3"), "60017", nil},
		"unchanged":        {update(ref, "0"), "60024", nil},
		"without a site":   {update(ref, "2").with(fields{"filter": fields{"transactionreference": is(free)}}), "0", nil},
	} {
		a := b.ask1(c.element)
		require.Equal(t, c.code, a["errorcode"], name)
		require.Equal(t, c.data, a["errordata"], name)
		require.Equal(t, "TRANSACTIONUPDATE", a["requesttypedescription"], name)
	}
}

func TestSeveralElementsAreAnsweredEach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.charge(fields{"settlestatus": "2"}), b.charge(fields{"settlestatus": "2"})
	a := b.ask(update(one, "0"), update("1-2-3", "0"), update(two, "3"), query(fields{"transactionreference": is(one)}), fields{})
	require.Equal(t, "0", a[0]["errorcode"])
	require.Equal(t, "60014", a[1]["errorcode"])
	require.Equal(t, "0", a[2]["errorcode"])
	require.Equal(t, "1", a[3]["found"])
	require.Equal(t, "60018", a[4]["errorcode"])
	require.Equal(t, 0, b.entry(one).SettleStatus)
	require.Equal(t, 3, b.entry(two).SettleStatus)
}

// updates changes fields of a transaction.
func updates(ref string, to fields) fields {
	return update(ref, "0").with(fields{"updates": to})
}

func TestUpdateOfAllFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(fields{"settlestatus": "2", "billingtown": "York"})
	change := func(to fields) map[string]any { return b.ask1(updates(ref, to)) }
	require.Equal(t, "0", change(fields{
		"settlestatus": "0", "settlebaseamount": "500", "settleduedate": "2026-03-08", "orderreference": "K1-b", "billingtown": "Leeds",
		"billingemail": "a@example.com", "nationalid": "790101-1234",
	})["errorcode"])
	r := b.record(ref)
	require.Equal(t, "0", r["settlestatus"])
	require.Equal(t, "500", r["settlebaseamount"])
	require.Equal(t, "1050", r["baseamount"])
	require.Equal(t, "2026-03-08", r["settleduedate"])
	require.Equal(t, "K1-b", r["orderreference"])
	require.Equal(t, "Leeds", r["billingtown"])
	require.Equal(t, "a@example.com", r["billingemail"])
	require.NotContains(t, r, "nationalid")
	require.Empty(t, b.records(fields{"orderreference": is("K1-a1")}), "the order found it before")
	require.Contains(t, b.records(fields{"orderreference": is("K1-b")}), ref)
	require.Equal(t, int64(500), b.entry(ref).SettleAmount)
	b.tick(3 * day)
	require.Equal(t, 0, b.entry(ref).SettleStatus, "due later")

	require.Equal(t, "0", change(fields{"settlemainamount": "10.50"})["errorcode"])
	require.Equal(t, "1050", b.record(ref)["settlebaseamount"])
	for name, c := range map[string]struct {
		to   fields
		code string
		data any
	}{
		"above the authorised":   {fields{"settlebaseamount": "1051"}, "60016", []any{"settlebaseamount"}},
		"above in main units":    {fields{"settlemainamount": "10.51"}, "60016", []any{"settlemainamount"}},
		"zero":                   {fields{"settlebaseamount": "0"}, "30000", []any{"settlebaseamount"}},
		"odd amount":             {fields{"settlebaseamount": "5.00"}, "30000", []any{"settlebaseamount"}},
		"past":                   {fields{"settleduedate": "2026-03-06"}, "30000", []any{"settleduedate"}},
		"too far":                {fields{"settleduedate": "2026-03-12"}, "30000", []any{"settleduedate"}},
		"odd e-mail":             {fields{"billingemail": "a"}, "30000", []any{"billingemail"}},
		"delivery":               {fields{"customertown": "York"}, "60033", []any{"customertown"}},
		"card":                   {fields{"pan": testCard}, "60033", []any{"pan"}},
		"field of subscriptions": {fields{"transactionactive": "0"}, "60033", []any{"transactionactive"}},
		"same amount":            {fields{"settlebaseamount": "1050"}, "60024", nil},
		"same town":              {fields{"billingtown": "Leeds"}, "30015", nil},
	} {
		a := change(c.to)
		require.Equal(t, c.code, a["errorcode"], "%s: %v", name, a)
		require.Equal(t, c.data, a["errordata"], name)
	}
	require.Equal(t, "Leeds", b.record(ref)["billingtown"])
	require.Equal(t, "30000", change(fields{"billingtown": "Hull", "settlestatus": "9"})["errorcode"])
	require.Equal(t, "Leeds", b.record(ref)["billingtown"], "all or none")
}

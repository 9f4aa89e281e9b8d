package gateway_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestQueryRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(nil)
	r := b.record(ref)
	require.Equal(t, "AUTH", r["requesttypedescription"])
	require.Equal(t, "0", r["errorcode"])
	require.Equal(t, "0", r["settlestatus"])
	require.Equal(t, "1050", r["baseamount"])
	require.Equal(t, gateway.DefaultSite, r["sitereference"])
	require.Equal(t, origin, r["interface"])
	require.Regexp(t, `^\d\d/20\d\d$`, r["expirydate"])
	require.Equal(t, "2026-03-04 10:00:00", r["transactionstartedtimestamp"])
}

func TestQueryFilters(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) {
		cfg.Sites = append(cfg.Sites, gateway.Site{Reference: "test_two"}, gateway.Site{Reference: "test_hidden"})
		cfg.Users[0].Sites = append(cfg.Users[0].Sites, "test_two")
	})
	parent := b.mint()
	_, err := b.g.Enter(gateway.Entered{Site: "test_hidden", Card: testCard, Amount: 1, Currency: "GBP", OrderReference: "A"})
	require.NoError(t, err)
	ask := func(changes fields) string {
		return b.ask1(auth(parent).with(changes))["transactionreference"].(string)
	}
	a := ask(fields{"orderreference": "A"})
	again := ask(fields{"orderreference": "A"})
	b.tick(hour)
	declined := ask(fields{"orderreference": "B", "baseamount": "70000"})
	two := ask(fields{"orderreference": "C", "sitereference": "test_two", "accounttypedescription": "MOTO", "settlestatus": "2"})
	mc := b.ask1(direct("5100000000000511").with(fields{"orderreference": "D", "currencyiso3a": "EUR"}))["transactionreference"].(string)

	for name, c := range map[string]struct {
		filter fields
		want   []string
	}{
		"order":               {fields{"orderreference": is("A")}, []string{a, again}},
		"orders are OR":       {fields{"orderreference": is("A", "B", "A", "none")}, []string{a, again, declined}},
		"filters are AND":     {fields{"orderreference": is("A", "C"), "sitereference": is("test_two")}, []string{two}},
		"one object":          {fields{"orderreference": fields{"value": "B"}}, []string{declined}},
		"symbol":              {fields{"orderreference": []fields{{"value": "B", "symbol": "IS"}}}, []string{declined}},
		"reference":           {fields{"transactionreference": is(a, two, "1-2-3", a)}, []string{a, two}},
		"parent":              {fields{"parenttransactionreference": is(parent)}, []string{a, again, declined, two}},
		"type and no parent":  {fields{"requesttypedescription": is("AUTH"), "accounttypedescription": is("ECOM"), "currencyiso3a": is("EUR")}, []string{mc}},
		"no type":             {fields{"requesttypedescription": is("ACCOUNTCHECK")}, nil},
		"masked":              {fields{"maskedpan": is("510000######0511")}, []string{mc}},
		"payment type":        {fields{"paymenttypedescription": is("MASTERCARD")}, []string{mc}},
		"code":                {fields{"errorcode": is("70000")}, []string{declined}},
		"status":              {fields{"settlestatus": is("2")}, []string{two}},
		"from":                {fields{"starttimestamp": is("2026-03-04 11:00:00")}, []string{declined, two, mc}},
		"to":                  {fields{"endtimestamp": is("2026-03-04 10:00:00")}, []string{parent, a, again}},
		"between":             {fields{"starttimestamp": is("2026-03-04 10:00:01"), "endtimestamp": is("2026-03-04 10:59:59")}, nil},
		"case matters":        {fields{"orderreference": is("a")}, nil},
		"space matters":       {fields{"orderreference": is("A ")}, nil},
		"empty filter beside": {fields{"orderreference": is("B"), "currencyiso3a": is()}, []string{declined}},
	} {
		var got []string
		for ref := range b.records(c.filter) {
			got = append(got, ref)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		require.Equal(t, c.want, got, name)
	}
}

func TestQueryCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) { cfg.Sites = append(cfg.Sites, gateway.Site{Reference: "test_hidden"}) })
	for name, c := range map[string]struct {
		element fields
		code    string
		data    any
		kind    string
	}{
		"no filter":        {query(nil).with(fields{"filter": nil}), "60019", nil, "TRANSACTIONQUERY"},
		"empty filter":     {query(fields{}), "60019", nil, "TRANSACTIONQUERY"},
		"no values":        {query(fields{"orderreference": is()}), "60019", nil, "TRANSACTIONQUERY"},
		"unknown filter":   {query(fields{"colour": is("red")}), "60037", []any{"colour"}, "TRANSACTIONQUERY"},
		"bad time":         {query(fields{"starttimestamp": is("yesterday")}), "60037", []any{"starttimestamp"}, "TRANSACTIONQUERY"},
		"bad value":        {query(fields{"orderreference": []fields{{"value": 7}}}), "60037", []any{"orderreference"}, "TRANSACTIONQUERY"},
		"unknown symbol":   {query(fields{"orderreference": []fields{{"value": "A", "symbol": "LIKE"}}}), "60037", []any{"orderreference"}, "TRANSACTIONQUERY"},
		"unknown site":     {query(fields{"sitereference": is("test_x")}), "30001", nil, "TRANSACTIONQUERY"},
		"site of others":   {query(fields{"sitereference": is("test_hidden")}), "30006", nil, "TRANSACTIONQUERY"},
		"filter is a text": {query(nil).with(fields{"filter": "x"}), "60019", nil, "TRANSACTIONQUERY"},
	} {
		a := b.ask1(c.element)
		require.Equal(t, c.code, a["errorcode"], name)
		require.Equal(t, c.data, a["errordata"], name)
		require.Equal(t, c.kind, a["requesttypedescription"], name)
		require.NotContains(t, a, "found", name)
	}
}

func TestQueryFindsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shapes := map[bool]bool{}
	for range 30 {
		a := b.ask1(query(fields{"orderreference": is("none")}))
		require.Equal(t, "0", a["found"])
		list, there := a["records"]
		shapes[there] = true
		require.Empty(t, list)
	}
	if !inXML { // where both are the same
		require.Len(t, shapes, 2, "records are empty, or not there")
	}
}

func TestQueryLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.mint()
	for i := range 501 {
		b.ask1(auth(parent).with(fields{"orderreference": fmt.Sprint(i)}))
	}
	a := b.ask1(query(fields{"parenttransactionreference": is(parent)}))
	require.Equal(t, "500", a["found"])
	require.Len(t, a["records"], 500)
	require.NotContains(t, b.records(fields{"parenttransactionreference": is(parent)}), b.orders("0")[0].TransactionReference, "the oldest is left out")
}

func TestQueryLag(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) { cfg.Switches.QueryLag = gateway.Duration(10 * minute) })
	parent := b.mint()
	require.Equal(t, "0", b.ask1(auth(parent))["errorcode"], "a parent needs no query")
	require.Empty(t, b.records(fields{"orderreference": is("K1-a1")}))
	b.tick(10*minute - 1)
	require.Empty(t, b.records(fields{"orderreference": is("K1-a1")}))
	b.tick(1)
	require.Len(t, b.records(fields{"orderreference": is("K1-a1")}), 1)
}

// A window of time takes in the second that it ends with, or not.
func TestQueryWindow(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		b := setup(t, func(cfg *gateway.Config) { cfg.Switches.QueryEndExclusive = exclusive })
		parent := b.mint()
		b.tick(700 * time.Millisecond)
		first := b.ask1(auth(parent))["transactionreference"].(string)
		b.tick(2 * time.Second)
		second := b.ask1(auth(parent))["transactionreference"].(string)
		got := func(start, end string) []string {
			var all []string
			for ref := range b.records(fields{"sitereference": is(gateway.DefaultSite), "starttimestamp": is(start), "endtimestamp": is(end)}) {
				all = append(all, ref)
			}
			slices.Sort(all)
			return all
		}
		require.Equal(t, []string{parent, first}, got("2026-03-04 10:00:00", "2026-03-04 10:00:01"))
		require.Equal(t, []string{second}, got("2026-03-04 10:00:01", "2026-03-04 10:00:03"))
		require.Empty(t, got("2026-03-04 10:00:03", "2026-03-04 10:00:00"), "backwards")
		atEnd := got("2026-03-04 10:00:01", "2026-03-04 10:00:02")
		if exclusive {
			require.Empty(t, atEnd)
		} else {
			require.Equal(t, []string{second}, atEnd)
		}
	}
}

func TestQueryCountsAll(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) { cfg.Switches.QueryCountsAll = true })
	parent := b.mint()
	for i := range 501 {
		b.ask1(auth(parent).with(fields{"orderreference": fmt.Sprint(i)}))
	}
	a := b.ask1(query(fields{"parenttransactionreference": is(parent)}))
	require.Equal(t, "501", a["found"])
	require.Len(t, a["records"], 500)
}

func TestQueryByDetailsAndCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.ask1(direct(testCard).with(fields{"billingpostcode": "TR45 6ST", "billinglastname": "Ek", "customertown": "Hull", "customfield3": "c"}))["transactionreference"].(string)
	child := b.ask1(auth(ref).with(fields{"billinglastname": "Alm"}))["transactionreference"].(string)
	b.ask1(direct("5100000000000511"))
	find := func(filter fields) []string { return slices.Sorted(maps.Keys(b.records(filter))) }
	require.Equal(t, []string{ref, child}, find(fields{"billingpostcode": is("TR45 6ST")}), "a child has its parent's address")
	require.Equal(t, []string{ref}, find(fields{"billinglastname": is("Ek")}))
	require.Equal(t, []string{child}, find(fields{"billinglastname": is("Alm"), "customertown": is("Hull")}))
	require.Equal(t, []string{ref}, find(fields{"customfield3": is("c")}))
	require.Equal(t, []string{ref, child}, find(fields{"pan": is(testCard)}))
	require.Equal(t, []string{ref}, find(fields{"transactionreference": ref}), "a mere text")
	require.Equal(t, "Alm", b.record(child)["billinglastname"])
}

package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func TestPreferWait(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	post := func(reference string, minor int64, prefer string) (map[string]any, time.Duration) {
		begin := time.Now()
		_, c := b.place(s, reference, minor, "Prefer", prefer)
		return c, time.Since(begin)
	}
	c, _ := post("approved", 1250, "wait=20")
	require.Equal(t, "yes", c["produce"])
	c, _ = post("declined", 70000, "wait=20")
	require.Equal(t, "no", c["produce"])
	c, _ = post("beside others", 1251, "respond-async, wait=20")
	require.Equal(t, "yes", c["produce"])

	slow := int64(2000)
	_, err := b.gateway.AddFaults(gateway.Fault{Effect: gateway.EffectLatency, Type: "AUTH", Amount: gateway.Exactly(slow), Delay: gateway.Duration(2500 * time.Millisecond)})
	require.NoError(t, err)
	for _, prefer := range []string{"", "respond-async", "wait=soon", "wait=-1", "wait=0"} {
		c, took := post("at once, "+prefer+".", slow, prefer)
		require.Equal(t, "wait", c["produce"], "%q", prefer)
		require.Less(t, took, 2*time.Second, "%q", prefer)
	}
	c, took := post("a little", slow, "wait=1")
	require.Equal(t, "wait", c["produce"])
	require.GreaterOrEqual(t, took, time.Second)
	require.Less(t, took, 2500*time.Millisecond)
	c, _ = post("for ever", slow, "wait=9223372036854775807") // no longer than the host allows, and decided before
	require.Equal(t, "yes", c["produce"])
}

// However often and however fast an order is posted, it is one order and one
// charge.
func TestSameOrderAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		s := b.shop("one")
		order := s.order("A-1", 1250, "GBP")
		answers := make([]answer, 24)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = b.do(b.key, "POST", "/v1/orders", order, "Prefer", "wait=20") })
		}
		all.Wait()
		created := 0
		for _, a := range answers {
			if a.status == 202 {
				created++
			} else {
				b.must(200, a)
			}
			require.Equal(t, answers[0].object()["id"], a.object()["id"])
			require.Equal(t, "yes", firstCharge(t, a.object())["produce"])
		}
		require.Equal(t, 1, created)
		require.Equal(t, 1, b.authorisations())
		require.EqualValues(t, 1, b.rows()["charges"])
		require.Empty(t, b.log.errors())
	})
}

// A second post with another content is a conflict, and changes nothing.
func TestConflict(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	first, c := b.place(s, "A-1", 1250)
	b.until(c["id"], "released")
	before := b.rows()
	another := s.order("A-1", 1251, "GBP")
	require.Contains(t, b.must(409, b.do(b.key, "POST", "/v1/orders", another)).problem().Detail,
		`order "A-1" is here already with another amount, currency or fulfiller; a changed order needs a new reference`)
	b.must(409, b.do(b.key, "POST", "/v1/orders", s.order("A-1", 1250, "EUR")))
	// The time alone doesn't make it another.
	same := s.order("A-1", 1250, "GBP")
	same["placed_at"] = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	again := b.must(200, b.do(b.key, "POST", "/v1/orders", same)).object()
	require.Equal(t, first["id"], again["id"])
	require.Equal(t, first["placed_at"], again["placed_at"])
	require.Equal(t, first["created_at"], again["created_at"])

	// What was taken in is answered as before even when nothing new is.
	b.must(200, b.do(b.key, "PATCH", "/v1/links/"+s.link, map[string]any{"state": "off"}))
	require.Equal(t, first["id"], b.must(200, b.do(b.key, "POST", "/v1/orders", same)).object()["id"])
	p := b.must(409, b.do(b.key, "POST", "/v1/orders", s.order("A-2", 1, "GBP"))).problem()
	require.Contains(t, p.Detail, "charging is switched off for this link; switch it on in the settings")
	require.Equal(t, before, b.rows())
	require.Equal(t, 1, b.authorisations())
}

// A batch is answered item by item, in its order. Of orders with the same name
// the first counts, whatever the others ask for.
func TestBatch(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		s := b.shop("one")
		var orders []any
		var want []int
		add := func(status int, o map[string]any) { orders, want = append(orders, o), append(want, status) }
		good := 0
		for i := range 100 {
			name := fmt.Sprintf("B-%d", i)
			add(202, s.order(name, int64(1000+i), "GBP"))
			add(200, s.order(name, int64(1000+i), "GBP"))
			add(409, s.order(name, int64(2000+i), "GBP"))
			good++
			switch i % 4 {
			case 0:
				add(422, s.order(name+" zero", 0, "GBP"))
				add(422, s.order(name+"\n", 1, "GBP"))
			case 1:
				add(422, s.order(name+" money", 1, "XQQ"))
				o := s.order(name+" nobody", 1, "GBP")
				o["channel"] = "nobody"
				add(422, o)
			case 2:
				o := s.order(name+" early", 1, "GBP")
				o["placed_at"] = "2001-01-01T00:00:00Z"
				add(409, o)
				add(422, s.order("", 1, "GBP"))
			default:
				add(202, s.order(name+" too", 5, "GBP"))
				add(422, s.order(name+" too", -5, "GBP"))
				good++
			}
		}
		require.Len(t, orders, 500)
		items := b.must(200, b.do(b.key, "POST", "/v1/orders/batch", map[string]any{"orders": orders})).items()
		require.Len(t, items, 500)
		for i, item := range items {
			sent, _ := orders[i].(map[string]any)
			require.EqualValues(t, want[i], item["status"], "item %d, %v: %v", i, sent["reference"], item)
			if order, ok := item["order"].(map[string]any); ok {
				require.Equal(t, sent["reference"], order["reference"])
				require.NotContains(t, item, "problem")
			} else {
				p, _ := item["problem"].(map[string]any)
				require.Equal(t, item["status"], p["status"])
				require.NotEmpty(t, p["detail"])
				require.NotEmpty(t, p["errors"])
			}
		}
		require.EqualValues(t, good, b.rows()["orders"])
		eventually(t, "all are released", func() bool {
			return len(b.must(200, b.do(b.key, "GET", "/v1/charges?state=released&limit=200", nil)).items()) == good
		})
		require.Equal(t, good, b.authorisations())
		require.Empty(t, b.log.errors())
	})
}

// A batch that isn't one is refused as a whole.
func TestBatchRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	before := b.rows()
	many := make([]any, 501)
	for i := range many {
		many[i] = s.order(fmt.Sprintf("B-%d", i), 1, "GBP")
	}
	broken := maps.Clone(s.order("B-2", 1, "GBP"))
	delete(broken, "placed_at")
	for name, test := range map[string]struct {
		orders any
		field  string
		want   string
	}{
		"none":         {[]any{}, "orders", "there must be at least 1"},
		"null":         {nil, "orders", "it must be a list"},
		"too many":     {many, "orders", "there must not be more than 500"},
		"one broken":   {[]any{many[0], broken}, "orders[1].placed_at", "it is missing"},
		"one fraction": {[]any{many[0], s.order("B-2", 0.5, "GBP")}, "orders[1].parts[0].amount.minor", "it must be a whole number"},
		"no order":     {[]any{many[0], "B-2"}, "orders[1]", "it must be a JSON object"},
	} {
		p := b.must(422, b.do(b.key, "POST", "/v1/orders/batch", map[string]any{"orders": test.orders})).problem()
		require.Contains(t, p.fields(), test.field, name)
		require.Contains(t, p.Detail, test.want, name)
	}
	require.Equal(t, before, b.rows())
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	order, c := b.place(s, "A-1", 1250)
	b.until(c["id"], "released")
	path := fmt.Sprintf("/v1/orders/%s/cancel", order["id"])
	cancelled := b.must(200, b.do(b.key, "POST", path, map[string]any{"reason": "changed her mind"})).object()
	require.NotEmpty(t, cancelled["cancelled_at"])
	require.Equal(t, "no", firstCharge(t, cancelled)["produce"])
	b.until(c["id"], "cancelled")
	again := b.must(200, b.do(b.key, "POST", path, map[string]any{"reason": "again"})).object()
	require.Equal(t, cancelled["cancelled_at"], again["cancelled_at"])
	require.Equal(t, "cancelled", firstCharge(t, again)["state"])
	posted := b.must(200, b.do(b.key, "POST", "/v1/orders", s.order("A-1", 1250, "GBP"))).object()
	require.Equal(t, cancelled["cancelled_at"], posted["cancelled_at"])
	for _, e := range b.gateway.Ledger() {
		if e.Parent != "" {
			require.Equal(t, "3", fmt.Sprint(e.SettleStatus), "the gateway still holds the money")
		}
	}
	require.Equal(t, 1, b.authorisations())
	require.Contains(t, string(b.must(200, b.do(b.key, "GET", fmt.Sprintf("/v1/charges/%s", c["id"]), nil)).body), "changed her mind")
}

func TestExplainAndRetry(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	_, c := b.place(s, "A-1", 1250)
	b.until(c["id"], "released")
	path := fmt.Sprintf("/v1/charges/%s", c["id"])
	story := b.must(200, b.do(s.fulfillerKey, "GET", path, nil)).object()
	require.Equal(t, "A-1", story["order_reference"])
	require.Len(t, story["attempts_detail"], 1)
	require.Len(t, story["records"], 1)
	require.GreaterOrEqual(t, len(story["story"].([]any)), 2)
	next, _ := story["next"].(map[string]any)
	require.NotEmpty(t, next["text"])
	require.NotEmpty(t, next["at"])

	before := b.rows()
	p := b.must(409, b.do(s.fulfillerKey, "POST", path+"/retry", map[string]any{"attempts": 1, "reason": "once more"})).problem()
	require.Contains(t, p.Detail, "does not wait for a person to allow another attempt")
	b.must(422, b.do(s.fulfillerKey, "POST", path+"/retry", map[string]any{"attempts": 1, "reason": strings.Repeat("x", 501)}))
	require.Equal(t, before, b.rows())

	// Where it does wait, one more attempt is made.
	amount := int64(4343)
	_, err := b.gateway.AddFaults(gateway.Fault{Effect: gateway.EffectCode, Type: "AUTH", Amount: gateway.Exactly(amount), Code: "20009", Unrecorded: true, Times: 1})
	require.NoError(t, err)
	_, c = b.place(s, "A-2", amount, "Prefer", "wait=20")
	person, _ := c["needs_person"].(map[string]any)
	require.NotEmpty(t, person["advice"], "%v", c)
	listed := b.must(200, b.do(s.fulfillerKey, "GET", "/v1/charges?needs_person=true", nil)).items()
	require.Len(t, listed, 1)
	require.Equal(t, c["id"], listed[0]["id"])
	retry := fmt.Sprintf("/v1/charges/%s/retry", c["id"])
	b.must(409, b.do(s.fulfillerKey, "POST", retry, map[string]any{"attempts": 7, "reason": "another was looked at"}))
	b.must(200, b.do(s.fulfillerKey, "POST", retry, map[string]any{"attempts": 1, "reason": "the limit was lifted"}))
	retried := b.until(c["id"], "released")
	b.must(409, b.do(s.fulfillerKey, "POST", retry, map[string]any{"attempts": 1, "reason": "sent again"}))
	require.EqualValues(t, 2, retried["attempts"])
	require.Equal(t, "yes", retried["produce"])
}

// The ledger of a settled charge leads from the retailer to settled, and pages
// of any list can be put together.
func TestPages(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	for i := range 5 {
		_, c := b.place(s, fmt.Sprintf("A-%d", i), 100, "Prefer", "wait=20")
		b.until(c["id"], "released")
	}
	for _, path := range []string{"/v1/charges", "/v1/ledger", "/v1/companies", "/v1/links", "/v1/links/" + s.link + "/settings/history"} {
		whole := b.must(200, b.do(b.key, "GET", path, nil)).items()
		var pages []map[string]any
		for after := ""; ; {
			a := b.must(200, b.do(b.key, "GET", path+"?limit=1"+after, nil))
			pages = append(pages, a.items()...)
			next, ok := a.object()["next"].(string)
			if !ok {
				break
			}
			after = "&after=" + next
		}
		if path == "/v1/charges" { // they go on meanwhile
			for _, item := range slices.Concat(whole, pages) {
				for _, moving := range []string{"version", "next_check_at", "checked_at", "updated_at"} {
					delete(item, moving)
				}
			}
		}
		require.Equal(t, whole, pages, path)
	}
	sum := map[string]float64{}
	for _, e := range b.must(200, b.do(b.key, "GET", "/v1/ledger", nil)).items() {
		amount, _ := e["amount"].(map[string]any)
		minor, _ := amount["minor"].(float64)
		sum[fmt.Sprint(e["debit"])] += minor
		sum[fmt.Sprint(e["credit"])] -= minor
	}
	require.Equal(t, map[string]float64{"retailer": -500, "authorised": 0, "released": 500}, sum)
}

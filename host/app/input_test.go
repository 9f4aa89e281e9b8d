package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever is wrong with an order is told with the field and what to do, and
// nothing is written.
func TestBadOrders(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		s := b.shop("one")
		good := s.order("A-1", 1250, "GBP")
		with := func(field string, v any) map[string]any {
			o := maps.Clone(good)
			if v == nil {
				delete(o, field)
			} else {
				o[field] = v
			}
			return o
		}
		part := func(fulfiller string, minor any, currency string) map[string]any {
			return map[string]any{"fulfiller": fulfiller, "amount": map[string]any{"minor": minor, "currency": currency}}
		}
		text := func(body any) string {
			content, err := json.Marshal(body)
			require.NoError(t, err)
			return string(content)
		}
		raw := text(good)
		before := b.rows()
		authorisations := b.authorisations()
		for name, test := range map[string]struct {
			body   any
			header []string
			status int
			field  string
			want   string
		}{
			"empty":                    {body: "", status: 400, want: "body is required"},
			"no JSON":                  {body: "hello", status: 400, field: "body", want: "it is not JSON"},
			"cut off":                  {body: raw[:len(raw)-1], status: 400, field: "body", want: "unexpected end of JSON input"},
			"two values":               {body: raw + raw, status: 400, field: "body", want: "after top-level value"},
			"array":                    {body: "[" + raw + "]", status: 422, field: "body", want: "it must be a JSON object"},
			"null":                     {body: "null", status: 422, field: "body", want: "it must be a JSON object"},
			"deep":                     {body: strings.Repeat("[", 20000), status: 400, field: "body", want: "not JSON"},
			"unknown field":            {body: with("colour", "red"), status: 422, field: "colour", want: "there is no such field; check its spelling"},
			"unknown field in a part":  {body: strings.Replace(raw, `"minor"`, `"major":1,"minor"`, 1), status: 422, field: "parts[0].amount.major", want: "there is no such field"},
			"field in other case":      {body: strings.Replace(raw, `"reference"`, `"Reference"`, 1), status: 422, field: "Reference", want: "reference: it is missing"},
			"field twice":              {body: strings.Replace(raw, `"reference"`, `"reference":"A-2","reference"`, 1), status: 400, field: "body", want: `the name "reference" is there twice`},
			"field twice, escaped":     {body: strings.Replace(raw, `"minor"`, `"m\u0069nor":1,"minor"`, 1), status: 400, field: "body", want: `the name "minor" is there twice`},
			"form":                     {body: "reference=A-1", header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, field: "body", want: "unknown content type"},
			"XML":                      {body: "<order/>", header: []string{"Content-Type", "application/xml"}, status: 415, field: "body", want: "unknown content type"},
			"unknown query parameter":  {body: "?dry_run=true", status: 422, field: "query.dry_run", want: "unknown query parameter"},
			"no amount":                {body: with("parts", []any{map[string]any{"fulfiller": s.fulfillerReference}}), status: 422, field: "parts[0].amount", want: "it is missing"},
			"amount 0":                 {body: with("parts", []any{part(s.fulfillerReference, 0, "GBP")}), status: 422, field: "parts[0].amount", want: "it must be more than zero"},
			"amount negative":          {body: with("parts", []any{part(s.fulfillerReference, -1250, "GBP")}), status: 422, field: "parts[0].amount", want: "it must be more than zero"},
			"amount fractional":        {body: with("parts", []any{part(s.fulfillerReference, 12.5, "GBP")}), status: 422, field: "parts[0].amount.minor", want: "it must be a whole number"},
			"amount with a point":      {body: strings.Replace(raw, "1250", "1250.0", 1), status: 422, field: "body", want: "parts.amount.minor: it must be a whole number, written without a decimal point"},
			"amount with an exponent":  {body: strings.Replace(raw, "1250", "1e3", 1), status: 422, field: "body", want: "parts.amount.minor: it must be a whole number"},
			"amount 1e30":              {body: strings.Replace(raw, "1250", "1e30", 1), status: 422, field: "parts[0].amount.minor", want: "it must not be more than 9007199254740991"},
			"amount 2^63":              {body: strings.Replace(raw, "1250", "9223372036854775808", 1), status: 422, field: "parts[0].amount.minor", want: "it must not be more than 9007199254740991"},
			"amount 2^64 + 1250":       {body: strings.Replace(raw, "1250", "18446744073709552866", 1), status: 422, field: "parts[0].amount.minor", want: "it must not be more than 9007199254740991"},
			"amount -2^63":             {body: strings.Replace(raw, "1250", "-9223372036854775808", 1), status: 422, field: "parts[0].amount.minor", want: "it must not be less than -9007199254740991"},
			"amount too large":         {body: with("parts", []any{part(s.fulfillerReference, 10_000_000_000_000, "GBP")}), status: 422, field: "parts[0].amount", want: "the most is 9999999999999"},
			"amount in words":          {body: with("parts", []any{part(s.fulfillerReference, "1250", "GBP")}), status: 422, field: "parts[0].amount.minor", want: "it must be a whole number"},
			"amount true":              {body: with("parts", []any{part(s.fulfillerReference, true, "GBP")}), status: 422, field: "parts[0].amount.minor", want: "it must be a whole number"},
			"amount null":              {body: with("parts", []any{part(s.fulfillerReference, nil, "GBP")}), status: 422, field: "parts[0].amount.minor", want: "it must be a whole number"},
			"no currency":              {body: with("parts", []any{part(s.fulfillerReference, 1, "")}), status: 422, field: "parts[0].amount", want: "three capital letters of ISO 4217"},
			"currency small":           {body: with("parts", []any{part(s.fulfillerReference, 1, "gbp")}), status: 422, field: "parts[0].amount", want: "three capital letters of ISO 4217"},
			"currency unknown":         {body: with("parts", []any{part(s.fulfillerReference, 1, "XQQ")}), status: 422, field: "parts[0].amount.currency", want: "XQQ is no currency of ISO 4217"},
			"currency sign":            {body: with("parts", []any{part(s.fulfillerReference, 1, "£")}), status: 422, field: "parts[0].amount", want: "three capital letters of ISO 4217"},
			"currency of other script": {body: with("parts", []any{part(s.fulfillerReference, 1, "ＧＢＰ")}), status: 422, field: "parts[0].amount", want: "three capital letters of ISO 4217"},
			"no reference":             {body: with("reference", nil), status: 422, field: "reference", want: "reference: it is missing"},
			"reference empty":          {body: with("reference", ""), status: 422, field: "reference", want: "it is missing"},
			"reference a number":       {body: with("reference", 12), status: 422, field: "reference", want: "it must be text"},
			"reference with NUL":       {body: with("reference", "A\x001"), status: 422, field: "reference", want: "can't be printed (U+0000)"},
			"reference with a newline": {body: with("reference", "A\n1"), status: 422, field: "reference", want: "can't be printed (U+000A)"},
			"reference with a tab":     {body: with("reference", "A\t1"), status: 422, field: "reference", want: "can't be printed (U+0009)"},
			"reference with a joiner":  {body: with("reference", "A\u200d1"), status: 422, field: "reference", want: "can't be printed (U+200D)"},
			"reference turned round":   {body: with("reference", "A\u202e1"), status: 422, field: "reference", want: "can't be printed (U+202E)"},
			"reference with odd space": {body: with("reference", "A\u00a01"), status: 422, field: "reference", want: "can't be printed (U+00A0)"},
			"reference not UTF-8":      {body: strings.Replace(raw, `"A-1"`, "\"A\xff1\"", 1), status: 400, field: "body", want: "not UTF-8"},
			"reference half an emoji":  {body: strings.Replace(raw, `"A-1"`, `"A\ud83d1"`, 1), status: 400, field: "body", want: "not UTF-8"},
			"reference begins spaced":  {body: with("reference", " A-1"), status: 422, field: "reference", want: "begins or ends with a space; leave it out"},
			"reference ends spaced":    {body: with("reference", "A-1 "), status: 422, field: "reference", want: "begins or ends with a space; leave it out"},
			"reference too long":       {body: with("reference", strings.Repeat("x", 65)), status: 422, field: "reference", want: "it has 65 bytes; the most is 64"},
			"no time":                  {body: with("placed_at", nil), status: 422, field: "placed_at", want: "placed_at: it is missing"},
			"time in words":            {body: with("placed_at", "yesterday"), status: 422, field: "placed_at", want: "it must be a time as RFC 3339 writes it"},
			"time without zone":        {body: with("placed_at", "2026-01-02T03:04:05"), status: 422, field: "placed_at", want: "it must be a time as RFC 3339 writes it"},
			"time that is none":        {body: with("placed_at", "2026-02-30T03:04:05Z"), status: 422, field: "placed_at", want: "it must be a time as RFC 3339 writes it"},
			"time zero":                {body: with("placed_at", "0001-01-01T00:00:00Z"), status: 422, field: "placed_at", want: "it is missing"},
			"time ahead":               {body: with("placed_at", time.Now().Add(time.Hour).Format(time.RFC3339)), status: 422, field: "placed_at", want: "it lies in the future"},
			"time before the link":     {body: with("placed_at", time.Now().Add(-time.Hour).Format(time.RFC3339)), status: 409, field: "placed_at", want: "before charging began on this link"},
			"no parts":                 {body: with("parts", nil), status: 422, field: "parts", want: "parts: it is missing"},
			"parts null":               {body: strings.Replace(raw, text(good["parts"]), "null", 1), status: 422, field: "parts", want: "it must be a list"},
			"parts empty":              {body: with("parts", []any{}), status: 422, field: "parts", want: "name at least one fulfiller"},
			"too many parts":           {body: with("parts", make21(part)), status: 422, field: "parts", want: "there are 21; the most is 20"},
			"fulfiller twice":          {body: with("parts", []any{part(s.fulfillerReference, 1, "GBP"), part(s.fulfillerReference, 2, "GBP")}), status: 422, field: "parts[1].fulfiller", want: "it is named twice"},
			"fulfiller unknown":        {body: with("parts", []any{part("nobody", 1, "GBP")}), status: 422, field: "parts[0].fulfiller", want: `no link with a fulfiller called "nobody"; create it first`},
			"one fulfiller unknown":    {body: with("parts", []any{part(s.fulfillerReference, 1, "GBP"), part("nobody", 1, "GBP")}), status: 422, field: "parts[1].fulfiller", want: `no link with a fulfiller called "nobody"`},
			"first fulfiller unknown":  {body: with("parts", []any{part("nobody", 1, "GBP"), part(s.fulfillerReference, 1, "GBP")}), status: 422, field: "parts[0].fulfiller", want: `no link with a fulfiller called "nobody"`},
			"fulfiller in other case":  {body: with("parts", []any{part(strings.ToUpper(s.fulfillerReference), 1, "GBP")}), status: 422, field: "parts[0].fulfiller", want: "create it first"},
			"channel unknown":          {body: with("channel", "nowhere"), status: 422, field: "channel", want: `no sales channel is called "nowhere" here; create it first`},
			"channel in other case":    {body: with("channel", strings.ToUpper(s.channelNamed)), status: 422, field: "channel", want: "create it first"},
			"channel with a space":     {body: with("channel", s.channelNamed+" "), status: 422, field: "channel", want: "begins or ends with a space"},
			"channel by id":            {body: with("channel", s.channel), status: 422, field: "channel", want: "create it first"},
			"channel a fulfiller":      {body: with("channel", s.fulfillerReference), status: 422, field: "channel", want: "create it first"},
		} {
			t.Run(name, func(t *testing.T) {
				path := "/v1/orders"
				if q, ok := test.body.(string); ok && strings.HasPrefix(q, "?") {
					path, test.body = path+q, raw
				}
				a := b.do(b.key, "POST", path, test.body, test.header...)
				require.Equal(t, test.status, a.status, "%s", a.body)
				p := a.problem()
				require.Contains(t, p.Detail, test.want)
				if test.field != "" {
					require.Contains(t, p.fields(), test.field)
				}
			})
		}
		require.Equal(t, before, b.rows(), "a refused order left something behind")
		require.Equal(t, authorisations, b.authorisations())
		require.Empty(t, b.log.errors())
	})
}

func make21(part func(string, any, string) map[string]any) []any {
	var parts []any
	for i := range 21 {
		parts = append(parts, part(fmt.Sprintf("f-%d", i), 1, "GBP"))
	}
	return parts
}

// What looks odd but can be told apart is taken as it is, each an order of its
// own, and found again byte for byte.
func TestOddOrdersThatAreFine(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		s := b.shop("one")
		// Of lengths and letters that a database may take for the same.
		references := []string{
			"a-1", "A-1", "Á-1", "A\u0301-1", "ａ-1", "ß", "ss", "i", "I", "ı", "1", "01", "1.0", "1e0",
			"👩", "👨", "'; DROP TABLE orders; --", `"quoted"`, `back\slash`, "per%cent", "under_score", "a b", "a  b", "\u03a9", "\u2126",
			"{{.}}", "<script>", "../../x", "null", "true", strings.Repeat("x", 64), strings.Repeat("é", 32),
		}
		ids := map[any]string{}
		for i, r := range references {
			order, charge := b.place(s, r, int64(100+i))
			require.Equal(t, r, order["reference"])
			require.NotContains(t, ids, order["id"], "%q is taken for %q", r, ids[order["id"]])
			ids[order["id"]] = r
			b.until(charge["id"], "released")
		}
		require.Equal(t, len(references), b.authorisations())
		for id, r := range ids {
			query := "/v1/orders?channel=" + s.channelNamed + "&reference=" + escape(r)
			require.Equal(t, id, b.must(200, b.do(b.key, "GET", query, nil)).object()["id"], "%q", r)
		}
		require.EqualValues(t, len(references), b.rows()["orders"])
	})
}

func escape(s string) string {
	var e strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&e, "%%%02X", c)
	}
	return e.String()
}

// The minor unit of a currency without decimals is the currency itself.
func TestZeroDecimalCurrency(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	b.storeCard(s, "JPY")
	order := b.must(202, b.do(b.key, "POST", "/v1/orders", s.order("J-1", 1250, "JPY"), "Prefer", "wait=10")).object()
	require.Equal(t, map[string]any{"minor": 1250.0, "currency": "JPY"}, firstCharge(t, order)["amount"])
	require.Equal(t, "yes", firstCharge(t, order)["produce"], "%v", order)
	for _, e := range b.gateway.Ledger() {
		if e.Type == "AUTH" {
			require.EqualValues(t, 1250, e.Amount)
			require.Equal(t, "JPY", e.Currency)
		}
	}
}

// Ten megabytes are refused after the first that are too many.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	before := b.rows()
	for _, test := range []struct{ method, path string }{
		{"POST", "/v1/orders"},
		{"POST", "/v1/orders/batch"},
		{"POST", "/v1/companies"},
		{"POST", "/v1/companies/0190/keys"},
		{"PUT", "/v1/companies/0190/settings/trustpayments"},
		{"POST", "/v1/links"},
		{"PATCH", "/v1/links/0190"},
		{"PUT", "/v1/links/0190/settings"},
		{"POST", "/v1/links/0190/confirm-card"},
		{"POST", "/v1/orders/0190/cancel"},
		{"POST", "/v1/charges/0190/retry"},
	} {
		body := endless()
		a := b.do(b.key, test.method, test.path, body)
		require.Equal(t, http.StatusRequestEntityTooLarge, a.status, "%s", a.request)
		require.Contains(t, a.problem().Detail, "too large")
		require.Greater(t, body.left.Load(), int64(2<<20), "%s was read to its end", a.request)
	}
	// A preflight has no body, so none is read.
	body := endless()
	b.must(404, b.do(b.key, "POST", "/v1/links/0190/preflight", body))
	require.Positive(t, body.left.Load())
	// Without a key nothing is read at all, but for what the connection holds.
	body = endless()
	b.must(401, b.do("", "POST", "/v1/orders", body))
	require.Positive(t, body.left.Load())
	require.Equal(t, before, b.rows())
}

// counted is a long body that tells how much of it was taken.
type counted struct{ left atomic.Int64 }

func endless() *counted {
	c := &counted{}
	c.left.Store(tenMegabytes)
	return c
}

const tenMegabytes = 10 << 20

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	if c.left.Load() <= 0 {
		return 0, errors.New("the body was read to its end")
	}
	for i := range p {
		p[i] = ' '
	}
	c.left.Add(-int64(len(p)))
	return len(p), nil
}

// Wrong input of every other route.
func TestBadInput(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		s := b.shop("one")
		before := b.rows()
		company := func(kind, reference, name string) map[string]string {
			return map[string]string{"type": kind, "reference": reference, "name": name}
		}
		for name, test := range map[string]struct {
			method, path string
			body         any
			status       int
			field        string
			want         string
		}{
			"company type":           {"POST", "/v1/companies", company("retailer", "x", "x"), 422, "type", "it must be one of"},
			"company reference":      {"POST", "/v1/companies", company("fulfiller", " x", "x"), 422, "reference", "begins or ends with a space"},
			"company no reference":   {"POST", "/v1/companies", company("fulfiller", "", "x"), 422, "reference", "it is missing"},
			"company long":           {"POST", "/v1/companies", company("fulfiller", strings.Repeat("x", 300), "x"), 422, "reference", "the most is"},
			"company control":        {"POST", "/v1/companies", company("fulfiller", "a\x07b", "x"), 422, "reference", "can't be printed"},
			"company not UTF-8":      {"POST", "/v1/companies", "{\"type\":\"fulfiller\",\"reference\":\"a\xffb\"}", 400, "body", "not UTF-8"},
			"company name":           {"POST", "/v1/companies", company("fulfiller", "x", "a\nb"), 422, "name", "can't be printed"},
			"company taken":          {"POST", "/v1/companies", company("fulfiller", s.fulfillerReference, "x"), 409, "reference", "already"},
			"company unknown field":  {"POST", "/v1/companies", map[string]string{"type": "fulfiller", "reference": "x", "colour": "red"}, 422, "colour", "there is no such field"},
			"companies type":         {"GET", "/v1/companies?type=retailer", nil, 422, "query.type", "it must be one of"},
			"companies limit":        {"GET", "/v1/companies?limit=1000", nil, 422, "query.limit", "it must not be more than 200"},
			"companies limit words":  {"GET", "/v1/companies?limit=all", nil, 422, "query.limit", "invalid integer"},
			"companies after":        {"GET", "/v1/companies?after=hello", nil, 422, "", "begin again without"},
			"companies unknown":      {"GET", "/v1/companies?colour=red", nil, 422, "query.colour", "unknown query parameter"},
			"key without name":       {"POST", "/v1/companies/" + s.fulfiller + "/keys", map[string]string{"name": ""}, 422, "name", "it is missing"},
			"link without ends":      {"POST", "/v1/links", map[string]any{"plugin": pluginName}, 422, "fulfiller_id", "it is missing"},
			"link turned round":      {"POST", "/v1/links", map[string]any{"fulfiller_id": s.channel, "channel_id": s.fulfiller, "plugin": pluginName}, 422, "fulfiller_id", "there is no such fulfiller"},
			"link again":             {"POST", "/v1/links", map[string]any{"fulfiller_id": s.fulfiller, "channel_id": s.channel, "plugin": pluginName}, 409, "channel_id", "are linked already"},
			"link plugin":            {"POST", "/v1/links", map[string]any{"fulfiller_id": s.fulfiller, "channel_id": s.channel, "plugin": "../x"}, 422, "plugin", "is installed; install it, or check its spelling"},
			"link state":             {"PATCH", "/v1/links/" + s.link, map[string]any{"state": "maybe"}, 422, "state", "it must be one of"},
			"link version":           {"PATCH", "/v1/links/" + s.link, map[string]any{"state": "off", "version": 1}, 409, "version", "read it again"},
			"link age":               {"PATCH", "/v1/links/" + s.link, map[string]any{"max_order_age_days": 0}, 422, "max_order_age_days", "from 1 to 365"},
			"link limit":             {"PATCH", "/v1/links/" + s.link, map[string]any{"after_absence_max": -1}, 422, "after_absence_max", "from 0"},
			"link start":             {"PATCH", "/v1/links/" + s.link, map[string]any{"start_at": "1066-10-14T09:00:00Z"}, 422, "start_at", "from the year 2000"},
			"link absence":           {"PATCH", "/v1/links/" + s.link, map[string]any{"after_absence": "guess"}, 422, "after_absence", "it must be one of"},
			"settings unknown":       {"PUT", "/v1/links/" + s.link + "/settings", map[string]any{"version": 1, "values": map[string]any{"colour": "red"}}, 422, "colour", ""},
			"settings a number":      {"PUT", "/v1/links/" + s.link + "/settings", map[string]any{"version": 1, "values": map[string]any{"storedreference": 12}}, 422, "values.storedreference", "it must be text"},
			"settings stale":         {"PUT", "/v1/links/" + s.link + "/settings", map[string]any{"version": 0, "values": map[string]any{"settle": "at_once"}}, 409, "", ""},
			"settings a card":        {"PUT", "/v1/links/" + s.link + "/settings", map[string]any{"version": 1, "values": map[string]any{"storedreference": "4111111111111111"}}, 422, "storedreference", "looks like a card number"},
			"settings a choice":      {"PUT", "/v1/links/" + s.link + "/settings", map[string]any{"version": 1, "values": map[string]any{"settle": "never"}}, 422, "settle", "it must be one of: recorded, at_once"},
			"settings plugin":        {"GET", "/v1/companies/" + s.fulfiller + "/settings/nothing", nil, 422, "plugin", "is installed"},
			"settings of a channel":  {"GET", "/v1/companies/" + s.channel + "/settings/" + pluginName, nil, 403, "", "only fulfillers have settings of their own"},
			"settings reason":        {"PUT", "/v1/links/" + s.link + "/settings", map[string]any{"version": 1, "values": map[string]any{}, "reason": strings.Repeat("x", 501)}, 422, "reason", "it must not have more than 500 characters"},
			"confirm another card":   {"POST", "/v1/links/" + s.link + "/confirm-card", map[string]any{"stored": s.stored, "card": "411111######2222"}, 409, "", ""},
			"confirm another":        {"POST", "/v1/links/" + s.link + "/confirm-card", map[string]any{"stored": "1-2-3", "card": "411111######1111"}, 409, "", ""},
			"order without names":    {"GET", "/v1/orders", nil, 422, "query.channel", "required"},
			"order not UTF-8":        {"GET", "/v1/orders?channel=%ff&reference=%fe", nil, 404, "", "there is no such order"},
			"order with NUL":         {"GET", "/v1/orders?channel=" + s.channelNamed + "&reference=%00", nil, 404, "", "there is no such order"},
			"order long":             {"GET", "/v1/orders?channel=" + s.channelNamed + "&reference=" + strings.Repeat("x", 9000), nil, 404, "", "there is no such order"},
			"order id":               {"GET", "/v1/orders/%00", nil, 404, "", "there is no such order"},
			"order id not UTF-8":     {"GET", "/v1/orders/%ff%fe", nil, 404, "", "there is no such order"},
			"order id long":          {"GET", "/v1/orders/" + strings.Repeat("x", 65), nil, 422, "path.id", "it must not have more than 64 characters"},
			"charge id":              {"GET", "/v1/charges/'%20OR%201=1", nil, 404, "", "there is no such charge"},
			"charge id not UTF-8":    {"GET", "/v1/charges/%ff", nil, 404, "", "there is no such charge"},
			"charges state":          {"GET", "/v1/charges?state=lost", nil, 422, "query.state", "it must be one of"},
			"charges after":          {"GET", "/v1/charges?after=%ff", nil, 422, "after", "begin again without"},
			"ledger after":           {"GET", "/v1/ledger?after=%ff", nil, 422, "after", "begin again without"},
			"links after":            {"GET", "/v1/links?after=%ff", nil, 422, "", "begin again without"},
			"history after":          {"GET", "/v1/links/" + s.link + "/settings/history?after=%ff", nil, 422, "", "begin again without"},
			"charges flag":           {"GET", "/v1/charges?needs_person=maybe", nil, 422, "query.needs_person", "invalid boolean"},
			"cancel without reason":  {"POST", "/v1/orders/0190/cancel", map[string]any{}, 422, "reason", "it is missing"},
			"cancel nothing":         {"POST", "/v1/orders/0190/cancel", map[string]any{"reason": "x"}, 404, "", "there is no such order"},
			"retry nothing":          {"POST", "/v1/charges/0190/retry", map[string]any{"attempts": 1, "reason": "x"}, 404, "", "there is no such charge"},
			"retry without attempts": {"POST", "/v1/charges/0190/retry", map[string]any{"reason": "x"}, 422, "attempts", "it is missing"},
			"keys after":             {"GET", "/v1/keys?after=%ff", nil, 422, "", "begin again without"},
			"revoke nothing":         {"DELETE", "/v1/keys/0190", nil, 404, "", "there is no such API key"},
			"no such path":           {"GET", "/v2/orders", nil, 404, "", "/openapi.json lists all that is"},
			"root":                   {"GET", "/", nil, 404, "", "/openapi.json lists all that is"},
			"no such method":         {"DELETE", "/v1/orders", nil, 405, "", "DELETE is not possible here; GET, HEAD, POST is"},
		} {
			t.Run(name, func(t *testing.T) {
				a := b.do(b.key, test.method, test.path, test.body)
				require.Equal(t, test.status, a.status, "%s", a.body)
				p := a.problem()
				require.Contains(t, p.Detail, test.want)
				if test.field != "" {
					require.Contains(t, p.fields(), test.field, "%s", a.body)
				}
			})
		}
		require.Equal(t, before, b.rows())
		require.Empty(t, b.log.errors())
	})
}

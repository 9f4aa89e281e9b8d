package app

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// What belongs to another company is not there: the answer is the same as for
// an id that nobody has.
func TestOthersAreNotThere(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		own, other := b.shop("own"), b.shop("other")
		order, charge := b.place(other, "theirs", 1250)
		b.until(charge["id"], "released")
		id := func(v any) string { s, _ := v.(string); return s }
		keyID := strings.Split(other.fulfillerKey, "_")[1]
		before := b.rows()

		retry := map[string]any{"attempts": 1, "reason": "x"}
		edit := map[string]any{"version": 1, "values": map[string]any{"settle": "at_once"}}
		for _, test := range []struct {
			method, before, id, after string
			body                      any
		}{
			{"GET", "/v1/companies/", other.fulfiller, "", nil},
			{"GET", "/v1/companies/", other.channel, "", nil},
			{"GET", "/v1/companies/", other.fulfiller, "/settings/" + pluginName, nil},
			{"PUT", "/v1/companies/", other.fulfiller, "/settings/" + pluginName, edit},
			{"GET", "/v1/companies/", other.fulfiller, "/settings/" + pluginName + "/history", nil},
			{"GET", "/v1/links/", other.link, "", nil},
			{"PATCH", "/v1/links/", other.link, "", map[string]any{"state": "off"}},
			{"GET", "/v1/links/", other.link, "/settings", nil},
			{"PUT", "/v1/links/", other.link, "/settings", edit},
			{"GET", "/v1/links/", other.link, "/settings/history", nil},
			{"POST", "/v1/links/", other.link, "/preflight", nil},
			{"POST", "/v1/links/", other.link, "/confirm-card", map[string]any{"stored": other.stored, "card": "411111######1111"}},
			{"DELETE", "/v1/keys/", keyID, "", nil},
			{"GET", "/v1/orders/", id(order["id"]), "", nil},
			{"GET", "/v1/orders?channel=" + other.channelNamed + "&reference=", "theirs", "", nil},
			{"GET", "/v1/orders?reference=theirs&channel=", other.channelNamed, "", nil},
			{"GET", "/v1/charges/", id(charge["id"]), "", nil},
			{"POST", "/v1/charges/", id(charge["id"]), "/retry", retry},
			{"GET", "/v1/keys?company_id=", other.fulfiller, "", nil},
		} {
			for _, key := range []string{own.fulfillerKey, own.channelKey} {
				theirs := b.do(key, test.method, test.before+test.id+test.after, test.body)
				require.Equal(t, 404, theirs.status, "%s: %s", theirs.request, theirs.body)
				require.Contains(t, theirs.problem().Detail, "there is no such")
				nobodys := b.do(key, test.method, test.before+uuid.Must(uuid.NewV7()).String()+test.after, test.body)
				require.Equal(t, string(nobodys.body), string(theirs.body), "%s tells that it is there", theirs.request)
			}
		}
		// Lists hold what is one's own.
		for _, path := range []string{
			"/v1/companies", "/v1/links", "/v1/links?fulfiller_id=" + other.fulfiller, "/v1/links?channel_id=" + other.channel, "/v1/charges", "/v1/pauses", "/v1/keys", "/v1/plugins",
		} {
			for _, key := range []string{own.fulfillerKey, own.channelKey} {
				body := string(b.must(200, b.do(key, "GET", path, nil)).body)
				for _, theirs := range []string{other.fulfiller, other.channel, other.link, keyID, id(order["id"]), id(charge["id"])} {
					require.NotContains(t, body, theirs, "%s", path)
				}
			}
		}
		require.Equal(t, before, b.rows())
		require.Empty(t, b.log.errors())
	})
}

// A company sees its own, and does what is its own to do.
func TestCompaniesRights(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s, other := b.shop("one"), b.shop("two")
	order, charge := b.place(s, "A-1", 1250)
	b.until(charge["id"], "released")
	_, theirs := b.place(other, "A-1", 1250)
	b.until(theirs["id"], "released")
	before := b.rows()
	orderPath, chargePath, linkPath := "/v1/orders/"+order["id"].(string), "/v1/charges/"+charge["id"].(string), "/v1/links/"+s.link

	// Both ends read the order, its charge, the link and its settings.
	for _, key := range []string{s.fulfillerKey, s.channelKey} {
		for _, path := range []string{orderPath, "/v1/orders?channel=" + s.channelNamed + "&reference=A-1", chargePath, linkPath, linkPath + "/settings", "/v1/companies/" + s.fulfiller, "/v1/companies/" + s.channel} {
			b.must(200, b.do(key, "GET", path, nil))
		}
		require.Len(t, b.must(200, b.do(key, "GET", "/v1/charges", nil)).items(), 1)
		require.Len(t, b.must(200, b.do(key, "GET", "/v1/links", nil)).items(), 1)
		require.Len(t, b.must(200, b.do(key, "GET", "/v1/companies", nil)).items(), 1)
		keys := b.must(200, b.do(key, "GET", "/v1/keys", nil)).items()
		require.Len(t, keys, 1)
		require.NotContains(t, keys[0], "key")
		require.NotContains(t, b.must(200, b.do(key, "GET", "/v1/plugins", nil)).items()[0], "pid", "a process is the operator's")
	}
	// Where and how it is charged is the fulfiller's own.
	for key, its := range map[string]bool{b.key: true, s.fulfillerKey: true, s.channelKey: false} {
		story := b.must(200, b.do(key, "GET", chargePath, nil))
		require.Equal(t, its, strings.Contains(string(story.body), `"stored":"`+s.stored), "%s", story.body)
		require.Equal(t, its, strings.Contains(string(story.body), `"site":"`), "%s", story.body)
		require.Equal(t, its, strings.Contains(string(story.body), `"body":`), "%s", story.body)
	}
	// What is the platform's alone.
	for _, key := range []string{s.fulfillerKey, s.channelKey} {
		for _, test := range []struct {
			method, path string
			body         any
		}{
			{"POST", "/v1/orders", s.order("A-2", 1, "GBP")},
			{"POST", "/v1/orders/batch", map[string]any{"orders": []any{s.order("A-2", 1, "GBP")}}},
			{"POST", orderPath + "/cancel", map[string]any{"reason": "x"}},
			{"POST", "/v1/companies", map[string]any{"type": "fulfiller", "reference": "x"}},
			{"POST", "/v1/companies/" + s.fulfiller + "/keys", map[string]any{"name": "x"}},
			{"POST", "/v1/links", map[string]any{"fulfiller_id": s.fulfiller, "channel_id": other.channel, "plugin": pluginName}},
			{"GET", "/v1/ledger", nil},
		} {
			require.Contains(t, b.must(403, b.do(key, test.method, test.path, test.body)).problem().Detail, "only the platform")
		}
	}
	// What the fulfiller may and its channel may not.
	for _, test := range []struct {
		method, path string
		body         any
	}{
		{"PATCH", linkPath, map[string]any{"state": "off"}},
		{"PUT", linkPath + "/settings", map[string]any{"version": 1, "values": map[string]any{"settle": "at_once"}}},
		{"POST", linkPath + "/preflight", nil},
		{"POST", linkPath + "/confirm-card", map[string]any{"stored": s.stored, "card": "411111######1111"}},
		{"POST", chargePath + "/retry", map[string]any{"attempts": 1, "reason": "x"}},
	} {
		require.Contains(t, b.must(403, b.do(s.channelKey, test.method, test.path, test.body)).problem().Detail, "only the fulfiller")
	}
	require.Equal(t, before, b.rows())
}

// A pause is shown to whom it concerns.
func TestPausesAreTheFulfillers(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s, other := b.shop("one"), b.shop("two")
	amount := int64(4242)
	_, err := b.gateway.AddFaults(gateway.Fault{Effect: gateway.EffectCode, Type: "AUTH", Amount: gateway.Exactly(amount), Code: "20004", Unrecorded: true})
	require.NoError(t, err)
	b.place(s, "A-1", amount)
	eventually(t, "the link is paused", func() bool { return len(b.must(200, b.do(b.key, "GET", "/v1/pauses", nil)).items()) == 1 })
	mine := b.must(200, b.do(s.fulfillerKey, "GET", "/v1/pauses", nil)).items()
	require.Len(t, mine, 1)
	require.Equal(t, "link", mine[0]["scope"])
	require.Equal(t, "20004", mine[0]["code"])
	require.NotEmpty(t, mine[0]["text"])
	require.Empty(t, b.must(200, b.do(other.fulfillerKey, "GET", "/v1/pauses", nil)).items())
	require.Empty(t, b.must(200, b.do(other.channelKey, "GET", "/v1/pauses", nil)).items())
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, driver string) {
		b := newBed(t, driver, nil)
		s := b.shop("one")
		before := b.rows()
		part := strings.Split(b.key, "_")
		for name, header := range map[string]string{
			"missing":           "",
			"no scheme":         b.key,
			"other scheme":      "Basic " + b.key,
			"empty":             "Bearer ",
			"no key":            "Bearer hello",
			"other secret":      "Bearer chk_" + part[1] + "_" + strings.Repeat("0", 64),
			"other id":          "Bearer chk_" + uuid.Must(uuid.NewV7()).String() + "_" + part[2],
			"another's secret":  "Bearer chk_" + part[1] + "_" + strings.Split(s.fulfillerKey, "_")[2],
			"cut":               "Bearer " + b.key[:len(b.key)-1],
			"longer":            "Bearer " + b.key + "0",
			"other prefix":      "Bearer key" + b.key[3:],
			"id only":           "Bearer chk_" + part[1],
			"spaces":            "Bearer  " + b.key + " ",
			"not UTF-8":         "Bearer chk_\xff\xfe_" + part[2],
			"as query language": "Bearer chk_' OR 1=1 --_" + part[2],
		} {
			t.Run(name, func(t *testing.T) {
				a := b.do("", "POST", "/v1/orders", s.order("A-1", 1, "GBP"), "Authorization", header)
				require.Equal(t, 401, a.status, "%s", a.body)
				require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
				require.Contains(t, a.problem().Detail, "API key")
			})
		}
		require.Equal(t, before, b.rows())
		b.must(200, b.do("", "GET", "/v1/companies", nil, "Authorization", "bearer "+b.key)) // as RFC 9110 has it
	})
}

// A revoked key is good for nothing from then on; a company can revoke its own.
func TestRevokedKeys(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	b.must(200, b.do(s.fulfillerKey, "GET", "/v1/links", nil))
	path := "/v1/keys/" + strings.Split(s.fulfillerKey, "_")[1]
	require.Empty(t, b.must(204, b.do(s.fulfillerKey, "DELETE", path, nil)).body)
	a := b.must(401, b.do(s.fulfillerKey, "GET", "/v1/links", nil))
	require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
	require.Contains(t, a.problem().Detail, "the API key is missing, wrong or revoked; ask the operator of the platform for a new one")
	b.must(204, b.do(b.key, "DELETE", path, nil)) // again is the same
	b.must(200, b.do(s.channelKey, "GET", "/v1/links", nil))
}

// Settings say of a secret whether it is there, to nobody what it is.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sqlite", nil)
	s := b.shop("one")
	const second = "An0ther^password"
	b.secret(second)
	path := "/v1/companies/" + s.fulfiller + "/settings/" + pluginName
	b.must(200, b.do(s.fulfillerKey, "PUT", path, map[string]any{"version": 1, "values": map[string]any{"password": second}, "reason": "changed"}))
	// Refusals of it don't show it either.
	b.must(422, b.do(s.fulfillerKey, "PUT", path, map[string]any{"version": 2, "values": map[string]any{"password": second + " "}}))
	b.must(409, b.do(s.fulfillerKey, "PUT", path, map[string]any{"version": 1, "values": map[string]any{"password": second}}))
	b.must(422, b.do(s.fulfillerKey, "PUT", path, map[string]any{"version": 2, "values": map[string]any{"password": []string{second}}}))
	b.must(422, b.do(s.fulfillerKey, "PUT", path, map[string]any{"version": 2, "password": second}))
	b.must(400, b.do(s.fulfillerKey, "PUT", path, `{"version": 2, "values": {"password": "`+second+`"`))
	// With the wrong password charging stops and says why.
	_, charge := b.place(s, "A-1", 1250)
	eventually(t, "the site is paused", func() bool { return len(b.app.engine.Pauses()) == 1 })
	for _, key := range []string{b.key, s.fulfillerKey, s.channelKey} {
		for _, path := range []string{path, path + "/history", "/v1/links/" + s.link + "/settings", "/v1/pauses", "/v1/charges/" + charge["id"].(string), "/v1/plugins", "/readyz", "/metrics"} {
			b.do(key, "GET", path, nil)
		}
	}
	for _, f := range b.must(200, b.do(s.fulfillerKey, "GET", path, nil)).object()["fields"].([]any) {
		field, _ := f.(map[string]any)
		if field["name"] == "password" {
			require.Equal(t, true, field["set"])
			require.NotContains(t, field, "value")
			return
		}
	}
	t.Fatal("the password is no field")
}

package record_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/record"
)

// secrets are values of members that must not reach the disk. Each is found by
// itself.
var secrets = map[string]string{
	"securitycode": "9182736455", "expirydate": "11/2093746", "cachetoken": "eyJ0b2tlbiI6InN1cGVyIn0=", "nationalid": "QQ998877C",
	"billingfirstname": "Wilhelmina", "billinglastname": "Featherstone", "billingemail": "wil.helm@private.example.org",
	"billingpremise": "Flat 773311", "billingstreet": "Gooseberry Crescent", "billingtown": "Mousehole", "billingpostcode": "ZE9 9ZZ",
	"billingtelephone": "+44 7700 900123", "billingdob": "1931-06-30", "customerip": "203.0.113.77", "customeremail": "other@private.example.org",
	"customfield1": "knows Wilhelmina", "password": "Hunter2-Hunter2", "token": "tok_live_abcdef123456", "jwt": "eyJhbGciOi.eyJwYXlsb2Fk.c2lnbmF0dXJl",
	"acquirersecret": "deep-Secret-0451", "notificationpassword": "N0tify-Me-Please", "unheardof": "Something Else 42", "pan": realCard,
}

// planted are all texts that the file must not hold.
func planted() []string {
	out := []string{
		gateway.DefaultPassword, base64.StdEncoding.EncodeToString([]byte(gateway.DefaultUser + ":" + gateway.DefaultPassword)),
		gateway.DefaultUser, gateway.DefaultSite, "cookie-Secret-77", "4012 8888 8888 1881", "4012-8888-8888-1881", "401288888888", "Order-For-Wilhelmina",
	}
	for _, text := range secrets {
		out = append(out, text)
	}
	return out
}

func TestSecretsDoNotReachTheDisk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain := fields{"requesttypedescriptions": []string{"AUTH"}, "sitereference": gateway.DefaultSite, "orderreference": "Order-For-Wilhelmina"}
	for name, text := range secrets {
		plain[name] = text
	}
	nested := fields{"requesttypedescription": "AUTH", "sitereference": gateway.DefaultSite, "deep": fields{"er": []any{plain, []any{"4012 8888 8888 1881"}}}}
	b.ask(plain, nested)
	// Any secret in any member that is kept in its own form.
	for _, name := range []string{
		"baseamount", "currencyiso3a", "requesttypedescriptions", "settlestatus", "orderreference", "errormessage", "errordata", "authcode", "starttimestamp",
		"version", "interface", "transactionreference", "maskedpan", "settleduedate", "accounttypedescription",
	} {
		elements := make([]fields, 0, len(secrets))
		for _, text := range planted() {
			elements = append(elements, fields{"sitereference": gateway.DefaultSite, name: text, "filter": fields{name: one(text)}})
		}
		b.ask(elements...)
	}
	number, err := json.Marshal(json.Number(realCard))
	require.NoError(t, err)
	b.call("/json/", "application/json", `{"`+realCard+`":1,"alias":`+string(number)+`,"request":[{"sitereference":"test_site12345","baseamount":`+realCard+`}]}`)
	var xml strings.Builder
	xml.WriteString(`<requestblock version="` + realCard + `"><!-- ` + realCard + ` --><alias>` + gateway.DefaultUser + `</alias><request type="` + realCard + `">` +
		`<operation><sitereference>test_site12345</sitereference></operation><billing><amount currencycode="` + realCard + `">` + realCard + `</amount><payment>`)
	for name, text := range secrets {
		xml.WriteString("<" + name + " a=\"" + text + "\">" + text + "<x>" + text + "</x></" + name + ">")
	}
	xml.WriteString(`</payment></billing></request></requestblock>`)
	res, _ := b.call("/xml/", "text/xml", xml.String())
	require.Equal(t, http.StatusOK, res.status)
	res, _ = b.call("/json/?pan="+realCard+"&billinglastname=Featherstone", "application/json", `{"request":[{"sitereference":"test_site12345"}]}`,
		func(r *http.Request) {
			r.Header.Set("Cookie", "id=cookie-Secret-77")
			r.Header.Set("X-Card", "4012-8888-8888-1881")
			r.Header.Set("User-Agent", "Wilhelmina/"+realCard)
			r.Header.Set("Requestreference", "4012 8888 8888 1881")
			r.Header.Set("Proxy-Authorization", "Basic Hunter2-Hunter2")
		})
	require.Equal(t, http.StatusOK, res.status)
	file := b.close()
	for _, text := range planted() {
		require.False(t, strings.Contains(file, text), text) //nolint:testifylint // The file is too long to be printed.
	}
	require.Equal(t, 20, strings.Count(file, "\n"), "a header and an exchange for each call")
	require.False(t, strings.Contains(file, "uthorization"), "a login in any form") //nolint:testifylint // The file is too long to be printed.
	require.Contains(t, file, `"requesttypedescriptions":["AUTH"]`)
	require.Contains(t, file, "unheardof", "new members must be seen")
	info, err := os.Stat(b.file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// What passes is what was sent, and the recording can be followed.
func TestPassesAnswersOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parent := b.mint()
	body := `{"alias":"` + gateway.DefaultUser + `","request":[{"requesttypedescriptions":["AUTH"],"sitereference":"` + gateway.DefaultSite +
		`","accounttypedescription":"ECOM","parenttransactionreference":"` + parent + `","baseamount":"1050","orderreference":"K1"}]}`
	zipped := func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") }
	res, text := b.call("/json/", "application/json", body, zipped)
	require.Equal(t, "gzip", res.header.Get("Content-Encoding"))
	require.True(t, strings.HasPrefix(text, "\x1f\x8b"), "still compressed")
	res, _ = b.call("/json/", "application/json", body)
	require.Equal(t, "application/json", res.header.Get("Content-Type"))
	require.EqualValues(t, 2, b.g.Stats().Accepted, "on a connection that was used before, Go may send a call twice")
	b.close()
	_, exchanges, err := record.Read(b.file)
	require.NoError(t, err)
	require.Len(t, exchanges, 2)
	require.EqualValues(t, len(text), exchanges[0].Answer.Body.Bytes)
	type envelope struct {
		Alias    string              `json:"alias"`
		Request  []map[string]any    `json:"request"`
		Response []map[string]string `json:"response"`
	}
	var asked, answered [2]envelope
	for i, e := range exchanges {
		require.NoError(t, json.Unmarshal(e.Request.Body.JSON, &asked[i]))
		require.NoError(t, json.Unmarshal(e.Answer.Body.JSON, &answered[i]))
		require.Equal(t, asked[i].Alias, e.Request.User)
		require.Equal(t, "Ok", answered[i].Response[0]["errormessage"])
		require.Equal(t, "411111######1111", answered[i].Response[0]["maskedpan"])
		require.Regexp(t, `^55-9-[1-9]{9}$`, answered[i].Response[0]["transactionreference"])
		require.Equal(t, asked[i].Request[0]["parenttransactionreference"], answered[i].Response[0]["parenttransactionreference"])
		require.Regexp(t, `^[A-Z][0-9]$`, answered[i].Response[0]["orderreference"])
	}
	require.Equal(t, asked[0], asked[1])
	require.NotEqual(t, answered[0].Response[0]["transactionreference"], answered[1].Response[0]["transactionreference"])
}

func TestRefusesLiveSites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, body := range []string{
		`{"request":[{"requesttypedescriptions":["AUTH"],"sitereference":"shop1"}]}`,
		`{"request":[{"sitereference":"test_a"},{"sitereference":"shop1"}]}`,
		`{"request":[{"sitereference":"shop1","sitereference":"test_a"}]}`,
		`{"request":[{"SiteReference":"shop1","sitereference":"test_a"}]}`,
		`{"request":[{"filter":{"sitereference":[{"value":"test_a"},{"value":"shop1"}]}}]}`,
		`{"request":[{"requesttypedescriptions":["TRANSACTIONUPDATE"],"filter":{"transactionreference":[{"value":"1-2-3"}]}}]}`,
		`{"request":[{"sitereference":"test_a"},{"requesttypedescriptions":["AUTH"]}]}`,
		`{"request":[{"sitereference":"test_a"}],"request":[{"baseamount":"1"}]}`,
		`{"sitereference":"test_a"}`, `{}`, `[]`, ``, `{"request":`, "\xff",
	} {
		res, text := b.call("/json/", "application/json", body)
		require.Equal(t, http.StatusForbidden, res.status, body)
		require.Contains(t, text, "--live")
	}
	for _, body := range []string{
		`<requestblock><request><operation><sitereference>shop1</sitereference></operation></request></requestblock>`,
		`<requestblock><request type="AUTH"/></requestblock>`, `<requestblock/>`, `<!DOCTYPE x><requestblock/>`,
	} {
		res, _ := b.call("/xml/", "text/xml", body)
		require.Equal(t, http.StatusForbidden, res.status, body)
	}
	require.Equal(t, 0, b.proxy.Count())
	require.EqualValues(t, 0, b.g.Stats().Calls)
	require.Equal(t, 1, strings.Count(b.close(), "\n"))
}

func TestLivePassesEverything(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *record.Config) { c.Live = true })
	res, text := b.call("/json/", "application/json", `{"card":"`+realCard+`"`)
	require.Equal(t, http.StatusOK, res.status)
	require.Contains(t, text, "10205")
	res, _ = b.call("/secret/"+realCard, "text/plain", "s3cret")
	require.Equal(t, http.StatusNotFound, res.status)
	file := b.close()
	require.NotContains(t, file, realCard)
	require.NotContains(t, file, "s3cret")
	_, exchanges, err := record.Read(b.file)
	require.NoError(t, err)
	require.Len(t, exchanges, 2)
	require.Nil(t, exchanges[0].Request.Body.JSON)
	require.Regexp(t, `^[a-p]{32}$`, exchanges[0].Request.Body.Hash)
	require.EqualValues(t, 26, exchanges[0].Request.Body.Bytes)
	require.Regexp(t, `^[a-p]{32}$`, exchanges[1].Answer.Body.Hash, "an error page is not kept")
}

// An answer that does not come does not come to the caller either, and nothing is
// tried twice.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.g.AddFaults(gateway.Fault{Effect: "process_then_drop", Times: 1})
	require.NoError(t, err)
	body := `{"alias":"` + gateway.DefaultUser + `","request":[{"requesttypedescriptions":["AUTH"],"sitereference":"` + gateway.DefaultSite +
		`","accounttypedescription":"ECOM","parenttransactionreference":"` + b.mint() + `","baseamount":"1050","orderreference":"K1"}]}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.proxy.URL()+"/json/", bytes.NewBufferString(body))
	require.NoError(t, err)
	r.SetBasicAuth(gateway.DefaultUser, gateway.DefaultPassword)
	res, err := b.client.Do(r)
	if err == nil {
		_ = res.Body.Close()
	}
	require.Error(t, err)
	require.Len(t, b.g.Ledger(), 2, "the stored card and one charge")
	b.close()
	_, exchanges, err := record.Read(b.file)
	require.NoError(t, err)
	require.Len(t, exchanges, 1)
	require.Equal(t, "connection closed", exchanges[0].Lost)
	require.Nil(t, exchanges[0].Answer)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *record.Config) { c.Limit = 2500 })
	res, _ := b.call("/json/", "application/json", strings.Repeat(" ", 1<<20+1))
	require.Equal(t, http.StatusRequestEntityTooLarge, res.status)
	small := `{"request":[{"sitereference":"test_site12345"}]}`
	status := 0
	for n := 0; n < 10 && status != http.StatusServiceUnavailable; n++ {
		res, _ = b.call("/json/", "application/json", small)
		status = res.status
	}
	require.Equal(t, http.StatusServiceUnavailable, status)
	b.closed = true
	require.ErrorContains(t, b.proxy.Close(), "--limit")
	info, err := os.Stat(b.file)
	require.NoError(t, err)
	require.LessOrEqual(t, info.Size(), int64(2500))
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "there.jsonl")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for text, cfg := range map[string]record.Config{
		"https, a host":        {To: "http://webservices.example.com", File: file + "2"},
		"no path":              {To: "https://webservices.example.com/json/", File: file + "2"},
		"loopback":             {To: "https://webservices.example.com", Listen: "0.0.0.0:0", File: file + "2"},
		"is there already":     {To: "https://webservices.example.com", File: file},
		"like https://webserv": {To: "https://user:secret@webservices.example.com", File: file + "2"},
	} {
		_, err := record.Start(context.Background(), cfg)
		require.ErrorContains(t, err, text)
	}
	_, _, err := record.Read(file)
	require.ErrorContains(t, err, "is empty")
}

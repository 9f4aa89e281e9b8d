package gateway_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock/xmlblocktest"
)

// envXML makes the tests of this package ask in XML wherever it can say what
// they ask.
const envXML = "CHARGEHAND_TEST_GATEWAY_XML"

var (
	inXML = os.Getenv(envXML) != ""
	// origin is the interface of what is asked.
	origin = map[bool]string{false: "PASS-JSON-JSON", true: "PASS-XML-XML"}[inXML]
)

// Every other test, in XML: whoever adds one for JSON has added it here.
func TestAllInXML(t *testing.T) {
	t.Parallel()
	if inXML {
		return // this is the other process
	}
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^Test", "-test.count=1")
	cmd.Env = append(os.Environ(), envXML+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// askXML asks what a JSON body asks, unless XML can't say it.
func (b *bench) askXML(text []byte) (a answer, said bool) {
	b.t.Helper()
	document, err := wire.Parse(string(text))
	require.NoError(b.t, err)
	block, err := xmlblocktest.Request(document)
	if err != nil {
		b.t.Logf("asked in JSON: %v", err)
		return answer{}, false
	}
	w := b.post([]byte(block), toXML)
	require.Equal(b.t, http.StatusOK, w.Code)
	return decodeXML(b.t, w), true
}

func toXML(r *http.Request) {
	r.URL.Path = "/xml/"
	r.Header.Set("Content-Type", "text/xml;charset=utf-8")
}

func decodeXML(t testing.TB, w *httptest.ResponseRecorder) answer {
	t.Helper()
	require.Equal(t, "text/xml", w.Header().Get("Content-Type"))
	same, err := xmlblocktest.Answer(w.Body.String())
	require.NoError(t, err, w.Body.String())
	return decode(t, same)
}

// requestXML is a request of the default user.
func requestXML(elements string) []byte {
	return []byte(`<?xml version="1.0" encoding="utf-8"?><requestblock version="3.67"><alias>` + gateway.DefaultUser + `</alias>` + elements + `</requestblock>`)
}

func TestXML_Envelope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	charge := func(reference string) []byte {
		return requestXML(reference + `<request type="AUTH"><merchant><orderreference>K&amp;1</orderreference></merchant><operation><sitereference>` +
			gateway.DefaultSite + `</sitereference><accounttypedescription>ECOM</accounttypedescription><parenttransactionreference>` + b.mint() +
			`</parenttransactionreference></operation><customer/><billing><amount currencycode="GBP">1050</amount><email/></billing></request>`)
	}
	w := b.post(charge(""), toXML)
	require.True(t, strings.HasPrefix(w.Body.String(), "<?xml version='1.0' encoding='utf-8'?>\n<responseblock version=\"3.67\">"), w.Body.String())
	require.Contains(t, w.Body.String(), `<response type="AUTH">`)
	a := decodeXML(t, w)
	require.Regexp(t, `^W55-[0-9a-z]{8}$`, a.RequestReference)
	require.NotEmpty(t, a.Secrand)
	require.Equal(t, "0", a.Response[0]["errorcode"])
	require.Equal(t, "K&1", a.Response[0]["orderreference"])
	require.Equal(t, "1050", a.Response[0]["baseamount"])
	require.Equal(t, "GBP", a.Response[0]["currencyiso3a"])
	require.Equal(t, "PASS-XML-XML", b.record(a.Response[0]["transactionreference"].(string))["interface"])

	require.Equal(t, "Acall12345", decodeXML(t, b.post(charge("<requestreference>Acall12345</requestreference>"), toXML)).RequestReference)
	header := func(r *http.Request) { toXML(r); r.Header.Set("Requestreference", "Aheader123") }
	require.Equal(t, "Aheader123", decodeXML(t, b.post(charge("<requestreference>Acall12345</requestreference>"), header)).RequestReference)
}

func TestXML_SeveralRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.charge(nil)
	update := func(status string) string {
		return `<request type="TRANSACTIONUPDATE"><filter><sitereference>` + gateway.DefaultSite + `</sitereference><transactionreference>` + ref +
			`</transactionreference></filter><updates><settlement><settlestatus>` + status + `</settlestatus></settlement></updates></request>`
	}
	a := decodeXML(t, b.post(requestXML(update("9")+update("3")+`<request type="TRANSACTIONQUERY"><filter><transactionreference>`+ref+
		`</transactionreference><transactionreference>none</transactionreference></filter></request>`), toXML))
	require.Len(t, a.Response, 3)
	require.Equal(t, "30000", a.Response[0]["errorcode"])
	require.Equal(t, []any{"settlestatus"}, a.Response[0]["errordata"])
	require.Equal(t, "0", a.Response[1]["errorcode"])
	require.Equal(t, "1", a.Response[2]["found"])
	require.Equal(t, "3", a.Response[2]["records"].([]any)[0].(map[string]any)["settlestatus"])
}

func TestXML_Bodies(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *gateway.Config) { cfg.Switches.Plain = true })
	for text, c := range map[string]struct {
		code string
		data any
	}{
		`<requestblock>`:   {"10200", []any{"invalid xml"}},
		`{"alias":"a"}`:    {"10200", []any{"invalid xml"}},
		`<!DOCTYPE a><a/>`: {"10200", []any{"invalid xml"}},
		`<requestblock>` + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + `</requestblock>`: {"10200", []any{"invalid xml"}},
		`<responseblock/>`:               {"10201", []any{"invalid xml"}},
		``:                               {"60018", []any{"None"}},
		`<requestblock/>`:                {"60018", []any{"None"}},
		string(requestXML(``)):           {"60018", []any{"None"}},
		string(requestXML(`<request/>`)): {"60018", []any{"None"}},
		string(requestXML(`<request type="NONSENSE"/>`)):         {"60018", []any{"None"}},
		`<requestblock><request type="AUTH"/></requestblock>`:    {"30000", []any{"alias"}},
		string(requestXML(strings.Repeat(`<request/>`, 1001))):   {"30000", []any{"request"}},
		string(requestXML(`<request type="TRANSACTIONQUERY"/>`)): {"60019", nil},
	} {
		w := b.post([]byte(text), toXML)
		require.Equal(t, http.StatusOK, w.Code, text)
		a := decodeXML(t, w)
		require.Len(t, a.Response, 1, text)
		require.Equal(t, c.code, a.Response[0]["errorcode"], text)
		require.Equal(t, c.data, a.Response[0]["errordata"], text)
		require.NotContains(t, a.Response[0], "transactionreference")
	}
	require.Equal(t, http.StatusBadRequest, b.post([]byte("<requestblock>\xff</requestblock>"), toXML).Code)
	w := b.post([]byte(`<requestblock/>`), toXML, func(r *http.Request) { r.SetBasicAuth("x", "y") })
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Equal(t, "10205", decode(t, b.post([]byte(`<requestblock/>`)).Body.Bytes()).Response[0]["errorcode"], "XML where JSON belongs")
}

func TestXML_BrokenAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	query := requestXML(`<request type="TRANSACTIONQUERY"><filter><sitereference>` + gateway.DefaultSite + `</sitereference></filter></request>`)
	header := func(r *http.Request) { toXML(r); r.Header.Set("Requestreference", "Aheader123") }
	for effect, check := range map[gateway.Effect]func(w *httptest.ResponseRecorder){
		gateway.EffectBrokenJSON: func(w *httptest.ResponseRecorder) {
			_, err := xmlblocktest.Answer(w.Body.String())
			require.ErrorContains(t, err, "unexpected EOF")
		},
		gateway.EffectWrongReference: func(w *httptest.ResponseRecorder) {
			require.NotEqual(t, "Aheader123", decodeXML(t, w).RequestReference)
		},
		gateway.EffectExtraElement: func(w *httptest.ResponseRecorder) { require.Len(t, decodeXML(t, w).Response, 2) },
		gateway.EffectResponsesKey: func(w *httptest.ResponseRecorder) { require.Len(t, decodeXML(t, w).Response, 1) },
	} {
		_, err := b.g.AddFaults(gateway.Fault{Effect: effect, Times: 1})
		require.NoError(t, err)
		check(b.post(query, header))
	}
}

// FuzzXML sends any body: none breaks the service, and each is answered in
// full and in XML.
func FuzzXML(f *testing.F) {
	b := setup(f)
	f.Add([]byte(`<requestblock version="3.67"><alias>` + gateway.DefaultUser + `</alias><request type="AUTH"><billing><amount currencycode="GBP">1</amount></billing></request></requestblock>`))
	f.Add(requestXML(`<request type="TRANSACTIONQUERY"><filter><sitereference>x</sitereference><currencyiso3a/></filter></request><request/>`))
	f.Add(requestXML(`<request type="TRANSACTIONUPDATE"><filter><transactionreference>` + b.mint() + `</transactionreference></filter><updates><settlement><settlestatus>3</settlestatus></settlement></updates></request>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><requestblock><alias>&b;</alias></requestblock>`))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		w := b.post(text, toXML)
		if w.Code != http.StatusOK {
			require.Contains(t, []int{400, 413}, w.Code)
			return
		}
		a := decodeXML(t, w)
		require.Equal(t, xmlblock.Version, a.Version)
		require.NotEmpty(t, a.Response)
		require.NotEmpty(t, a.RequestReference)
		for _, element := range a.Response {
			require.NotEmpty(t, element["errorcode"])
		}
	})
}

// What the simulator reads and answers has a place in XML. Members that are
// read or written by another name of function would be missed here; whatever
// they write is found by TestAllInXML.
func TestXML_EveryMemberHasItsPlace(t *testing.T) {
	t.Parallel()
	places := xmlblock.RequestPaths()
	maps.Copy(places, xmlblock.AnswerPaths())
	for _, name := range []string{
		"alias", "version", "request", "requesttypedescriptions", "filter", "updates", "value", "symbol",
		"requestreference", "response", "records", "secrand",
		"starttimestamp", "endtimestamp", // filters are named as in JSON
	} {
		places[name] = "written by hand"
	}
	for _, name := range rules.Names() {
		require.NotEmpty(t, places[name], "the rules know %s: give it a row in wire/xmlblock/table.go", name)
	}
	names := regexp.MustCompile(`\b(?:Get|text|isText|Text|Maybe|List|Objects)\("([a-z0-9]+)"`)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range names.FindAllSubmatch(content, -1) {
			found++
			require.NotEmpty(t, places[string(match[1])], "%s knows %s: give it a row in wire/xmlblock/table.go", file, match[1])
		}
	}
	require.Greater(t, found, 60)
}

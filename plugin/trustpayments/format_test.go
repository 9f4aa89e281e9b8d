package trustpayments

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

// envFormat chooses the format that the tests of this package speak.
const envFormat = "CHARGEHAND_TEST_TRUSTPAYMENTS_FORMAT"

// TestFormat is that format.
var TestFormat = cmp.Or(os.Getenv(envFormat), webservices.FormatJSON)

// Every other test, in XML.
func TestAllInXML(t *testing.T) {
	t.Parallel()
	if TestFormat == webservices.FormatXML {
		return // this is the other process
	}
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^Test", "-test.count=1")
	cmd.Env = append(os.Environ(), envFormat+"="+webservices.FormatXML)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// elementsOf reads a request as its elements, each without its reference.
func elementsOf(body []byte) []element {
	document, err := wire.Parse(string(body))
	if TestFormat == webservices.FormatXML {
		document, err = xmlblock.Parse(string(body))
	}
	if err != nil {
		return []element{{"not read": err.Error()}}
	}
	var out []element
	for _, item := range document.Get("request").Items {
		e := element(plain(item).(map[string]any))
		delete(e, "requestreference")
		if types, ok := e["requesttypedescriptions"]; ok && len(document.Get("request").Items) > 1 {
			// Of several, XML names the type as it does that of one.
			delete(e, "requesttypedescriptions")
			e["requesttypedescription"] = types.([]any)[0]
		}
		out = append(out, e)
	}
	return out
}

func plain(v wire.Value) any {
	switch v.Kind {
	case wire.Object:
		out := map[string]any{}
		for _, m := range v.Members {
			out[m.Name] = plain(m.Value)
		}
		return out
	case wire.Array:
		out := []any{}
		for _, item := range v.Items {
			out = append(out, plain(item))
		}
		return out
	}
	return v.Text
}

// envelope writes an answer.
func envelope(t testing.TB, reference string, answer ...element) []byte {
	t.Helper()
	if answer == nil {
		answer = []element{}
	}
	if TestFormat == webservices.FormatJSON {
		body, err := json.Marshal(map[string]any{"requestreference": reference, "version": "1.00", "secrand": "x", "response": answer})
		require.NoError(t, err)
		return body
	}
	return xmlblock.Append(nil, wire.Fields{
		wire.Text("requestreference", reference), wire.Text("secrand", "x"), wire.Objects("response", fieldsOf(answer)),
	})
}

func fieldsOf(elements []element) []wire.Fields {
	out := make([]wire.Fields, len(elements))
	for i, e := range elements {
		for _, name := range slices.Sorted(maps.Keys(e)) {
			switch value := e[name].(type) {
			case []element:
				out[i] = append(out[i], wire.Objects(name, fieldsOf(value)))
			case []string:
				out[i] = append(out[i], wire.List(name, value...))
			default:
				out[i] = append(out[i], wire.Text(name, fmt.Sprint(value)))
			}
		}
	}
	return out
}

// Where XML goes is not guessed: nothing is sent, and the text says who can
// mend it.
func TestFormat_XMLWithoutAddress(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }))
	t.Cleanup(s.Close)
	g, err := New(Config{Webservices: webservices.Config{URLEU: s.URL + "/elsewhere/"}})
	require.NoError(t, err)
	t.Cleanup(g.Close)
	req := testCharge()
	req.Access = testAccess(map[string]string{fieldFormat: webservices.FormatXML})
	_, err = g.Charge(t.Context(), req)
	e := asError(t, err)
	require.Equal(t, payment.ErrorInternal, e.Kind)
	require.True(t, e.NotSent)
	require.Equal(t, "The operator leads this region to an address that does not end in /json/, so where XML goes is not known. "+
		"Choose the format JSON, or ask the operator for such an address.", e.Text)
}

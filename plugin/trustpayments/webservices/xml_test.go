package webservices

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

func TestDo_XML(t *testing.T) {
	t.Parallel()
	type seen struct{ path, contentType, accept, reference, body string }
	got := make(chan seen, 1)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Accept"), r.Header.Get("REQUESTREFERENCE"), string(body)}
		_, _ = io.WriteString(w, "<?xml version='1.0' encoding='utf-8'?>\n"+
			`<responseblock version="3.67"><requestreference>`+r.Header.Get("REQUESTREFERENCE")+
			`</requestreference><response type="AUTH"><error><code>0</code></error></response><secrand>x</secrand></responseblock>`)
	})
	c := newTestClient(t, Config{URLEU: s.URL + "/here/json/", CAFile: caFile(t)})
	call := authCall()
	call.Format = FormatXML
	call.Requests[0].OrderReference = `a<&>"`
	call.Requests[0].SubscriptionType, call.Requests[0].SubscriptionNumber = "RECURRING", "3"

	answer, err := c.Do(t.Context(), call)
	require.NoError(t, err)
	require.Equal(t, []Element{{Fields: map[string]string{"requesttypedescription": "AUTH", "errorcode": "0"}}}, answer.Elements)

	g := <-got
	require.Equal(t, seen{"/here/xml/", "text/xml;charset=utf-8", "text/xml", answer.RequestReference, `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<requestblock version="3.67"><alias>webservices@example.com</alias><request type="AUTH"><operation><sitereference>test_site12345</sitereference>` +
		`<accounttypedescription>ECOM</accounttypedescription><parenttransactionreference>55-9-1000</parenttransactionreference>` +
		`<credentialsonfile>2</credentialsonfile><initiationreason>C</initiationreason></operation><merchant><orderreference>a&lt;&amp;&gt;&#34;</orderreference></merchant>` +
		`<settlement><settlestatus>2</settlestatus></settlement><billing><amount currencycode="GBP">2499</amount>` +
		`<subscription type="RECURRING"><number>3</number></subscription></billing></request></requestblock>`}, g)
}

func TestDo_XML_WrongReference(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<responseblock><requestreference>W55-12345678</requestreference><response type="AUTH"/></responseblock>`)
	})
	c := newTestClient(t, Config{URLEU: s.URL + "/json/", CAFile: caFile(t)})
	call := authCall()
	call.Format = FormatXML
	_, err := c.Do(t.Context(), call)
	require.True(t, failure(t, err).Sent)
	require.ErrorIs(t, err, ErrAnswer)
}

func TestDo_ErrFormat(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, Config{URLEU: "https://gateway.example/elsewhere/"})
	for format, cause := range map[string]error{FormatXML: ErrNoXML, "yaml": ErrRequest} {
		call := authCall()
		call.Format = format
		_, err := c.Do(t.Context(), call)
		require.False(t, failure(t, err).Sent)
		require.ErrorIs(t, err, ErrRequest)
		require.ErrorIs(t, err, cause)
	}
	eu, err := newTestClient(t, Config{}).endpoints[RegionEU].of(FormatXML)
	require.NoError(t, err)
	require.Equal(t, "https://webservices.securetrading.net/xml/", eu.String())
}

func TestDecodeXML_OK(t *testing.T) {
	t.Parallel()
	const body = "\n" + `<!-- a --><responseblock version="3.67" xmlns:x="urn:x">
		<requestreference>A1</requestreference>
		<response type="ERROR" x:type="AUTH"><error><code>30000</code><data>orderreference</data><data>7</data><message/></error><new><code>1</code></new></response>
		<response type="TRANSACTIONQUERY"><found>1</found><error><code>0</code></error>
			<record type="AUTH"><billing><dcc enabled="0"/><amount code="1" currencycode="GBP">24<!-- b -->99</amount></billing>
				<billing><payment type="VISA"><pan>411111######1111</pan></payment></billing><merchant><orderreference><b>x</b></orderreference></merchant></record></response>
		<response/><secrand>q&amp;<![CDATA[<]]></secrand></responseblock>` + "\n"
	got, err := decode(xmlCodec{}, []byte(body))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(Answer{
		RequestReference: "A1",
		Elements: []Element{
			{Fields: map[string]string{"requesttypedescription": "ERROR", "errorcode": "30000", "errormessage": ""}, ErrorData: []string{"orderreference", "7"}},
			{
				Fields: map[string]string{"requesttypedescription": "TRANSACTIONQUERY", "errorcode": "0", "found": "1"},
				Records: []Element{{Fields: map[string]string{
					"requesttypedescription": "AUTH", "baseamount": "2499", "currencyiso3a": "GBP", "paymenttypedescription": "VISA", "maskedpan": "411111######1111",
				}}},
			},
			{Fields: map[string]string{}},
		},
	}, got))

	got, err = decode(xmlCodec{}, []byte("<responseblock><response><authcode>\xe9</authcode></response></responseblock>"))
	require.NoError(t, err)
	require.Equal(t, "\uFFFD", got.Elements[0].Get("authcode"))
	got, err = decode(xmlCodec{}, []byte(`<responseblock/>`))
	require.NoError(t, err)
	require.Empty(t, got.Elements)
}

func TestDecodeXML_Err(t *testing.T) {
	t.Parallel()
	const notXML, twice = "it is not XML, or cut off", "a member occurs twice"
	in := func(text string) string { return `<responseblock><response>` + text + `</response></responseblock>` }
	for _, tc := range []struct{ name, body, want string }{
		{"empty", ``, notXML},
		{"JSON", okBody("A"), notXML},
		{"cut off", `<responseblock><response><error><code>0</code>`, notXML},
		{"the last byte is missing", `<responseblock></responseblock`, notXML},
		{"a page", `<html><h1>secret</h1></html>`, "it is no responseblock"},
		{"more after the end", in("") + in(""), notXML},
		{"text after the end", in("") + "x", notXML},
		{"text before the beginning", "x" + in(""), notXML},
		{"a document type", `<!DOCTYPE a [<!ENTITY b "0">]>` + in(`<error><code>&b;</code></error>`), notXML},
		{"a document type alone", `<!DOCTYPE a>` + in(""), notXML},
		{"an entity", in(`<error><code>&b;</code></error>`), notXML},
		{"an instruction", in(`<?php?>`), notXML},
		{"an instruction before", `<?php?>` + in(""), notXML},
		{"an instruction behind", in("") + `<?php?>`, notXML},
		{"another encoding", `<?xml version="1.0" encoding="utf-16"?>` + in(""), notXML},
		{"a code twice", in(`<error><code>70000</code><code>0</code></error>`), twice},
		{"a code twice, in groups of its own", in(`<error><code>70000</code></error><error><code>0</code></error>`), twice},
		{"a type twice", `<responseblock><response type="AUTH" type="ERROR"/></responseblock>`, twice},
		{"a reference twice", `<responseblock><requestreference>A</requestreference><requestreference>B</requestreference></responseblock>`, twice},
		{"a record's code twice", in(`<record><error><code>1</code><code>0</code></error></record>`), twice},
		{"too deep", in(strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)), "it is nested too deeply"},
		{"too deep in records", in(strings.Repeat("<record>", 40) + strings.Repeat("</record>", 40)), "it is nested too deeply"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(xmlCodec{}, []byte(tc.body))
			require.ErrorIs(t, err, ErrAnswer)
			require.EqualError(t, err, "the answer can't be read: "+tc.want)
		})
	}
}

func words() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"0", "70000", "<&>\"'", "]]>", " a\tb\r\nc ", "é\U0001f600", "&amp;", "<![CDATA[x]]>"}),
		rapid.StringOf(rapid.Rune()),
	).Filter(func(s string) bool { // what XML can say
		return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff'
		})
	})
}

// An answer is the same, whichever format it came in.
func TestFormatsReadTheSame(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Values(answerNames))
	names = slices.DeleteFunc(names, func(name string) bool { return name == nameErrorData })
	element := rapid.Custom(func(t *rapid.T) wire.Fields {
		var f wire.Fields
		for name, text := range rapid.MapOf(rapid.SampledFrom(names), words()).Draw(t, "fields") {
			f = append(f, wire.Text(name, text))
		}
		if data := rapid.SliceOfN(words(), 0, 3).Draw(t, "errordata"); len(data) > 0 {
			f = append(f, wire.List("errordata", data...))
		}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		elements := rapid.SliceOfN(element, 0, 3).Draw(t, "elements")
		if len(elements) > 0 {
			elements[0] = append(elements[0], wire.Objects("records", rapid.SliceOfN(element, 0, 3).Draw(t, "records")))
		}
		envelope := wire.Fields{wire.Text("requestreference", words().Draw(t, "reference")), wire.Objects("response", elements), wire.Text("secrand", "x")}
		fromJSON, err := decode(jsonCodec{}, envelope.Append(nil))
		require.NoError(t, err)
		fromXML, err := decode(xmlCodec{}, xmlblock.Append(nil, envelope))
		require.NoError(t, err)
		emptied := cmpopts.IgnoreMapEntries(func(_, text string) bool { return text == "" }) // which is how Get tells what is missing
		require.Empty(t, cmp.Diff(fromJSON, fromXML, cmpopts.EquateEmpty(), emptied))
	})
}

// A request says the same in both formats.
func TestFormatsWriteTheSame(t *testing.T) {
	t.Parallel()
	said := words().Filter(func(s string) bool { return strings.TrimSpace(s) != "" })
	maybe := rapid.OneOf(rapid.Just(""), said)
	values := rapid.Map(rapid.SliceOfN(said, 0, 3), func(s []string) Values { return s })
	request := rapid.Custom(func(t *rapid.T) Request {
		draw := func(name string) string { return maybe.Draw(t, name) }
		r := Request{
			Type: rapid.SampledFrom([]string{TypeAuth, TypeTransactionUpdate}).Draw(t, "type"), SiteReference: draw("site"), AccountTypeDescription: draw("account"),
			ParentTransactionReference: draw("parent"), CredentialsOnFile: draw("credentials"), InitiationReason: draw("reason"), OrderReference: draw("order"),
			SettleStatus: draw("status"), BaseAmount: draw("amount"), CurrencyISO3A: draw("currency"), SubscriptionType: draw("subscription"), SubscriptionNumber: draw("number"),
		}
		if rapid.Bool().Draw(t, "has filter") {
			r.Filter = &Filter{
				SiteReference: values.Draw(t, "sites"), TransactionReference: values.Draw(t, "references"), OrderReference: values.Draw(t, "orders"),
				StartTimestamp: values.Draw(t, "start"), EndTimestamp: values.Draw(t, "end"),
			}
		}
		if rapid.Bool().Draw(t, "has updates") {
			r.Updates = &Updates{SettleStatus: draw("to")}
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		requests := rapid.SliceOfN(request, 1, 3).Draw(t, "requests")
		user := said.Draw(t, "user")
		inJSON, err := encode(jsonCodec{}, user, "A", requests)
		require.NoError(t, err)
		inXML, err := encode(xmlCodec{}, user, "A", requests)
		require.NoError(t, err)
		fromJSON, err := wire.Parse(string(inJSON))
		require.NoError(t, err)
		fromXML, err := xmlblock.Parse(string(inXML))
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(sayings(fromJSON), sayings(fromXML)), string(inXML))
	})
}

// sayings is a document without what the formats are known to differ in: the
// version, the references, and how a type is named among several.
func sayings(v wire.Value) any {
	switch v.Kind {
	case wire.Array:
		out := []any{}
		for _, item := range v.Items {
			out = append(out, sayings(item))
		}
		return out
	case wire.Object:
		out := map[string]any{}
		for _, m := range v.Members {
			switch m.Name {
			case "version", "requestreference":
			case "requesttypedescription":
				out["requesttypedescriptions"] = []any{m.Value.Text}
			default:
				out[m.Name] = sayings(m.Value)
			}
		}
		return out
	}
	return v.Text
}

// The table agrees with the simulator's, and whatever the plugin reads of an
// answer is in it.
func TestXMLTable(t *testing.T) {
	t.Parallel()
	paths := xmlblock.AnswerPaths()
	known := map[string]bool{}
	for path, name := range answerNames {
		require.Equal(t, "/"+paths[name], path, name)
		known[name] = true
	}
	literal := regexp.MustCompile(`"([a-z0-9]+)"`)
	files, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range literal.FindAllSubmatch(content, -1) {
			if name := string(match[1]); paths[name] != "" {
				found++
				require.True(t, known[name], "%s reads %s: give it a row in answerNames", file, name)
			}
		}
	}
	require.Greater(t, found, 40)
}

// FuzzDecodeXML reads any text, and what it could read again as JSON.
func FuzzDecodeXML(f *testing.F) {
	f.Add([]byte(`<?xml version='1.0' encoding='utf-8'?><responseblock version="3.67"><requestreference>A1</requestreference><response type="AUTH"><error><code>0</code><data>a</data></error></response></responseblock>`))
	f.Add([]byte(`<responseblock><response><found>1</found><record type="AUTH"><billing><amount currencycode="GBP">1</amount></billing></record></response></responseblock>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><responseblock>&b;</responseblock>`))
	f.Add([]byte("<responseblock><response><authcode>\xff<![CDATA[<]]></authcode></response></responseblock>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := decode(xmlCodec{}, body)
		if err != nil {
			require.ErrorIs(t, err, ErrAnswer)
			require.Empty(t, a)
			return
		}
		again, err := decode(jsonCodec{}, asJSON(t, a))
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(a, again, cmpopts.EquateEmpty()))
	})
}

func asJSON(t *testing.T, a Answer) []byte {
	t.Helper()
	var objects func(elements []Element) []map[string]any
	objects = func(elements []Element) []map[string]any {
		out := []map[string]any{}
		for _, e := range elements {
			object := map[string]any{}
			for name, text := range e.Fields {
				object[name] = text
			}
			if e.ErrorData != nil {
				object["errordata"] = e.ErrorData
			}
			if e.Records != nil {
				object["records"] = objects(e.Records)
			}
			out = append(out, object)
		}
		return out
	}
	body, err := json.Marshal(map[string]any{"requestreference": a.RequestReference, "response": objects(a.Elements)})
	require.NoError(t, err)
	return body
}

// An answer to a query at its largest.
func BenchmarkDecode(b *testing.B) {
	record := wire.Fields{}
	for path, name := range answerNames {
		record = append(record, wire.Text(name, fmt.Sprint("value ", len(path))))
	}
	records := slices.Repeat([]wire.Fields{record}, 500)
	envelope := wire.Fields{wire.Text("requestreference", "A"), wire.Objects("response", []wire.Fields{{wire.Objects("records", records)}})}
	for _, tc := range []struct {
		name string
		in   codec
		body []byte
	}{{FormatJSON, jsonCodec{}, envelope.Append(nil)}, {FormatXML, xmlCodec{}, xmlblock.Append(nil, envelope)}} {
		b.Run(tc.name, func(b *testing.B) {
			b.SetBytes(int64(len(tc.body)))
			for b.Loop() {
				a, err := decode(tc.in, tc.body)
				require.NoError(b, err)
				require.Len(b, a.Elements[0].Records, 500)
			}
		})
	}
}

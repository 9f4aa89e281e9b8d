package main

import (
	"encoding/json"
	"encoding/xml"
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// An example is what documentation of the service shows for one operation: a
// request with curl, and what matters in the answer. {name} stands for the
// reference that the example of that name was given. The redirecturl and the
// acquirersecret of an answer are random: "?" wants anything in their place.
type example struct {
	name, request string
	want          map[string]string
}

const (
	inSite = `"sitereference":"test_site12345"`
	byCard = `"accounttypedescription":"ECOM","currencyiso3a":"GBP","pan":"4111111111111111","expirydate":"12/2030","securitycode":"123"`
)

var jsonExamples = []example{
	{
		"check", `{"requesttypedescriptions":["ACCOUNTCHECK"],` + inSite + `,` + byCard + `,"baseamount":"0","credentialsonfile":"1","orderreference":"K7-0"}`,
		map[string]string{"requesttypedescription": "ACCOUNTCHECK", "errorcode": "0", "maskedpan": "411111######1111"},
	},
	{
		"charge", `{"requesttypedescriptions":["AUTH"],` + inSite + `,"accounttypedescription":"ECOM","parenttransactionreference":"{check}",
			"baseamount":"1999","currencyiso3a":"GBP","orderreference":"K7-1","credentialsonfile":"2","initiationreason":"C"}`,
		map[string]string{"requesttypedescription": "AUTH", "errorcode": "0", "settlestatus": "0", "parenttransactionreference": "{check}", "baseamount": "1999"},
	},
	{
		"query", `{"requesttypedescriptions":["TRANSACTIONQUERY"],"filter":{"sitereference":[{"value":"test_site12345"}],"orderreference":[{"value":"K7-1"}]}}`,
		map[string]string{"requesttypedescription": "TRANSACTIONQUERY", "errorcode": "0", "found": "1", "record": "{charge}"},
	},
	{
		"hold", `{"requesttypedescriptions":["TRANSACTIONUPDATE"],"filter":{"sitereference":[{"value":"test_site12345"}],
			"transactionreference":[{"value":"{charge}"}]},"updates":{"settlestatus":"2"}}`,
		map[string]string{"requesttypedescription": "TRANSACTIONUPDATE", "errorcode": "0"},
	},
	{
		"release", `{"requesttypedescriptions":["TRANSACTIONUPDATE"],"filter":{"sitereference":[{"value":"test_site12345"}],
			"transactionreference":[{"value":"{charge}"}]},"updates":{"settlestatus":"0","settlebaseamount":"1500"}}`,
		map[string]string{"requesttypedescription": "TRANSACTIONUPDATE", "errorcode": "0"},
	},
	{
		"refund", `{"requesttypedescriptions":["REFUND"],` + inSite + `,"parenttransactionreference":"{charge}","baseamount":"400"}`,
		map[string]string{"requesttypedescription": "REFUND", "errorcode": "0", "settlestatus": "0", "parenttransactionreference": "{charge}"},
	},
	{
		"subscription", `{"requesttypedescriptions":["SUBSCRIPTION"],` + inSite + `,"parenttransactionreference":"{check}","baseamount":"599","subscriptiontype":"RECURRING",
			"subscriptionunit":"MONTH","subscriptionfrequency":"1","subscriptionfinalnumber":"12","subscriptionnumber":"1"}`,
		map[string]string{"requesttypedescription": "SUBSCRIPTION", "errorcode": "0", "transactionactive": "1", "accounttypedescription": "RECUR"},
	},
	{
		"trustly", `{"requesttypedescriptions":["AUTH"],` + inSite + `,"accounttypedescription":"ECOM","paymenttypedescription":"TRUSTLY","baseamount":"2750",
			"currencyiso3a":"EUR","billingfirstname":"Kim","billinglastname":"Test","billingcountryiso2a":"FI","customerip":"192.0.2.7","orderreference":"K7-2",
			"successfulurlredirect":"https://shop.example.com/paid","errorurlredirect":"https://shop.example.com/failed"}`,
		map[string]string{
			"requesttypedescription": "AUTH", "errorcode": "0", "settlestatus": "10", "acquirerresponsemessage": "PENDING", "redirecturl": "?", "acquirersecret": "?",
		},
	},
	{
		"nothing", `{}`,
		map[string]string{"requesttypedescription": "ERROR", "errorcode": "60018"},
	},
}

// xmlExamples name what they want by its place below response.
var xmlExamples = []example{
	{
		"check", `<request type="ACCOUNTCHECK"><operation><sitereference>test_site12345</sitereference><accounttypedescription>ECOM</accounttypedescription>
			<credentialsonfile>1</credentialsonfile></operation><merchant><orderreference>K8-0</orderreference></merchant><billing><amount currencycode="GBP">0</amount>
			<payment type="VISA"><pan>4111111111111111</pan><expirydate>12/2030</expirydate><securitycode>123</securitycode></payment></billing></request>`,
		map[string]string{"@type": "ACCOUNTCHECK", "error/code": "0", "billing/payment/pan": "411111######1111"},
	},
	{
		"charge", `<request type="AUTH"><operation><sitereference>test_site12345</sitereference><accounttypedescription>ECOM</accounttypedescription>
			<parenttransactionreference>{check}</parenttransactionreference><credentialsonfile>2</credentialsonfile></operation>
			<merchant><orderreference>K8-1</orderreference></merchant><billing><amount currencycode="GBP">1999</amount></billing></request>`,
		map[string]string{"@type": "AUTH", "error/code": "0", "settlement/settlestatus": "0", "operation/parenttransactionreference": "{check}", "billing/amount": "1999"},
	},
	{
		"query", `<request type="TRANSACTIONQUERY"><filter><sitereference>test_site12345</sitereference><orderreference>K8-1</orderreference></filter></request>`,
		map[string]string{"@type": "TRANSACTIONQUERY", "error/code": "0", "found": "1", "record/transactionreference": "{charge}"},
	},
	{
		"update", `<request type="TRANSACTIONUPDATE"><filter><sitereference>test_site12345</sitereference><transactionreference>{charge}</transactionreference></filter>
			<updates><settlement><settlebaseamount>1500</settlebaseamount></settlement></updates></request>`,
		map[string]string{"@type": "TRANSACTIONUPDATE", "error/code": "0"},
	},
	{
		"refund", `<request type="REFUND"><operation><sitereference>test_site12345</sitereference><parenttransactionreference>{charge}</parenttransactionreference></operation>
			<billing><amount currencycode="GBP">400</amount></billing></request>`,
		map[string]string{"@type": "REFUND", "error/code": "0", "settlement/settlestatus": "0"},
	},
	{
		"subscription", `<request type="SUBSCRIPTION"><operation><sitereference>test_site12345</sitereference><parenttransactionreference>{check}</parenttransactionreference>
			</operation><billing><amount currencycode="GBP">599</amount><subscription type="RECURRING"><unit>MONTH</unit><frequency>1</frequency>
			<finalnumber>12</finalnumber><number>1</number></subscription></billing></request>`,
		map[string]string{"@type": "SUBSCRIPTION", "error/code": "0"},
	},
	{
		"trustly", `<request type="AUTH"><operation><sitereference>test_site12345</sitereference><accounttypedescription>ECOM</accounttypedescription></operation>
			<merchant><orderreference>K8-2</orderreference><successfulurlredirect>https://shop.example.com/paid</successfulurlredirect>
			<errorurlredirect>https://shop.example.com/failed</errorurlredirect></merchant><customer><ip>192.0.2.7</ip></customer>
			<billing><amount currencycode="EUR">2750</amount><country>FI</country><name><first>Kim</first><last>Test</last></name><payment type="TRUSTLY"/></billing></request>`,
		map[string]string{"@type": "AUTH", "error/code": "0", "settlement/settlestatus": "10", "other/redirecturl": "?"},
	},
}

// What the service's documentation shows with curl, in JSON and in XML.
func TestCurl(t *testing.T) {
	t.Parallel()
	program(t, "curl", "--version")
	info := process(t, t.TempDir())
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		follow(t, jsonExamples, func(element string) map[string]string {
			body := `{"alias":"` + gateway.DefaultUser + `","version":"1.00","request":[` + element + `]}`
			return flatJSON(t, curl(t, info, info.JSONURL, "application/json", body))
		})
	})
	t.Run("xml", func(t *testing.T) {
		t.Parallel()
		follow(t, xmlExamples, func(element string) map[string]string {
			body := `<requestblock version="3.67"><alias>` + gateway.DefaultUser + `</alias>` + element + `</requestblock>`
			return flatXML(t, curl(t, info, info.XMLURL, "text/xml", body))
		})
	})
}

// follow asks the examples one after the other.
func follow(t *testing.T, examples []example, ask func(element string) map[string]string) {
	t.Helper()
	var refs []string
	for _, e := range examples {
		fill := strings.NewReplacer(refs...)
		answer := ask(fill.Replace(e.request))
		for name, want := range e.want {
			if want == "?" {
				require.NotEmpty(t, answer[name], "%s of %s: %v", name, e.name, answer)
				continue
			}
			require.Equal(t, fill.Replace(want), answer[name], "%s of %s: %v", name, e.name, answer)
		}
		refs = append(refs, "{"+e.name+"}", answer["transactionreference"])
	}
}

func curl(t *testing.T, info gateway.Info, url, contentType, body string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "curl", "--silent", "--show-error", "--fail", "--compressed", "--cacert", info.CAFile,
		"--user", gateway.DefaultUser+":"+gateway.DefaultPassword, "--header", "Content-Type: "+contentType, "--data", body, url)
	cmd.Env, cmd.Stderr = direct(), t.Output()
	out, err := cmd.Output()
	require.NoError(t, err)
	return out
}

// flatJSON is the only answer's texts by name; record is the reference of the
// only record.
func flatJSON(t *testing.T, text []byte) map[string]string {
	t.Helper()
	var envelope struct{ Response []map[string]any }
	require.NoError(t, json.Unmarshal(text, &envelope), string(text))
	require.Len(t, envelope.Response, 1)
	flat := map[string]string{}
	for name, v := range envelope.Response[0] {
		switch v := v.(type) {
		case string:
			flat[name] = v
		case []any:
			if record, ok := v[0].(map[string]any); ok {
				require.Len(t, v, 1)
				flat["record"], _ = record["transactionreference"].(string)
			}
		}
	}
	return flat
}

// A node is any XML element.
type node struct {
	XMLName xml.Name
	Attr    []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

// flatXML is the only response's texts by place.
func flatXML(t *testing.T, text []byte) map[string]string {
	t.Helper()
	var root node
	require.NoError(t, xml.Unmarshal(text, &root), string(text))
	require.Equal(t, "responseblock", root.XMLName.Local)
	flat := map[string]string{}
	for _, n := range root.Nodes {
		if n.XMLName.Local == "response" {
			require.Empty(t, flat, "one response")
			maps.Copy(flat, n.flat(""))
		}
	}
	return flat
}

func (n node) flat(path string) map[string]string {
	flat := map[string]string{}
	for _, a := range n.Attr {
		flat[path+"@"+a.Name.Local] = a.Value
	}
	for _, child := range n.Nodes {
		place := path + child.XMLName.Local
		flat[place] = strings.TrimSpace(child.Text)
		maps.Copy(flat, child.flat(place+"/"))
	}
	return flat
}

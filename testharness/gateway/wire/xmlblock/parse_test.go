package xmlblock_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

// charge is the smallest charge of a stored card.
const charge = `<requestblock version="3.67">
  <alias>charger@example.com</alias>
  <request type="AUTH">
    <operation>
      <sitereference>test_demo1</sitereference>
      <accounttypedescription>ECOM</accounttypedescription>
      <parenttransactionreference>55-9-1000</parenttransactionreference>
      <credentialsonfile>2</credentialsonfile>
    </operation>
    <merchant><orderreference>K1001-a1</orderreference></merchant>
    <billing><amount currencycode="GBP">2499</amount></billing>
  </request>
</requestblock>`

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, xml, json string }{
		{"a charge", charge, `{"alias":"charger@example.com","version":"3.67","request":[{"requesttypedescriptions":["AUTH"],
			"sitereference":"test_demo1","accounttypedescription":"ECOM","parenttransactionreference":"55-9-1000","credentialsonfile":"2",
			"orderreference":"K1001-a1","currencyiso3a":"GBP","baseamount":"2499"}]}`},
		{
			"a card, in another order, with empty elements", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
			<requestblock version="3.67"><request type="ACCOUNTCHECK"><billing><payment type="VISA"><pan>4111111111111111</pan><securitycode>123</securitycode>
			<expirydate>12/2030</expirydate></payment><amount currencycode="GBP">0</amount><email/><name><prefix></prefix><first>A &amp; &#66;</first><last> </last></name>
			<telephone type="M">0123</telephone></billing><settlement/><customer><name><last>D</last></name><ip>192.0.2.1</ip></customer></request><alias>a</alias></requestblock>`,
			`{"alias":"a","version":"3.67","request":[{"requesttypedescriptions":["ACCOUNTCHECK"],"paymenttypedescription":"VISA","pan":"4111111111111111",
			"securitycode":"123","expirydate":"12/2030","currencyiso3a":"GBP","baseamount":"0","billingfirstname":"A & B","billingtelephonetype":"M","billingtelephone":"0123",
			"customerlastname":"D","customerip":"192.0.2.1"}]}`,
		},
		{
			"a query", `<requestblock><request type="TRANSACTIONQUERY"><filter><sitereference>s</sitereference><orderreference>1</orderreference>
			<orderreference symbol="IS">2</orderreference><settlestatus/></filter></request></requestblock>`,
			`{"request":[{"requesttypedescriptions":["TRANSACTIONQUERY"],"filter":{"sitereference":[{"value":"s"}],
			"orderreference":[{"value":"1"},{"value":"2","symbol":"IS"}],"settlestatus":[{"value":""}]}}]}`,
		},
		{
			"an update", `<requestblock><request type="TRANSACTIONUPDATE"><updates type="x"><settlement><settlestatus>3</settlestatus></settlement>
			<merchant><orderreference>n</orderreference></merchant><billing><town/><amount>5</amount></billing></updates>
			<filter><transactionreference>1-2-3</transactionreference></filter></request></requestblock>`,
			`{"request":[{"requesttypedescriptions":["TRANSACTIONUPDATE"],"updates":{"settlestatus":"3","orderreference":"n","baseamount":"5"},
			"filter":{"transactionreference":[{"value":"1-2-3"}]}}]}`,
		},
		{
			"several, a chain, and none", `<requestblock><request type="TRANSACTIONUPDATE"/><request type="ACCOUNTCHECK, AUTH"/><request type="A B"/><request/></requestblock>`,
			`{"request":[{"requesttypedescriptions":["TRANSACTIONUPDATE"]},{"requesttypedescriptions":["ACCOUNTCHECK","AUTH"]},
			{"requesttypedescriptions":["A","B"]},{}]}`,
		},
		{
			"references", `<requestblock><requestreference>A1</requestreference><request><requestreference>A2</requestreference></request></requestblock>`,
			`{"request":[{"requestreference":"A2"}]}`,
		},
		{"a reference of the call", `<requestblock><request/><requestreference>A1</requestreference></requestblock>`, `{"request":[{"requestreference":"A1"}]}`},
		{"a reference of the call for several", `<requestblock><request/><request/><requestreference>A1</requestreference></requestblock>`, `{"request":[{},{}]}`},
		{
			"what is unknown", `<requestblock xmlns:x="urn:x" new="1"><new><alias>no</alias></new><request kind="AUTH" x:type="AUTH"><sitereference>no</sitereference>
			<billing><new><amount>1</amount></new><amount code="EUR" x:currencycode="EUR">2<new>3</new></amount></billing>text</request>text</requestblock>`,
			`{"request":[{"baseamount":"2"}]}`,
		},
		{
			"the same twice", `<requestblock><request type="AUTH"><merchant><orderreference>1</orderreference></merchant><merchant><orderreference>2</orderreference></merchant></request></requestblock>`,
			`{"request":[{"requesttypedescriptions":["AUTH"],"orderreference":"1","orderreference":"2"}]}`,
		},
		{"sections and comments", "\ufeff<requestblock><!-- a --><alias>a<![CDATA[<b>]]>c</alias></requestblock><!-- end -->\n", `{"alias":"a<b>c"}`},
		{"nothing in it", `<requestblock/>`, `{}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want, err := wire.Parse(tc.json)
			require.NoError(t, err)
			got, err := xmlblock.Parse(tc.xml)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(want, got, cmpopts.EquateEmpty()))
		})
	}
}

func TestParse_Err(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return "<requestblock>" + strings.Repeat("<a>", n) + strings.Repeat("</a>", n) + "</requestblock>"
	}
	_, err := xmlblock.Parse(deep(wire.MaxDepth - 1))
	require.NoError(t, err)
	for _, tc := range []struct {
		name, text string
		want       error
	}{
		{"empty", ``, xmlblock.ErrSyntax},
		{"blank", " \n", xmlblock.ErrSyntax},
		{"JSON", `{"alias":"a"}`, xmlblock.ErrSyntax},
		{"cut off", charge[:len(charge)/2], xmlblock.ErrSyntax},
		{"the end is missing", `<requestblock><alias>a</alias>`, xmlblock.ErrSyntax},
		{"crossed", `<requestblock><alias></requestblock></alias>`, xmlblock.ErrSyntax},
		{"another root", `<responseblock version="3.67"/>`, xmlblock.ErrSchema},
		{"another root, cut off", `<responseblock version="3.67">`, xmlblock.ErrSyntax},
		{"two roots", `<requestblock/><requestblock/>`, xmlblock.ErrSyntax},
		{"text before", `x<requestblock/>`, xmlblock.ErrSyntax},
		{"text behind", `<requestblock/>x`, xmlblock.ErrSyntax},
		{"a document type", `<!DOCTYPE requestblock><requestblock/>`, xmlblock.ErrSyntax},
		{"a document type behind", `<requestblock/><!DOCTYPE requestblock>`, xmlblock.ErrSyntax},
		{"an entity that is declared", `<!DOCTYPE r [<!ENTITY a "b">]><requestblock><alias>&a;</alias></requestblock>`, xmlblock.ErrSyntax},
		{"an entity of HTML", `<requestblock><alias>&nbsp;</alias></requestblock>`, xmlblock.ErrSyntax},
		{"an instruction before", `<?php?><requestblock/>`, xmlblock.ErrSyntax},
		{"an instruction within", `<requestblock><?php?></requestblock>`, xmlblock.ErrSyntax},
		{"an instruction behind", `<requestblock/><?php?>`, xmlblock.ErrSyntax},
		{"a declaration too late", ` <?xml version="1.0"?><requestblock/>`, xmlblock.ErrSyntax},
		{"two declarations", `<?xml version="1.0"?><?xml version="1.0"?><requestblock/>`, xmlblock.ErrSyntax},
		{"another version of XML", `<?xml version="1.1"?><requestblock/>`, xmlblock.ErrSyntax},
		{"another encoding", `<?xml version="1.0" encoding="ISO-8859-1"?><requestblock/>`, xmlblock.ErrSyntax},
		{"an attribute twice", `<requestblock version="1" version="2"/>`, xmlblock.ErrSyntax},
		{"an attribute without quotes", `<requestblock version=1/>`, xmlblock.ErrSyntax},
		{"a character that XML has not", "<requestblock><alias>\x01</alias></requestblock>", xmlblock.ErrSyntax},
		{"too deep", deep(wire.MaxDepth), wire.ErrLimit},
		{"too many elements", `<requestblock>` + strings.Repeat("<a/>", wire.MaxValues) + `</requestblock>`, wire.ErrLimit},
		{"too many attributes", `<requestblock` + strings.Repeat(` a=""`, 17) + `/>`, wire.ErrLimit},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v, err := xmlblock.Parse(tc.text)
			require.ErrorIs(t, err, tc.want)
			require.Zero(t, v)
		})
	}
}

// FuzzParse reads any text: what comes out is within the limits, and holds
// texts and lists alone.
func FuzzParse(f *testing.F) {
	f.Add(charge)
	f.Add(`<?xml version='1.0' encoding='utf-8'?><requestblock><request type="TRANSACTIONQUERY"><filter><a/></filter><updates><b><c/></b></updates></request></requestblock>`)
	f.Add(`<!DOCTYPE a [<!ENTITY b "c">]><requestblock><alias>&b;&#x41;<![CDATA[d]]></alias></requestblock>`)
	f.Add(`<requestblock xmlns="a" xmlns:b="c"><b:request b:type="d"/></requestblock>`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("the caller refuses what is not UTF-8")
		}
		v, err := xmlblock.Parse(text)
		if err != nil {
			require.True(t, errors.Is(err, xmlblock.ErrSyntax) || errors.Is(err, xmlblock.ErrSchema) || errors.Is(err, wire.ErrLimit), err)
			return
		}
		require.Equal(t, wire.Object, v.Kind)
		size := 0
		var check func(v *wire.Value)
		check = func(v *wire.Value) {
			size += len(v.Text)
			require.True(t, utf8.ValidString(v.Text))
			switch v.Kind {
			case wire.String:
			case wire.Object:
				for i := range v.Members {
					require.NotEmpty(t, v.Members[i].Name)
					check(&v.Members[i].Value)
				}
			case wire.Array:
				for i := range v.Items {
					check(&v.Items[i])
				}
			default:
				require.Fail(t, "a kind that XML has not", v.Kind)
			}
		}
		check(&v)
		require.LessOrEqual(t, size, len(text), "entities don't make it grow")
	})
}

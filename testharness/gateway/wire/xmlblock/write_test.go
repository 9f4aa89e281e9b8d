package xmlblock_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway/wire"
	"github.com/chargehand/chargehand/testharness/gateway/wire/xmlblock"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	got := string(xmlblock.Append([]byte("before"), wire.Fields{
		wire.Text("requestreference", "A1"), wire.Text("version", "1.00"), wire.Text("secrand", "x&"),
		wire.Objects("responses", []wire.Fields{
			{
				wire.Text("requesttypedescription", "AUTH"), wire.Text("currencyiso3a", "GBP"), wire.Text("errorcode", "0"), wire.Text("baseamount", "100"),
				wire.Text("dccenabled", "0"), wire.Text("maskedpan", "411111######1111"), wire.Text("authcode", ""), wire.Text("brandnew", "<\x01>"),
			},
			{
				wire.List("errordata", "a", "b"), wire.Text("found", "2"),
				wire.Objects("records", []wire.Fields{{wire.Text("settlestatus", "1"), wire.Text("requesttypedescription", "REFUND")}, {}}),
			},
		}),
	}))
	require.Equal(t, "before<?xml version='1.0' encoding='utf-8'?>\n"+
		`<responseblock version="3.67"><requestreference>A1</requestreference><secrand>x&amp;</secrand>`+
		`<response type="AUTH"><billing><amount currencycode="GBP">100</amount><dcc enabled="0"/><payment><pan>411111######1111</pan></payment></billing>`+
		`<error><code>0</code></error><authcode/><brandnew>&lt;`+"\uFFFD"+`&gt;</brandnew></response>`+
		`<response><error><data>a</data><data>b</data></error><found>2</found>`+
		`<record type="REFUND"><settlement><settlestatus>1</settlestatus></settlement></record><record/></response></responseblock>`, got)
}

// No two members lie at one place, and none has another in it unless the other
// is an attribute.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, paths := range []map[string]string{xmlblock.RequestPaths(), xmlblock.AnswerPaths()} {
		places := map[string]string{}
		for name, path := range paths {
			require.Empty(t, places[path], "%s: %s", path, name)
			places[path] = name
			require.NotContains(t, []string{"filter", "updates", "record"}, strings.Split(path, "/")[0])
		}
		for path := range places {
			steps := strings.Split(path, "/")
			for i := range slices.Backward(steps[1:]) {
				if above := strings.Join(steps[:i+1], "/"); places[above] != "" {
					require.True(t, strings.HasPrefix(steps[i+1], "@") && i+2 == len(steps), path)
				}
			}
		}
	}
}

package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// Faults on notifications are matched by the transaction and the kind of event,
// and counted by notifications, never by requests.
func TestFaultsOnNotifications(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule(), func(cfg *gateway.Config) { cfg.Switches.Plain = true }).serve()
	parent := b.mint()
	b.idle()
	ids, err := b.g.AddFaults(
		gateway.Fault{Effect: gateway.EffectNotificationLost, OrderReference: "lost-*", Event: notify.Settlement},
		gateway.Fault{Effect: gateway.EffectNotificationDuplicated, Type: "AUTH", OrderReference: "twice"},
		gateway.Fault{Effect: gateway.EffectNotificationDuplicated, OrderReference: "often", Copies: 3, Nth: 2, Times: 1},
		gateway.Fault{Effect: gateway.EffectNotificationLate, Amount: gateway.Exactly(777), Delay: gateway.Duration(time.Hour)},
		gateway.Fault{Effect: gateway.EffectNotificationForged, OrderReference: "forged", Variant: "amount", Signed: true},
		gateway.Fault{Effect: gateway.EffectNotificationForged, OrderReference: "wrong"},
		gateway.Fault{Effect: gateway.EffectNotificationTruncated, OrderReference: "cut"},
		gateway.Fault{Effect: gateway.EffectNotificationReordered, OrderReference: "held", Times: 1},
		gateway.Fault{Effect: gateway.EffectNotificationLost, Site: "test_other"},
	)
	require.NoError(t, err)
	require.Len(t, ids, 9)
	refs := map[string]string{}
	for _, order := range []string{"lost-1", "twice", "often", "forged", "wrong", "cut"} {
		refs[order] = b.ask1(auth(parent).with(fields{"orderreference": order}))["transactionreference"].(string)
	}
	late := b.ask1(auth(parent).with(fields{"baseamount": "777"}))["transactionreference"].(string)
	b.idle()
	require.Empty(t, l.about(late))
	held := b.ask1(auth(parent).with(fields{"orderreference": "held"}))["transactionreference"].(string)
	b.idle()
	require.Empty(t, l.about(held))
	after := b.ask1(auth(parent).with(fields{"orderreference": "after"}))["transactionreference"].(string)
	b.idle()
	all := l.all()
	require.Equal(t, after, all[len(all)-2]["transactionreference"])
	require.Equal(t, held, all[len(all)-1]["transactionreference"])
	b.tick(time.Hour)
	b.idle()
	require.Equal(t, []string{"0"}, l.about(late))
	b.tick(24 * time.Hour)
	b.idle()
	require.Equal(t, []string{"0"}, l.about(refs["lost-1"]))
	require.Equal(t, []string{"0", "0", "10", "10"}, l.about(refs["twice"]))
	require.Equal(t, []string{"0", "10", "10", "10", "10"}, l.about(refs["often"]))
	for _, one := range l.all() {
		switch one["orderreference"] {
		case "forged":
			require.Equal(t, "1150", one["baseamount"])
			require.NoError(t, notify.Verify(one, "s3cret"))
		case "wrong":
			require.ErrorIs(t, notify.Verify(one, "s3cret"), notify.ErrHash)
		}
	}
	require.NotContains(t, l.about(refs["cut"]), "0", "half of it can't be read or lacks fields")
	states := b.g.Faults()
	require.Equal(t, 1, states[0].Matched, "requests don't count")
	require.Equal(t, 2, states[2].Matched)
	require.Equal(t, 1, states[2].Fired)
	require.Zero(t, states[8].Matched)
}

// A fault without conditions that is for requests leaves notifications alone.
func TestFaultsOnRequestsDoNotCountNotifications(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule()).serve()
	_, err := b.g.AddFaults(gateway.Fault{Effect: gateway.EffectLatency})
	require.NoError(t, err)
	b.charge(nil)
	b.tick(48 * time.Hour)
	b.idle()
	require.Equal(t, 1, b.g.Faults()[0].Matched)
}

func TestNotificationFaultErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for text, f := range map[string]gateway.Fault{
		"needs a delay":            {Effect: gateway.EffectNotificationLate},
		"copies 101":               {Effect: gateway.EffectNotificationDuplicated, Copies: 101},
		"copies means nothing to":  {Effect: gateway.EffectNotificationLost, Copies: 1},
		"variant means nothing to": {Effect: gateway.EffectNotificationLost, Variant: "hash"},
		"forged \"body\"":          {Effect: gateway.EffectNotificationForged, Variant: "body"},
		"truncated \"hash\"":       {Effect: gateway.EffectNotificationTruncated, Variant: "hash"},
		"signed means nothing to":  {Effect: gateway.EffectNotificationTruncated, Signed: true},
		"signed goes with forged":  {Effect: gateway.EffectNotificationForged, Signed: true},
		"event \"x\"":              {Effect: gateway.EffectNotificationLost, Event: "x"},
		"event means nothing to":   {Effect: gateway.EffectHeld, Event: notify.Settlement},
		"the effect reset":         {Effect: gateway.EffectReset, Copies: 1},
	} {
		_, err := b.g.AddFaults(f)
		require.ErrorContains(t, err, text)
	}
}

func TestForgeNotification(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t, l.rule()).serve()
	ref := b.mint()
	b.idle()
	ids, err := b.g.ForgeNotification(gateway.Forging{Transaction: ref, Event: notify.Settlement, Variant: notify.ForgedPaid, Signed: true})
	require.NoError(t, err)
	require.Len(t, ids, 1)
	b.idle()
	require.Equal(t, []string{"0", "100"}, l.about(ref))
	require.Equal(t, 0, b.entry(ref).SettleStatus, "nothing happened to the money")
	again, err := b.g.ResendNotification(ids[0])
	require.NoError(t, err)
	b.idle()
	require.Equal(t, []string{"0", "100", "100"}, l.about(ref))
	require.Equal(t, again, b.g.Notifications(ref)[2].ID)
	for text, f := range map[string]gateway.Forging{
		`"55-9-1": not found`: {Transaction: "55-9-1"},
		"event \"x\"":         {Transaction: ref, Event: "x"},
		"is none of hash":     {Transaction: ref, Variant: "x"},
		"rule n9: not found":  {Transaction: ref, Rule: "n9"},
	} {
		_, err := b.g.ForgeNotification(f)
		require.ErrorContains(t, err, text)
	}
}

func TestNotificationsAdmin(t *testing.T) {
	t.Parallel()
	l := listen(t)
	b := setup(t)
	rule := `{"sitereference":"test_site12345","url":"` + l.server.URL + `","ca_file":"` + l.ca + `","when":[{"field":"errorcode","in":["0"]}]`
	added := b.admin("POST", "/notifications/rules", "["+rule+"},"+rule+`,"mode":"online"}]`, 200)["list"].([]any)
	require.Len(t, added, 2)
	require.Equal(t, "n2", added[1].(map[string]any)["id"])
	require.Len(t, b.admin("GET", "/notifications/rules", "", 200)["list"], 2)
	b.admin("DELETE", "/notifications/rules/n2", "", 200)
	require.Contains(t, b.admin("POST", "/notifications/wait", `{"limit":"1s"}`, 400)["error"], "not serving")
	b.serve()
	ref := b.mint()
	require.Equal(t, true, b.admin("POST", "/notifications/wait", `{"limit":"1m"}`, 200)["idle"])
	b.admin("POST", "/notifications/resend", `{"id":1}`, 200)
	require.Len(t, b.admin("POST", "/notifications/forge", `{"transactionreference":"`+ref+`"}`, 200)["ids"], 1)
	require.Equal(t, true, b.admin("POST", "/notifications/wait", `{"limit":"1m"}`, 200)["idle"])
	require.Len(t, b.admin("GET", "/notifications?transactionreference="+ref, "", 200)["list"], 3)
	require.Empty(t, b.admin("GET", "/notifications?transactionreference=x", "", 200)["list"])
	require.Len(t, l.about(ref), 3)
	for _, c := range [][3]string{
		{"/notifications/rules", `{"sitereference":"test_x","url":"https://example.com/"}`, "no site"},
		{"/notifications/rules", `{"sitereference":"test_site12345","link":"https://example.com/"}`, "unknown field"},
		{"/notifications/rules", `[{"sitereference":"test_site12345","url":"http://example.com/"}]`, "plain http"},
		{"/notifications/rules", `7`, "read notification rules"},
		{"/notifications/rules", strings.Repeat(" ", 1<<20+1), "too large"},
		{"/notifications/resend", `{"id":99}`, "not found"},
		{"/notifications/forge", `{"transactionreference":"x"}`, "not found"},
		{"/notifications/wait", `{"limit":"1h"}`, "at most"},
	} {
		require.Contains(t, b.admin("POST", c[0], c[1], 400)["error"], c[2], c[1])
	}
	b.admin("DELETE", "/notifications/rules/n2", "", 404)
	b.admin("POST", "/switches", `{"public_notifications":true}`, 200)
	require.Contains(t, b.admin("POST", "/notifications/rules", rule+"}", 400)["error"], "public")
}

// FuzzFaults reads fault scripts: no panic, and what is accepted acts on anything
// without one and can be written and read again.
func FuzzFaults(f *testing.F) {
	f.Add([]byte(`[{"effect":"notification_forged","variant":"paid","signed":true,"event":"settlement","times":1}]`))
	f.Add([]byte(`{"effect":"notification_duplicated","copies":5,"orderreference":"K*","chance":0.5,"seed":3}`))
	f.Add([]byte(`{"effect":"process_then_drop","type":"AUTH","nth":2,"delay":"1s","spread":"1h"}`))
	b := setup(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		faults, err := gateway.ParseFaults(text)
		if err != nil {
			return
		}
		if _, err = b.g.AddFaults(faults...); err != nil {
			return
		}
		defer b.g.ClearFaults()
		content, err := json.Marshal(faults)
		require.NoError(t, err)
		again, err := gateway.ParseFaults(content)
		require.NoError(t, err)
		require.Len(t, again, len(faults))
	})
}

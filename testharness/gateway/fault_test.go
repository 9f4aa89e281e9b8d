package gateway_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

func (b *bench) fault(f gateway.Fault) {
	b.t.Helper()
	_, err := b.g.AddFaults(f)
	require.NoError(b.t, err)
}

// faulty serves a gateway with one fault that acts once on an AUTH (or on what
// its Type says).
func faulty(t *testing.T, f gateway.Fault) *bench {
	t.Helper()
	b := setup(t).serve()
	if f.Type == "" {
		f.Type = "AUTH"
	}
	f.Times = 1
	b.fault(f)
	return b
}

// sendOne charges a stored card over HTTPS and returns the one answer.
func (b *bench) sendOne(element fields) map[string]any {
	b.t.Helper()
	status, content, err := b.send(element)
	require.NoError(b.t, err)
	require.Equal(b.t, http.StatusOK, status)
	a := decode(b.t, content)
	require.Len(b.t, a.Response, 1)
	require.Equal(b.t, "Aabcdefgh", a.RequestReference)
	return a.Response[0]
}

func TestServiceOverHTTPS(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	parent := b.mint()
	for range 3 {
		require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])
	}
	s := b.g.Stats()
	require.Equal(t, int64(3), s.Calls)
	require.Equal(t, map[string]int64{"AUTH": 3}, s.Requests)
	require.Equal(t, int64(1), s.Accepted, "connections are kept")
	require.Equal(t, int64(1), s.Open)
}

func TestFaultProcessThenDrop(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectProcessThenDrop})
	_, _, err := b.send(auth(b.mint()))
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, b.orders("K1-a1"), 1, "processed, once")
	require.Equal(t, int64(1), b.g.Stats().Calls, "the client did not send it again")
	require.Len(t, b.records(fields{"orderreference": is("K1-a1")}), 1)
}

func TestFaultReset(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectReset})
	parent := b.mint()
	_, _, err := b.send(auth(parent))
	require.Error(t, err)
	require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), err)
	require.Empty(t, b.orders("K1-a1"))
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"], "once only")
}

func TestFaultProcessThenDelay(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectProcessThenDelay, Delay: gateway.Duration(time.Minute)})
	b.leave(auth(b.mint()), func() bool { return len(b.orders("K1-a1")) == 1 })
}

func TestFaultProcessThenDelayAnswers(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectProcessThenDelay, Delay: gateway.Duration(50 * time.Millisecond)})
	start := time.Now()
	require.Equal(t, "0", b.sendOne(auth(b.mint()))["errorcode"])
	require.GreaterOrEqual(t, time.Since(start), 50*time.Millisecond)
}

func TestFaultDelayThenProcess(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectDelayThenProcess, Delay: gateway.Duration(400 * time.Millisecond)})
	b.leave(auth(b.mint()), func() bool { return b.g.Faults()[0].Fired == 1 && len(b.orders("K1-a1")) == 0 })
	require.Eventually(t, func() bool { return len(b.orders("K1-a1")) == 1 }, time.Minute, 5*time.Millisecond,
		"processed although nobody waits")
}

func TestCloseEndsDelaysUnprocessed(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectDelayThenProcess, Delay: gateway.Duration(time.Hour)})
	failed := make(chan error, 1)
	element := auth(b.mint())
	go func() {
		_, _, err := b.send(element)
		failed <- err
	}()
	require.Eventually(t, func() bool { return b.g.Stats().InFlight == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, b.server.Close())
	require.Error(t, <-failed)
	require.Empty(t, b.orders("K1-a1"))
}

func TestFaultBankErrorThenPaid(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectBankErrorThenPaid, Delay: gateway.Duration(hour)})
	a := b.sendOne(auth(b.mint()).with(fields{"settlestatus": "2"}))
	require.Equal(t, "60010", a["errorcode"])
	require.Equal(t, "3", a["settlestatus"])
	require.NotContains(t, a, "authcode")
	ref := a["transactionreference"].(string)
	require.Equal(t, "60010", b.record(ref)["errorcode"])
	require.Equal(t, "3", b.record(ref)["settlestatus"])
	require.Equal(t, "60017", b.ask1(update(ref, "0"))["errorcode"], "while in doubt")
	require.Equal(t, "20033", b.ask1(auth(ref))["errorcode"])
	e := b.entry(ref)
	require.Equal(t, "0", e.ErrorCode, "the ledger knows")
	require.Equal(t, "60010", e.AnsweredCode)
	b.tick(hour)
	require.Equal(t, "0", b.record(ref)["errorcode"])
	require.Equal(t, "2", b.record(ref)["settlestatus"])
	require.Equal(t, "0", b.ask1(update(ref, "0"))["errorcode"])
}

func TestFaultBankErrorThenFailed(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectBankErrorThenFailed, Delay: gateway.Duration(hour)})
	a := b.sendOne(auth(b.mint()))
	require.Equal(t, "60010", a["errorcode"])
	ref := a["transactionreference"].(string)
	require.Equal(t, "60010", b.record(ref)["errorcode"])
	b.tick(hour)
	require.Equal(t, "70000", b.record(ref)["errorcode"])
	require.Equal(t, "3", b.record(ref)["settlestatus"])
}

func TestFaultBankErrorStays(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectBankErrorStays})
	a := b.sendOne(auth(b.mint()))
	require.Equal(t, "60010", a["errorcode"])
	b.tick(30 * day)
	require.Equal(t, "60010", b.record(a["transactionreference"].(string))["errorcode"])
}

func TestFaultHeld(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectHeld})
	a := b.sendOne(auth(b.mint()))
	require.Equal(t, "0", a["errorcode"])
	require.Equal(t, "2", a["settlestatus"])
	require.Equal(t, "2", b.record(a["transactionreference"].(string))["settlestatus"])
}

func TestFaultUnauthorized(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectUnauthorized})
	status, content, err := b.send(auth(b.mint()))
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, string(content), "401 Authorization Required")
	require.Empty(t, b.orders("K1-a1"))
	require.Equal(t, int64(1), b.g.Stats().Unauthorized)
}

func TestFaultServerError(t *testing.T) {
	t.Parallel()
	for _, processed := range []bool{false, true} {
		for given, want := range map[int]int{0: 500, 502: 502} {
			b := faulty(t, gateway.Fault{Effect: gateway.EffectServerError, Status: given, Processed: processed})
			status, content, err := b.send(auth(b.mint()))
			require.NoError(t, err)
			require.Equal(t, want, status)
			require.Contains(t, string(content), "<html>")
			require.Equal(t, processed, len(b.orders("K1-a1")) == 1)
		}
	}
}

func TestFaultBrokenJSON(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectBrokenJSON})
	status, content, err := b.send(auth(b.mint()))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.False(t, json.Valid(content))
	require.Len(t, b.orders("K1-a1"), 1)
}

func TestFaultWrongAmount(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectWrongAmount})
	a := b.sendOne(auth(b.mint()))
	require.Equal(t, "1051", a["baseamount"])
	require.Equal(t, "1050", b.record(a["transactionreference"].(string))["baseamount"])
	require.Equal(t, int64(1050), b.orders("K1-a1")[0].Amount)
}

func TestFaultWrongReference(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectWrongReference})
	_, content, err := b.send(auth(b.mint()))
	require.NoError(t, err)
	require.NotEqual(t, "Aabcdefgh", decode(t, content).RequestReference)
	require.Len(t, b.orders("K1-a1"), 1)
}

func TestFaultExtraElement(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectExtraElement})
	_, content, err := b.send(auth(b.mint()))
	require.NoError(t, err)
	require.Len(t, decode(t, content).Response, 2)
	require.Len(t, b.orders("K1-a1"), 1)
}

func TestFaultResponsesKey(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectResponsesKey})
	_, content, err := b.send(auth(b.mint()))
	require.NoError(t, err)
	a := decode(t, content)
	require.Nil(t, a.Response)
	require.Len(t, a.Responses, 1)
}

func TestFaultLostError(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectLostError})
	a := b.sendOne(auth(b.mint()))
	require.Equal(t, "ERROR", a["requesttypedescription"])
	require.Equal(t, "99999", a["errorcode"])
	require.NotContains(t, a, "transactionreference")
	require.Len(t, b.orders("K1-a1"), 1)
	require.Equal(t, "0", b.orders("K1-a1")[0].ErrorCode)
	require.Equal(t, "99999", b.orders("K1-a1")[0].AnsweredCode)

	ref := b.charge(fields{"settlestatus": "2"})
	b.fault(gateway.Fault{Effect: gateway.EffectLostError, Type: "TRANSACTIONUPDATE", Times: 1})
	require.Equal(t, "99999", b.sendOne(update(ref, "0"))["errorcode"])
	require.Equal(t, 0, b.entry(ref).SettleStatus)
}

func TestFaultCode(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectCode, Code: "71000", AcquirerCode: "65"})
	a := b.sendOne(auth(b.mint()))
	require.Equal(t, "AUTH", a["requesttypedescription"])
	require.Equal(t, "71000", a["errorcode"])
	require.Equal(t, "Soft Decline", a["errormessage"])
	require.Equal(t, "65", a["acquirerresponsecode"])
	require.Equal(t, "3", a["settlestatus"])
	require.Equal(t, "71000", b.record(a["transactionreference"].(string))["errorcode"])

	b.fault(gateway.Fault{Effect: gateway.EffectCode, Code: "50000", Unrecorded: true, Type: "AUTH", Times: 1})
	a = b.sendOne(auth(b.mint()).with(fields{"orderreference": "K2-a1"}))
	require.Equal(t, "ERROR", a["requesttypedescription"])
	require.Equal(t, "50000", a["errorcode"])
	require.Empty(t, b.orders("K2-a1"))

	b.fault(gateway.Fault{Effect: gateway.EffectCode, Code: "12345", Type: "TRANSACTIONQUERY", Times: 1})
	a = b.sendOne(query(fields{"orderreference": is("K1-a1")}))
	require.Equal(t, "12345", a["errorcode"])
	require.NotContains(t, a, "found")

	for _, processed := range []bool{false, true} {
		ref := b.charge(fields{"settlestatus": "2"})
		b.fault(gateway.Fault{Effect: gateway.EffectCode, Code: "60034", Type: "TRANSACTIONUPDATE", Times: 1, Processed: processed})
		require.Equal(t, "60034", b.sendOne(update(ref, "0"))["errorcode"])
		require.Equal(t, processed, b.entry(ref).SettleStatus == 0)
	}
}

func TestFaultQueryLag(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectQueryLag, Delay: gateway.Duration(hour)})
	require.Equal(t, "0", b.sendOne(auth(b.mint()))["errorcode"])
	require.Empty(t, b.records(fields{"orderreference": is("K1-a1")}))
	require.Len(t, b.orders("K1-a1"), 1)
	b.tick(hour)
	require.Len(t, b.records(fields{"orderreference": is("K1-a1")}), 1)

	ref := b.charge(fields{"settlestatus": "2"})
	b.fault(gateway.Fault{Effect: gateway.EffectQueryLag, Delay: gateway.Duration(hour), Type: "TRANSACTIONUPDATE"})
	require.Equal(t, "0", b.sendOne(update(ref, "0"))["errorcode"])
	require.Equal(t, "2", b.record(ref)["settlestatus"], "stale")
	require.Equal(t, 0, b.entry(ref).SettleStatus)
	b.tick(hour)
	require.Equal(t, "0", b.record(ref)["settlestatus"])
}

func TestFaultQueryEmpty(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectQueryEmpty, Type: "TRANSACTIONQUERY", OrderReference: "K1-*"})
	ref := b.charge(nil)
	require.Equal(t, "1", b.sendOne(query(fields{"parenttransactionreference": is(b.entry(ref).Parent)}))["found"], "another query")
	require.Equal(t, "0", b.sendOne(query(fields{"transactionreference": is(ref)}))["found"], "matched by what the reference is about")
	require.Equal(t, "1", b.sendOne(query(fields{"orderreference": is("K1-a1")}))["found"])
}

func TestFaultQueryPartial(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectQueryPartial, Type: "TRANSACTIONQUERY", Times: 1})
	parent := b.mint()
	for range 3 {
		b.ask1(auth(parent))
		b.tick(time.Minute)
	}
	children := query(fields{"parenttransactionreference": is(parent)})
	a := b.sendOne(children)
	require.Equal(t, "1", a["found"])
	require.Len(t, a["records"], 1)
	require.Equal(t, "2026-03-04 10:02:00", a["records"].([]any)[0].(map[string]any)["transactionstartedtimestamp"], "the newest")
	require.Equal(t, "3", b.sendOne(children)["found"])
}

func TestFaultLatency(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectLatency, Delay: gateway.Duration(40 * time.Millisecond), Spread: gateway.Duration(time.Millisecond)})
	require.NoError(t, b.g.SetSwitches(t.Context(), gateway.Switches{
		Latency: gateway.Duration(40 * time.Millisecond), Spread: gateway.Duration(time.Millisecond),
	}))
	parent, start := b.mint(), time.Now()
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])
	require.GreaterOrEqual(t, time.Since(start), 80*time.Millisecond)
}

func TestFaultDown(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	b.fault(gateway.Fault{Effect: gateway.EffectDown, Times: 2})
	parent := b.mint()
	b.ask1(query(fields{"orderreference": is("none")}))
	require.Zero(t, b.g.Faults()[0].Matched, "it counts connections, not requests")
	for range 2 {
		_, _, err := b.send(auth(parent))
		require.Error(t, err)
	}
	require.Empty(t, b.orders("K1-a1"))
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])
	require.Equal(t, int64(2), b.g.Stats().Refused)
}

func TestSwitchDown(t *testing.T) {
	t.Parallel()
	b := setup(t).serve()
	parent, address := b.mint(), b.server.JSONURL()
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])
	for range 2 {
		require.NoError(t, b.g.SetSwitches(t.Context(), gateway.Switches{Down: true}))
	}
	require.True(t, b.g.Switches().Down)
	b.client.CloseIdleConnections() // they were cut; the next call must dial
	_, _, err := b.send(auth(parent))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, b.g.SetSwitches(t.Context(), gateway.Switches{}))
	require.Equal(t, address, b.server.JSONURL())
	require.Equal(t, "0", b.sendOne(auth(parent))["errorcode"])
	require.Len(t, b.orders("K1-a1"), 2)
}

func TestFaultConditions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault gateway.Fault
		want  string // of six charges, which are held
	}{
		"always":         {gateway.Fault{}, "xxxxxx"},
		"times":          {gateway.Fault{Times: 2}, "xx...."},
		"nth":            {gateway.Fault{Nth: 3}, "..xxxx"},
		"nth and times":  {gateway.Fault{Nth: 3, Times: 1}, "..x..."},
		"order":          {gateway.Fault{OrderReference: "K2-a1"}, "..x..."},
		"orders":         {gateway.Fault{OrderReference: "K?-a[1]"}, "xxxxxx"},
		"no order":       {gateway.Fault{OrderReference: "K*-b"}, "......"},
		"amount":         {gateway.Fault{Amount: gateway.Exactly(1234)}, ".....x"},
		"amounts":        {gateway.Fault{Amount: &gateway.Amounts{From: 1, To: 1233}}, "xxxxx."},
		"site":           {gateway.Fault{Site: gateway.DefaultSite}, "xxxxxx"},
		"other site":     {gateway.Fault{Site: "test_x"}, "......"},
		"type":           {gateway.Fault{Type: "AUTH"}, "xxxxxx"},
		"chance by seed": {gateway.Fault{Chance: 0.5, Seed: 3}, ""},
	} {
		held := func() (got string) {
			b := setup(t)
			c.fault.Effect = gateway.EffectHeld
			b.fault(c.fault)
			parent := b.mint()
			for i, amount := range []string{"1", "1", "1", "1", "1", "1234"} {
				b.ask1(query(fields{"orderreference": is("none")})) // counts for nothing
				a := b.ask1(auth(parent).with(fields{"baseamount": amount, "orderreference": "K" + string(rune('0'+i)) + "-a1"}))
				if a["settlestatus"] == "2" {
					got += "x"
				} else {
					got += "."
				}
			}
			return got
		}
		got := held()
		if c.want == "" {
			require.Contains(t, got, "x", name)
			require.Contains(t, got, ".", name)
			require.Equal(t, got, held(), name)
			continue
		}
		require.Equal(t, c.want, got, name)
	}
}

func TestFaultsCombine(t *testing.T) {
	t.Parallel()
	b := faulty(t, gateway.Fault{Effect: gateway.EffectProcessThenDrop})
	b.fault(gateway.Fault{Effect: gateway.EffectHeld, Times: 1})
	b.fault(gateway.Fault{Effect: gateway.EffectQueryLag, Delay: gateway.Duration(hour), Times: 1})
	_, _, err := b.send(auth(b.mint()))
	require.Error(t, err)
	require.Equal(t, 2, b.orders("K1-a1")[0].SettleStatus)
	require.Empty(t, b.records(fields{"orderreference": is("K1-a1")}))
	for _, f := range b.g.Faults() {
		require.Equal(t, 1, f.Fired, f.Effect)
	}
}

func TestFaultOnOneElementOfSeveral(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.charge(fields{"orderreference": "A", "settlestatus": "2"}), b.charge(fields{"orderreference": "B", "settlestatus": "2"})
	b.fault(gateway.Fault{Effect: gateway.EffectCode, Code: "60034", OrderReference: "B"})
	a := b.ask(update(one, "0"), update(two, "0"))
	require.Equal(t, "0", a[0]["errorcode"])
	require.Equal(t, "60034", a[1]["errorcode"])
}

func TestFaultErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for text, f := range map[string]gateway.Fault{
		`effect "nothing" is none of`:  {Effect: "nothing"},
		"chance 2":                     {Effect: gateway.EffectReset, Chance: 2},
		"nth and times":                {Effect: gateway.EffectReset, Nth: -1},
		"needs a code":                 {Effect: gateway.EffectCode, Code: "0"},
		"status 200":                   {Effect: gateway.EffectServerError, Status: 200},
		"type means nothing to":        {Effect: gateway.EffectDown, Type: "AUTH"},
		"delay means nothing to":       {Effect: gateway.EffectReset, Delay: 1},
		"times means nothing to":       {Effect: gateway.EffectRefuse, Times: 1},
		"needs a settlestatus":         {Effect: gateway.EffectWrongStatus, SettleStatus: "4"},
		"recorded and unrecorded":      {Effect: gateway.EffectCode, Code: "70000", Recorded: true, Unrecorded: true},
		"bytes are not within":         {Effect: gateway.EffectCutAfter, Bytes: -1},
		"needs bytes_per_second":       {Effect: gateway.EffectTrickle},
		"distribution \"odd\" is none": {Effect: gateway.EffectLatency, Distribution: "odd"},
		"normal needs a spread":        {Effect: gateway.EffectLatency, Distribution: gateway.DistributionNormal},
		"fixed has no spread":          {Effect: gateway.EffectLatency, Distribution: gateway.DistributionFixed, Spread: 1},
		"max is not within":            {Effect: gateway.EffectLatency, Max: gateway.Duration(500 * day)},
		"is for AUTH":                  {Effect: gateway.EffectHeld, Type: "TRANSACTIONQUERY"},
		"orderreference":               {Effect: gateway.EffectReset, OrderReference: "["},
	} {
		_, err := b.g.AddFaults(gateway.Fault{Effect: gateway.EffectReset}, f)
		require.ErrorContains(t, err, text)
		require.Empty(t, b.g.Faults(), "all or none")
	}
	_, err := gateway.New(gateway.Config{Faults: []gateway.Fault{{Effect: "nothing"}}})
	require.ErrorContains(t, err, "nothing")
}

func TestAnUncuttableWriterIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(gateway.Fault{Effect: gateway.EffectReset})
	w := b.post(body(t, auth(b.mint())))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Contains(t, w.Body.String(), "can't be cut")
}

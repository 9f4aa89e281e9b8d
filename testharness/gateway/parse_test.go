package gateway_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// everyMember is a script that uses each member once.
const everyMember = `# a comment
- effect: code
  sitereference: test_site12345
  type: AUTH
  orderreference: "K*"     # with quotes: YAML takes a * for an alias
  amount: 1000-1999
  nth: 2
  times: 3
  chance: 0.5
  seed: 7
  code: 70000
  acquirerresponsecode: 05
  recorded: true
- {effect: latency, delay: 200ms, spread: 1s, distribution: exponential, max: 1m}
- {effect: code, code: '60017', unrecorded: true, processed: true}
- {effect: server_error, status: 502}
- {effect: wrong_status, settlestatus: 3}
- {effect: stall_after, bytes: 100, delay: 5s}
- {effect: trickle, bytes_per_second: 50}
- {effect: notification_duplicated, copies: 2, event: settlement}
- {effect: notification_forged, variant: amount, signed: true}
`

func TestParseFaults(t *testing.T) {
	t.Parallel()
	got, err := gateway.ParseFaults([]byte(everyMember))
	require.NoError(t, err)
	want := []gateway.Fault{
		{
			Effect: gateway.EffectCode, Site: "test_site12345", Type: "AUTH", OrderReference: "K*", Amount: &gateway.Amounts{From: 1000, To: 1999},
			Nth: 2, Times: 3, Chance: 0.5, Seed: 7, Code: "70000", AcquirerCode: "05", Recorded: true,
		},
		{
			Effect: gateway.EffectLatency, Delay: gateway.Duration(200 * time.Millisecond), Spread: gateway.Duration(time.Second),
			Distribution: gateway.DistributionExponential, Max: gateway.Duration(time.Minute),
		},
		{Effect: gateway.EffectCode, Code: "60017", Unrecorded: true, Processed: true},
		{Effect: gateway.EffectServerError, Status: 502},
		{Effect: gateway.EffectWrongStatus, SettleStatus: "3"},
		{Effect: gateway.EffectStallAfter, Bytes: 100, Delay: gateway.Duration(5 * time.Second)},
		{Effect: gateway.EffectTrickle, BytesPerSecond: 50},
		{Effect: gateway.EffectNotificationDuplicated, Copies: 2, Event: "settlement"},
		{Effect: gateway.EffectNotificationForged, Variant: "amount", Signed: true},
	}
	require.Equal(t, want, got)
	for _, member := range gateway.FaultMembers() {
		require.Contains(t, everyMember, member+":", "the script above is to use every member")
	}

	text, err := json.MarshalIndent(want, "", "\t")
	require.NoError(t, err)
	got, err = gateway.ParseFaults(text)
	require.NoError(t, err, "JSON is YAML, tabs and all")
	require.Equal(t, want, got)
	got, err = gateway.ParseFaults([]byte("effect: held"))
	require.NoError(t, err)
	require.Equal(t, []gateway.Fault{{Effect: gateway.EffectHeld}}, got, "one fault needs no list")
	got, err = gateway.ParseFaults([]byte("[]"))
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestParseFaultsErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ script, want string }{
		{"", "neither YAML nor JSON"},
		{"- {effect: held", "neither YAML nor JSON"},
		{"- effect: held\n  colour: red", `line 2: there is no member "colour"; a fault has acquirerresponsecode, amount, `},
		{"- effect: held\n- effect: held\n  Times: 1", `line 3: there is no member "Times"`},
		{"- effect: held\n  id: f1", `line 2: there is no member "id"`},
		{"{\n\t\"effect\": \"held\",\n\t\"typ\": 1\n}", `line 3: there is no member "typ"`},
		{"- effect: held\n  times: 1\n  times: 2", "line 3: times is given twice"},
		{"- effect: held\n- effect: gone", `line 2: effect "gone" is none of bank_agrees, `},
		{"- effect: held\n\n- effect: held\n  code: 1", "line 3: code means nothing to the effect held"},
		{"- effect: held\n  times: many", `line 2: times: "many" is no number`},
		{"- effect: held\n  times: '1'", `line 2: times: "1" is no number`},
		{"- effect: held\n  times: 99999999999999999999", "is no number"},
		{"- effect: held\n  times: -1", "line 1: nth and times"},
		{"- effect: held\n  seed: -1", `seed: "-1" is no number`},
		{"- effect: held\n  chance: .nan", "is no number"},
		{"- effect: held\n  chance: NaN", "is no number"},
		{"- effect: held\n  times:", "line 2: times is one value"},
		{"- effect: held\n  type: [AUTH]", "line 2: type is one value"},
		{"- effect: code\n  code: 70000\n  recorded: 1", `line 3: recorded: "1" is no truth: write true or false`},
		{"- effect: held\n  amount: 10.50", `line 2: amount: "10.50" is no amount: write minor units like 1050`},
		{"- effect: held\n  amount: 9-1", "is no amount"},
		{"- effect: held\n  amount: '-'", "is no amount"},
		{"- effect: latency\n  delay: 3", `line 2: delay: "3" is no duration`},
		{"- effect: latency\n  delay: 9700h", "line 1: delay is not within 0 and "},
		{"- &a {effect: held}", "line 1: a fault is a mapping"},
		{"- {effect: &a held}", "line 1: effect is one value"},
		{"- {effect: held}\n- held", "line 2: a fault is a mapping"},
		{"- &a held\n- *a", "line 1: a fault is a mapping"},
		{"--- {effect: held}\n--- {effect: held}", "one document"},
		{strings.Repeat("- {effect: held}\n", 1001), "1001 faults; a script has at most 1000"},
		{strings.Repeat("[", 20_000), "exceeded max depth"},
		{strings.Repeat("#", 300_000), "a script has at most 262144"},
	} {
		_, err := gateway.ParseFaults([]byte(c.script))
		require.ErrorContains(t, err, c.want, "%.80s", c.script)
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]gateway.Amounts{
		"0": {}, "1050": {From: 1050, To: 1050}, "1000-1999": {From: 1000, To: 1999}, "7-": {From: 7, To: math.MaxInt64}, "-9": {To: 9},
	} {
		var got gateway.Amounts
		require.NoError(t, got.UnmarshalText([]byte(text)))
		require.Equal(t, want, got, text)
		written, err := got.MarshalText()
		require.NoError(t, err)
		var again gateway.Amounts
		require.NoError(t, again.UnmarshalText(written))
		require.Equal(t, got, again, text)
	}
}

// The latencies of many calls show the distribution that was asked for. Only
// faults and their clock decide: what is measured is how long a query stays
// blind to each payment, on a clock that stands still.
func TestDistributions(t *testing.T) {
	t.Parallel()
	const mean, spread = 10 * time.Minute, 2 * time.Minute
	sample := func(f gateway.Fault) []time.Duration {
		b := setup(t)
		f.Effect, f.Type, f.Seed = gateway.EffectQueryLag, "AUTH", 5
		b.fault(f)
		parent := b.mint()
		const n = 200
		for i := range n {
			require.Equal(t, "0", b.ask1(auth(parent).with(fields{"orderreference": fmt.Sprintf("K%d", i)}))["errorcode"])
		}
		var lags []time.Duration
		for passed := time.Duration(0); len(lags) < n; passed += 30 * time.Second {
			require.Less(t, passed, 24*time.Hour)
			seen := len(b.records(fields{"parenttransactionreference": is(parent)}))
			for len(lags) < seen {
				lags = append(lags, passed)
			}
			b.tick(30 * time.Second)
		}
		return lags
	}
	average := func(list []time.Duration) (sum time.Duration) {
		for _, d := range list {
			sum += d
		}
		return sum / time.Duration(len(list))
	}
	base := gateway.Fault{Delay: gateway.Duration(mean), Spread: gateway.Duration(spread)}

	fixed := base
	fixed.Distribution, fixed.Spread = gateway.DistributionFixed, 0
	got := sample(fixed)
	require.Equal(t, []time.Duration{mean, mean}, []time.Duration{got[0], got[len(got)-1]})

	uniform := sample(base)
	require.GreaterOrEqual(t, uniform[0], mean)
	require.LessOrEqual(t, uniform[len(uniform)-1], mean+spread+30*time.Second)
	require.InDelta(t, mean+spread/2, average(uniform), float64(time.Minute))

	normal := base
	normal.Distribution = gateway.DistributionNormal
	got = sample(normal)
	require.InDelta(t, mean, average(got), float64(time.Minute))
	require.Less(t, got[0], mean-spread)
	require.Greater(t, got[len(got)-1], mean+spread)

	tail := base
	tail.Distribution = gateway.DistributionExponential
	got = sample(tail)
	require.GreaterOrEqual(t, got[0], mean)
	require.InDelta(t, mean+spread, average(got), float64(time.Minute))
	require.Greater(t, got[len(got)-1], mean+3*spread, "a long tail")
	require.Less(t, got[len(got)/2], mean+spread, "most are quick")

	tail.Max = gateway.Duration(mean + spread)
	got = sample(tail)
	require.LessOrEqual(t, got[len(got)-1], mean+spread+30*time.Second)
}

// FuzzParseScript reads any text: what is taken is a valid script, and reads the
// same once it is written again.
func FuzzParseScript(f *testing.F) {
	f.Add(everyMember)
	f.Add(`[{"effect":"held","times":1,"amount":"10-"}]`)
	f.Add("effect: held\ntype: !!binary QVVUSA==")
	f.Add("- effect: &a held\n- *a")
	f.Add("a: &a [*a]")
	f.Add("? [x]\n: y")
	f.Add("{&a &b c: d}")
	rng := rand.New(rand.NewPCG(1, 1))
	for _, name := range gateway.Effects() {
		f.Add(fmt.Sprintf("- {effect: %s, nth: %d}", name, rng.IntN(9)))
	}
	f.Fuzz(func(t *testing.T, script string) {
		faults, err := gateway.ParseFaults([]byte(script))
		if err != nil {
			require.Nil(t, faults)
			return
		}
		require.LessOrEqual(t, len(faults), 1000)
		for i := range faults {
			require.True(t, slices.Contains(gateway.Effects(), faults[i].Effect))
		}
		text, err := json.Marshal(faults)
		require.NoError(t, err)
		again, err := gateway.ParseFaults(text)
		require.NoError(t, err, "%s", text)
		require.Equal(t, faults, again)
	})
}

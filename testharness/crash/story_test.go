package crash

import (
	"time"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/client"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// story is one order, and what may become of it however the hosts fare.
type story struct {
	name    string
	channel string
	minor   int64 // of GBP; a fault finds its call by it
	faults  []gateway.Fault
	// cancel is when the order is cancelled: in this state, or as soon as it was
	// accepted.
	cancel string
	move   bool // its fulfiller moves to another site while it is in doubt
	batch  bool // posted with the others of the batch
	wait   bool // the platform waits for the answer
	ends   []string
}

const accepted = "accepted"

func stories() []story {
	settled, cancelled := []string{"settled"}, []string{"cancelled"}
	// A second absence, after that of a host that died, is a person's.
	absentTwice := []string{"settled", "waiting/absent"}
	once := func(f gateway.Fault) gateway.Fault { f.Times = 1; return f }
	auth := func(effect gateway.Effect, delay time.Duration) []gateway.Fault {
		return []gateway.Fault{{Effect: effect, Type: "AUTH", Times: 1, Delay: gateway.Duration(delay)}}
	}
	all := []story{
		{name: "plain", channel: "recorded", minor: 2499, wait: true, ends: settled},
		{name: "at-once", channel: "at-once", minor: 1999, wait: true, ends: settled},
		{name: "series-1", channel: "recur", minor: 1501, ends: settled},
		{name: "series-2", channel: "recur", minor: 1502, ends: settled},
		{name: "declined", channel: "recorded", minor: 70000, ends: []string{"declined"}},
		{name: "lost-after", channel: "recorded", minor: 5101, faults: append(auth(gateway.EffectProcessThenDrop, 0), auth(gateway.EffectQueryLag, 400*time.Millisecond)...), ends: settled},
		{name: "lost-before", channel: "recorded", minor: 5201, faults: auth(gateway.EffectReset, 0), ends: absentTwice},
		{name: "late", channel: "recorded", minor: 5301, faults: auth(gateway.EffectDelayThenProcess, 2900*time.Millisecond), ends: settled},
		{name: "at-once-lost", channel: "at-once", minor: 5401, faults: append(auth(gateway.EffectProcessThenDrop, 0), auth(gateway.EffectQueryLag, 400*time.Millisecond)...), ends: settled},
		{name: "bank-error", channel: "recorded", minor: 5501, faults: auth(gateway.EffectBankErrorThenPaid, 500*time.Millisecond), ends: settled},
		// The preflight fails once before it is good again.
		{
			name: "mended", channel: "mended", minor: 6101, ends: settled, faults: []gateway.Fault{
				{Effect: gateway.EffectCode, Type: "AUTH", Code: "20004", Unrecorded: true, Times: 1},
				once(gateway.Fault{Effect: gateway.EffectQueryEmpty, Type: "TRANSACTIONQUERY", Site: siteMended}),
			},
		},
		// What was sent to the old site is asked for there.
		{
			name: "moved", channel: "moved", minor: 8101, move: true, ends: settled,
			faults: append(auth(gateway.EffectProcessThenDrop, 0), auth(gateway.EffectQueryLag, 1800*time.Millisecond)...),
		},
		{name: "cancel-soon", channel: "recorded", minor: 7101, cancel: accepted, ends: cancelled},
		{name: "cancel-doubt", channel: "recorded", minor: 7201, faults: auth(gateway.EffectProcessThenDrop, 0), cancel: "unknown", ends: cancelled},
		// The answer comes when the charge has changed already.
		{name: "cancel-charging", channel: "recorded", minor: 7501, faults: auth(gateway.EffectProcessThenDelay, 600*time.Millisecond), cancel: "charging", ends: cancelled},
		// So does the look that is taken before the release.
		{
			name: "cancel-look", channel: "slow", minor: 7401, cancel: "authorised", ends: cancelled, faults: []gateway.Fault{
				once(gateway.Fault{Effect: gateway.EffectProcessThenDelay, Type: "TRANSACTIONQUERY", Site: siteSlow, Delay: gateway.Duration(700 * time.Millisecond)}),
			},
		},
		{name: "cancel-released", channel: "recorded", minor: 7301, cancel: "released", ends: cancelled},
	}
	for i := range 5 {
		all = append(all, story{name: "batch-" + string(rune('1'+i)), channel: "recorded", minor: 1200 + int64(i), batch: true, ends: settled})
	}
	for i := range all {
		for j := range all[i].faults {
			if f := &all[i].faults[j]; f.Type == "AUTH" {
				f.Amount = gateway.Exactly(all[i].minor)
			}
		}
	}
	return all
}

// pulses is what the names of orders begin with that are posted because others
// on their site are in doubt.
const pulses = "pulse-"

// endsOf says where an order may stand in the end.
func endsOf(name string) []string {
	for _, s := range stories() {
		if s.name == name {
			return s.ends
		}
	}
	return []string{"settled"}
}

// others are faults that hit whichever order comes first: connections that are
// closed before anything is sent, a query that gets no answer, a release that
// gets lost and one whose answer does.
func others() []gateway.Fault {
	return []gateway.Fault{
		{Effect: gateway.EffectDown, Nth: 2, Times: 2},
		{Effect: gateway.EffectReset, Type: "TRANSACTIONQUERY", Site: siteRecorded, Nth: 2, Times: 4},
		{Effect: gateway.EffectReset, Type: "TRANSACTIONUPDATE", Nth: 1, Times: 1},
		{Effect: gateway.EffectProcessThenDrop, Type: "TRANSACTIONUPDATE", Nth: 3, Times: 1},
	}
}

// flights are the steps of a call that is under way: no code of the host is at
// them. The gateway has it, and has processed it or is yet to do so.
var flights = map[string]gateway.Fault{
	"flight_charge_unprocessed": {Effect: gateway.EffectDelayThenProcess, Type: "AUTH", Nth: 2, Times: 1, Delay: gateway.Duration(900 * time.Millisecond)},
	"flight_charge_processed":   {Effect: gateway.EffectProcessThenDelay, Type: "AUTH", Nth: 2, Times: 1, Delay: gateway.Duration(3 * time.Second)},
	"flight_query":              {Effect: gateway.EffectProcessThenDelay, Type: "TRANSACTIONQUERY", Nth: 3, Times: 1, Delay: gateway.Duration(3 * time.Second)},
	"flight_update_unprocessed": {Effect: gateway.EffectDelayThenProcess, Type: "TRANSACTIONUPDATE", Nth: 2, Times: 1, Delay: gateway.Duration(900 * time.Millisecond)},
	"flight_update_processed":   {Effect: gateway.EffectProcessThenDelay, Type: "TRANSACTIONUPDATE", Nth: 2, Times: 1, Delay: gateway.Duration(3 * time.Second)},
}

func (s story) order(placed time.Time) client.NewOrder {
	return client.NewOrder{
		Channel: s.channel, Reference: s.name, PlacedAt: placed,
		Parts: []client.Part{{Fulfiller: "f-" + s.channel, Amount: payment.Amount{Minor: s.minor, Currency: "GBP"}}},
	}
}

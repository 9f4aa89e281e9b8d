package demo

import (
	"fmt"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
	"github.com/chargehand/chargehand/testharness/gateway"
)

// story is one order: what happens to it, and what must have become of it in
// the end.
type story struct {
	name    string // the order's reference
	tells   string // what happens, for people
	channel channelName
	minor   int64 // of GBP; unique among stories with a fault, which finds its call by it
	faults  []gateway.Fault
	act     act
	want    want
}

// act is how and when the order is posted.
type act int

// The acts, in the order in which they are played.
const (
	actPost          act = iota // posted, and waited for
	actBatch                    // all of them in one request
	actTwice                    // posted twice at the same moment
	actAlone                    // posted and waited for while nothing else is being released
	actDoubt                    // posted; what becomes of it shows later
	actCancelDoubt              // cancelled as soon as its answer is lost
	actCancelSettles            // cancelled after it was charged, before it settles
	actKill                     // in flight while the plugin is killed
	actDown                     // posted while the gateway is down
)

// What the gateway does to the one call that charges a story's amount, or to
// the next one of the type that is named.
var (
	// Authorised, but suspended against our asking.
	held = []gateway.Fault{{Effect: gateway.EffectHeld}}
	// Processed, and the connection dropped before the answer.
	lostAfter = []gateway.Fault{{Effect: gateway.EffectProcessThenDrop}}
	// The same, and queries do not show it for a while.
	lostAndHidden = []gateway.Fault{
		{Effect: gateway.EffectProcessThenDrop},
		{Effect: gateway.EffectQueryLag, Delay: gateway.Duration(3 * time.Second)},
	}
	// Connection reset before anything was processed.
	lostBefore = []gateway.Fault{{Effect: gateway.EffectReset}}
	// Processed at once, answered late.
	lateAnswer = []gateway.Fault{{Effect: gateway.EffectProcessThenDelay, Delay: gateway.Duration(2 * time.Second)}}
	// Processed late, whether or not the caller is still there.
	lateCharge = []gateway.Fault{{Effect: gateway.EffectDelayThenProcess, Delay: gateway.Duration(2 * time.Second)}}
	// The release gets lost on its way.
	lostRelease = []gateway.Fault{{Effect: gateway.EffectReset, Type: "TRANSACTIONUPDATE"}}
	// The bank's word is an error; later the payment turns out good.
	doubtThenPaid   = []gateway.Fault{{Effect: gateway.EffectBankErrorThenPaid, Delay: gateway.Duration(3 * time.Second)}}
	doubtThenFailed = []gateway.Fault{{Effect: gateway.EffectBankErrorThenFailed, Delay: gateway.Duration(3 * time.Second)}}
)

// want is the end that a story must come to.
type want struct {
	state   string
	produce string
	person  string // the case a person must see to; empty for none
	// attempts is how many there must have been; 0 where chance decides.
	attempts int
	// holds is what the gateway must hold; empty for nothing live.
	holds string
}

var (
	settled   = want{state: "settled", produce: "yes", attempts: 1, holds: "settled"}
	resettled = want{state: "settled", produce: "yes", attempts: 2, holds: "settled"}
	// Where chance decides whether a call was processed before it was lost.
	settledSomehow = want{state: "settled", produce: "yes", holds: "settled"}
	cancelled      = want{state: "cancelled", produce: "no", attempts: 1}
)

// stories are the orders of the demo.
func stories() []story {
	all := []story{
		{
			name: "plain-1", tells: "an ordinary order", channel: channelOne, minor: 2499, act: actPost, want: settled,
		},
		{
			name: "plain-2", tells: "an ordinary order of the second channel", channel: channelTwo, minor: 1050, act: actPost, want: settled,
		},
		{
			name: "at-once-1", tells: "on a link that settles at once", channel: channelAtOnce, minor: 1999, act: actPost, want: settled,
		},
		{
			name: "declined-1", tells: "the bank says no", channel: channelOne, minor: 70000, act: actPost,
			want: want{state: "declined", produce: "no", attempts: 1},
		},
		{
			name: "held-1", tells: "held by the gateway, unasked", channel: channelAtOnce, minor: 4210, faults: held, act: actPost,
			want: want{state: "held", produce: "wait", person: "held", attempts: 1, holds: "suspended"},
		},
		{
			name: "wrong-reference-1", tells: "the stored reference is gone at the gateway", channel: channelLost, minor: 1310, act: actPost,
			want: want{state: "waiting", produce: "wait", person: "setup", attempts: 1},
		},
		{
			name: "twice-1", tells: "posted twice at the same moment", channel: channelOne, minor: 3100, act: actTwice, want: settled,
		},
		{
			name: "lost-release-1", tells: "charged, and the release gets lost", channel: channelTwo, minor: 4499, faults: lostRelease, act: actAlone, want: settled,
		},
		{
			name: "lost-after-1", tells: "answer lost after it was charged", channel: channelOne, minor: 5101, faults: lostAfter, act: actDoubt, want: settled,
		},
		{
			name: "lost-after-2", tells: "the same, and queries show it late", channel: channelTwo, minor: 5102, faults: lostAndHidden, act: actDoubt, want: settled,
		},
		{
			name: "lost-before-1", tells: "connection reset before it was charged", channel: channelTwo, minor: 5201, faults: lostBefore, act: actDoubt, want: resettled,
		},
		{
			name: "bank-error-1", tells: "the bank reports an error, but charged it", channel: channelOne, minor: 5250, faults: doubtThenPaid, act: actDoubt, want: settled,
		},
		{
			name: "bank-error-2", tells: "the bank reports an error, and declined it", channel: channelTwo, minor: 5251, faults: doubtThenFailed, act: actDoubt,
			want: want{state: "declined", produce: "no", attempts: 1},
		},
		{
			name: "cancel-doubt-1", tells: "cancelled in doubt; it was charged", channel: channelOne, minor: 5301, faults: lostAndHidden, act: actCancelDoubt, want: cancelled,
		},
		{
			name: "cancel-doubt-2", tells: "cancelled in doubt; it was not charged", channel: channelTwo, minor: 5302, faults: lostBefore, act: actCancelDoubt, want: cancelled,
		},
		{
			name: "cancel-charged-1", tells: "cancelled before it settles", channel: channelOne, minor: 5401, act: actCancelSettles, want: cancelled,
		},
	}
	for i := range 8 {
		all = append(all, story{
			name: fmt.Sprintf("batch-%d", i+1), tells: "one of eight in one request", channel: []channelName{channelOne, channelTwo}[i%2],
			minor: 1200 + int64(i)*75, act: actBatch, want: settled,
		})
	}
	for i := range 4 {
		s := story{
			name: fmt.Sprintf("killed-%d", i+1), tells: "plugin killed in flight; charged by then", channel: []channelName{channelOne, channelTwo}[i%2],
			minor: 6101 + int64(i), faults: lateAnswer, act: actKill, want: settled,
		}
		if i%2 == 1 {
			s.tells, s.faults = "plugin killed in flight; charged after that", lateCharge
		}
		all = append(all, s)
	}
	for i := range 2 {
		all = append(all, story{
			name: fmt.Sprintf("down-%d", i+1), tells: "posted while the gateway is down", channel: []channelName{channelOne, channelTwo}[i%2],
			minor: 7101 + int64(i), act: actDown, want: settledSomehow,
		})
	}
	return all
}

// amount is what the order costs.
func (s story) amount() payment.Amount { return sterling(s.minor) }

func sterling(minor int64) payment.Amount { return payment.Amount{Minor: minor, Currency: "GBP"} }

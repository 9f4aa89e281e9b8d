package gateway

import (
	"maps"
	"slices"
	"strings"
)

// Effect names what a fault does.
type Effect string

// Effects on a whole call.
const (
	// EffectProcessThenDrop processes, then closes the connection unanswered.
	EffectProcessThenDrop Effect = "process_then_drop"
	// EffectProcessThenDelay processes, then answers after Delay.
	EffectProcessThenDelay Effect = "process_then_delay"
	// EffectDelayThenProcess waits for Delay before it processes, whether or
	// not the caller is still there.
	EffectDelayThenProcess Effect = "delay_then_process"
	// EffectReset resets the connection; nothing is processed.
	EffectReset Effect = "reset"
	// EffectUnauthorized answers 401 with an HTML page; nothing is processed.
	EffectUnauthorized Effect = "unauthorized"
	// EffectServerError answers Status (500 by default) with an HTML page.
	// Nothing is processed unless Processed says so.
	EffectServerError Effect = "server_error"
	// EffectBrokenJSON processes, then answers half of the body.
	EffectBrokenJSON Effect = "broken_json"
	// EffectWrongReference answers another requestreference than was sent.
	EffectWrongReference Effect = "wrong_reference"
	// EffectExtraElement answers one element more than was asked for.
	EffectExtraElement Effect = "extra_element"
	// EffectResponsesKey names the list of answers "responses". XML has no list.
	EffectResponsesKey Effect = "responses_key"
	// EffectLatency adds Delay, and up to Spread at random, before processing.
	EffectLatency Effect = "latency"
)

// Effects on the network. Those on an answer count its bytes from the status
// line on; everything has been processed by then.
const (
	// EffectRefuse closes the port, so that connections are refused, for as long
	// as the fault stands; after Delay it is gone. Connections that are open stay.
	EffectRefuse Effect = "refuse"
	// EffectDown resets connections as they come in, before the handshake. It
	// can be counted and left to chance, but there is no request to match.
	EffectDown Effect = "down"
	// EffectHandshakeStall accepts a connection and says nothing for Delay, or
	// for five minutes; then the handshake goes on.
	EffectHandshakeStall Effect = "handshake_stall"
	// EffectCloseKept closes a connection that has served a call before right
	// when the next call has come in on it. Nothing is processed. Calls on fresh
	// connections neither match nor count.
	EffectCloseKept Effect = "close_kept"
	// EffectHalfOpen takes a call and never answers, without a close, for Delay
	// or five minutes. Nothing is processed unless Processed says so.
	EffectHalfOpen Effect = "half_open"
	// EffectCutAfter closes the connection after Bytes of the answer.
	EffectCutAfter Effect = "cut_after"
	// EffectStallAfter stops after Bytes of the answer, for Delay or five
	// minutes, and closes then.
	EffectStallAfter Effect = "stall_after"
	// EffectTrickle answers at BytesPerSecond.
	EffectTrickle Effect = "trickle"
)

// Effects on one request element.
const (
	// EffectBankErrorThenPaid answers 60010. Records show the same until Delay
	// has passed on the settlement clock, then the payment as approved.
	EffectBankErrorThenPaid Effect = "bank_error_then_paid"
	// EffectBankErrorThenFailed is the same, and turns into a decline.
	EffectBankErrorThenFailed Effect = "bank_error_then_failed"
	// EffectBankErrorStays answers 60010, and so do records, for good.
	EffectBankErrorStays Effect = "bank_error_stays"
	// EffectHeld authorises, but with settle status 2.
	EffectHeld Effect = "held"
	// EffectWrongStatus answers SettleStatus, whatever the payment really has.
	EffectWrongStatus Effect = "wrong_status"
	// EffectWrongAmount answers another amount than was authorised.
	EffectWrongAmount Effect = "wrong_amount"
	// EffectBankAgrees and EffectBankDeclines let the customer of a bank transfer
	// decide right after the AUTH was answered.
	EffectBankAgrees   Effect = "bank_agrees"
	EffectBankDeclines Effect = "bank_declines"
	// EffectLostError processes, then answers type ERROR, Code (99999 if empty),
	// without a reference.
	EffectLostError Effect = "lost_error"
	// EffectCode answers Code, on any type of request, in the shape that the
	// service gives it: what a bank says of a payment is recorded as failed (settle
	// status 3), what is refused before is of type ERROR and leaves no record.
	// Recorded and Unrecorded force one or the other. A query answers it without
	// records. An update is applied only if Processed says so.
	EffectCode Effect = "code"
	// EffectQueryLag keeps a new payment from queries for Delay of the
	// settlement clock. On an update: queries show the old settle status.
	EffectQueryLag Effect = "query_lag"
	// EffectQueryEmpty answers a query with nothing found.
	EffectQueryEmpty Effect = "query_empty"
	// EffectQueryPartial leaves the older half of a query's records out, as if
	// they were not there.
	EffectQueryPartial Effect = "query_partial"
)

// effectOn is what an effect acts on.
type effectOn int

const (
	onCall effectOn = iota
	onElement
	onConnection
	onPort
	onNotification
)

// effectRule says what an effect is for.
type effectRule struct {
	on effectOn
	// types are the request types of an effect on an element: on others the
	// fault neither acts nor counts. None means every type.
	types []string
	// members are those that mean something to it, beside what matches and counts.
	members string
}

// Members that go together.
const (
	memberCounts     = "nth times chance seed"
	memberConditions = "sitereference type orderreference amount"
	memberDelays     = "delay spread distribution max"
)

var effectRules = map[Effect]effectRule{
	EffectProcessThenDrop:  {},
	EffectProcessThenDelay: {members: memberDelays},
	EffectDelayThenProcess: {members: memberDelays},
	EffectLatency:          {members: memberDelays},
	EffectReset:            {},
	EffectUnauthorized:     {},
	EffectServerError:      {members: "status processed"},
	EffectBrokenJSON:       {},
	EffectWrongReference:   {},
	EffectExtraElement:     {},
	EffectResponsesKey:     {},

	EffectCloseKept:      {},
	EffectHalfOpen:       {members: memberDelays + " processed"},
	EffectCutAfter:       {members: "bytes"},
	EffectStallAfter:     {members: memberDelays + " bytes"},
	EffectTrickle:        {members: "bytes_per_second"},
	EffectDown:           {on: onConnection},
	EffectHandshakeStall: {on: onConnection, members: memberDelays},
	EffectRefuse:         {on: onPort, members: "delay"},

	EffectBankErrorThenPaid:   {on: onElement, types: []string{typeAuth, typeRefund}, members: memberDelays},
	EffectBankErrorThenFailed: {on: onElement, types: []string{typeAuth, typeRefund}, members: memberDelays},
	EffectBankErrorStays:      {on: onElement, types: []string{typeAuth, typeRefund}},
	EffectHeld:                {on: onElement, types: []string{typeAuth, typeRefund}},
	EffectBankAgrees:          {on: onElement, types: []string{typeAuth}},
	EffectBankDeclines:        {on: onElement, types: []string{typeAuth}},
	EffectWrongStatus:         {on: onElement, types: []string{typeAuth, typeAccountCheck, typeRefund}, members: "settlestatus"},
	EffectWrongAmount:         {on: onElement, types: []string{typeAuth, typeAccountCheck, typeRefund}},
	EffectLostError:           {on: onElement, types: append(bookedTypes(), typeUpdate), members: "code"},
	EffectCode:                {on: onElement, members: "code acquirerresponsecode recorded unrecorded processed"},
	EffectQueryLag:            {on: onElement, types: append(bookedTypes(), typeUpdate), members: memberDelays},
	EffectQueryEmpty:          {on: onElement, types: []string{typeQuery}},
	EffectQueryPartial:        {on: onElement, types: []string{typeQuery}},

	EffectNotificationLate:       {on: onNotification, members: memberDelays + " event"},
	EffectNotificationDuplicated: {on: onNotification, members: "copies event"},
	EffectNotificationReordered:  {on: onNotification, members: memberDelays + " event"},
	EffectNotificationForged:     {on: onNotification, members: "variant signed event"},
	EffectNotificationTruncated:  {on: onNotification, members: "variant event"},
	EffectNotificationLost:       {on: onNotification, members: "event"},
}

// Effects lists all effects, sorted.
func Effects() []Effect { return slices.Sorted(maps.Keys(effectRules)) }

// takes says whether a member means anything to the effect.
func (r *effectRule) takes(member string) bool {
	has := func(list string) bool { return slices.Contains(strings.Fields(list), member) }
	switch r.on {
	case onPort: // open or closed, with nothing to count
		return has(r.members)
	case onConnection: // nothing of a request is known yet
		return has(r.members) || has(memberCounts)
	}
	return has(r.members) || has(memberCounts) || has(memberConditions)
}

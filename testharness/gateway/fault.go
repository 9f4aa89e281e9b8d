package gateway

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
	"github.com/chargehand/chargehand/testharness/gateway/rules"
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
	// EffectDown closes connections as they come in, before the handshake. It
	// can be counted and left to chance, but there is no request to match.
	EffectDown Effect = "down"
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
	// EffectWrongAmount answers another amount than was authorised.
	EffectWrongAmount Effect = "wrong_amount"
	// EffectBankAgrees and EffectBankDeclines let the customer of a bank transfer
	// decide right after the AUTH was answered.
	EffectBankAgrees   Effect = "bank_agrees"
	EffectBankDeclines Effect = "bank_declines"
	// EffectLostError processes, then answers type ERROR, code 99999, without
	// a reference.
	EffectLostError Effect = "lost_error"
	// EffectCode answers Code. An AUTH or ACCOUNTCHECK is recorded as failed
	// with it (settle status 3), or with Unrecorded answered as type ERROR
	// without a record. A query answers it without records. An update is
	// applied only if Processed says so.
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

// effectTypes lists the request types that an effect on an element is for: on
// others the fault neither acts nor counts. Effects that are missing here are
// for every type.
var effectTypes = map[Effect][]string{
	EffectBankErrorThenPaid:   {typeAuth, typeRefund},
	EffectBankErrorThenFailed: {typeAuth, typeRefund},
	EffectBankErrorStays:      {typeAuth, typeRefund},
	EffectHeld:                {typeAuth, typeRefund},
	EffectBankAgrees:          {typeAuth},
	EffectBankDeclines:        {typeAuth},
	EffectWrongAmount:         {typeAuth, typeAccountCheck, typeRefund},
	EffectLostError:           append(bookedTypes(), typeUpdate),
	EffectCode:                append(bookedTypes(), typeUpdate, typeQuery, typeCacheToken),
	EffectQueryLag:            append(bookedTypes(), typeUpdate),
	EffectQueryEmpty:          {typeQuery},
	EffectQueryPartial:        {typeQuery},
}

var callEffects = []Effect{
	EffectProcessThenDrop, EffectProcessThenDelay, EffectDelayThenProcess, EffectReset, EffectUnauthorized, EffectServerError,
	EffectBrokenJSON, EffectWrongReference, EffectExtraElement, EffectResponsesKey, EffectLatency, EffectDown,
}

// Effects lists all effects, sorted.
func Effects() []Effect {
	all := slices.Concat(callEffects, notificationEffects)
	for effect := range effectTypes {
		all = append(all, effect)
	}
	slices.Sort(all)
	return all
}

// Fault is one line of a fault script: which requests it is for, how often it
// acts, and what it does. Conditions left out match everything. All faults
// that match a request act on it together.
type Fault struct {
	// ID is given by the gateway.
	ID     string `json:"id,omitempty"`
	Effect Effect `json:"effect"`

	// Site, Type and OrderReference select requests. Order references may use
	// * and ? (and nothing more of path.Match's language needs escaping). A
	// query matches by the values of its filters, an update by its target.
	Site           string `json:"sitereference,omitempty"`
	Type           string `json:"type,omitempty"`
	OrderReference string `json:"orderreference,omitempty"`
	// Amount in minor units.
	Amount *int64 `json:"amount,omitempty"`

	// Nth is the first matching request to act on, 1 if zero.
	Nth int `json:"nth,omitempty"`
	// Times limits how often it acts; 0 is without end.
	Times int `json:"times,omitempty"`
	// Chance to act on a request, above 0 up to 1; 0 means always. Seed makes
	// it repeatable by itself; without one the gateway's seed decides.
	Chance float64 `json:"chance,omitempty"`
	Seed   uint64  `json:"seed,omitempty"`

	// Delay and Spread of the effects that wait or hide.
	Delay  Duration `json:"delay,omitempty"`
	Spread Duration `json:"spread,omitempty"`
	// Code and AcquirerCode (acquirerresponsecode) of EffectCode.
	Code         string `json:"code,omitempty"`
	AcquirerCode string `json:"acquirerresponsecode,omitempty"`
	Unrecorded   bool   `json:"unrecorded,omitempty"`
	// Status of EffectServerError: 500 to 599.
	Status    int  `json:"status,omitempty"`
	Processed bool `json:"processed,omitempty"`

	// Event narrows effects on notifications to one kind: authorisation or
	// settlement.
	Event string `json:"event,omitempty"`
	// Copies of EffectNotificationDuplicated: sent after the first, 1 if zero.
	Copies int `json:"copies,omitempty"`
	// Variant of EffectNotificationForged (hash, amount, transaction, paid) and
	// EffectNotificationTruncated (body, fields, connection); the first if empty.
	Variant string `json:"variant,omitempty"`
	// Signed makes the hash of a forged amount, transaction or payment right.
	Signed bool `json:"signed,omitempty"`
}

// FaultState is a fault and what it did so far.
type FaultState struct {
	Fault
	Matched int `json:"matched"`
	Fired   int `json:"fired"`
}

// check refuses a fault that could never do what it says.
func (f *Fault) check() error {
	_, onElement := effectTypes[f.Effect]
	switch {
	case !onElement && !slices.Contains(callEffects, f.Effect) && !f.Effect.onNotification():
		names := make([]string, 0, len(effectTypes)+len(callEffects)+len(notificationEffects))
		for _, e := range Effects() {
			names = append(names, string(e))
		}
		return fmt.Errorf("effect %q is none of %s", f.Effect, strings.Join(names, ", "))
	case f.Chance < 0 || f.Chance > 1:
		return fmt.Errorf("chance %v is not within 0 and 1", f.Chance)
	case f.Nth < 0 || f.Times < 0:
		return errors.New("nth and times are not less than zero")
	case f.Effect == EffectCode && (f.Code == "" || f.Code == codeOK || !rules.Digits(f.Code, 5)):
		return fmt.Errorf("effect code needs a code of 1 to 5 digits other than 0, not %q", f.Code)
	case f.Effect == EffectServerError && f.Status != 0 && (f.Status < 500 || f.Status > 599):
		return fmt.Errorf("status %d is not within 500 and 599", f.Status)
	case f.Effect == EffectDown && (f.Site != "" || f.Type != "" || f.OrderReference != "" || f.Amount != nil):
		return errors.New("effect down acts on connections and can't match requests: use reset")
	}
	if err := f.checkNotification(); err != nil {
		return err
	}
	if types, ok := effectTypes[f.Effect]; ok && f.Type != "" && !slices.Contains(types, f.Type) {
		return fmt.Errorf("effect %s is for %s, not for %s", f.Effect, strings.Join(types, ", "), f.Type)
	}
	if _, err := path.Match(f.OrderReference, ""); err != nil {
		return fmt.Errorf("orderreference %q: %w", f.OrderReference, err)
	}
	return nil
}

// subject is what a request element is about, as faults see it.
type subject struct {
	kind          string
	sites, orders []string
	amount        int64
	hasAmount     bool
	// event is the kind of event that a notification is about; empty means that
	// this is a request.
	event string
}

// matches tells whether the fault is for this request.
func (f *Fault) matches(s *subject) bool {
	types, limited := effectTypes[f.Effect]
	return f.Effect.onNotification() == (s.event != "") &&
		(f.Event == "" || f.Event == s.event) &&
		(!limited || slices.Contains(types, s.kind)) &&
		(f.Type == "" || f.Type == s.kind) &&
		(f.Site == "" || slices.Contains(s.sites, f.Site)) &&
		(f.Amount == nil || s.hasAmount && *f.Amount == s.amount) &&
		(f.OrderReference == "" || slices.ContainsFunc(s.orders, f.matchesOrder))
}

func (f *Fault) matchesOrder(order string) bool {
	if order == f.OrderReference {
		return true
	}
	ok, err := path.Match(f.OrderReference, order)
	return ok && err == nil
}

// effects is what the faults that act on an element, or on all elements of a
// call, add up to.
type effects struct {
	reset, drop, unauthorized, broken       bool
	wrongReference, extraElement, responses bool
	httpStatus                              int
	httpProcessed                           bool
	before, after                           time.Duration
	bankError                               Effect
	held, wrongAmount, lostError            bool
	empty, partial                          bool
	doubt, lag                              time.Duration
	decision                                BankDecision
	code, acquirerCode                      string
	codeUnrecorded, codeApplied             bool
	notification                            notify.Faults
}

func (e *effects) add(f *Fault, extra time.Duration) {
	delay := time.Duration(f.Delay) + extra
	switch f.Effect {
	case EffectProcessThenDrop:
		e.drop = true
	case EffectProcessThenDelay:
		e.after += delay
	case EffectDelayThenProcess, EffectLatency:
		e.before += delay
	case EffectReset:
		e.reset = true
	case EffectUnauthorized:
		e.unauthorized = true
	case EffectServerError:
		e.httpStatus, e.httpProcessed = f.Status, f.Processed
		if f.Status == 0 {
			e.httpStatus = 500
		}
	case EffectBrokenJSON:
		e.broken = true
	case EffectWrongReference:
		e.wrongReference = true
	case EffectExtraElement:
		e.extraElement = true
	case EffectResponsesKey:
		e.responses = true
	case EffectBankErrorThenPaid, EffectBankErrorThenFailed, EffectBankErrorStays:
		e.bankError, e.doubt = f.Effect, delay
	case EffectHeld:
		e.held = true
	case EffectBankAgrees:
		e.decision = BankAgree
	case EffectBankDeclines:
		e.decision = BankDecline
	case EffectWrongAmount:
		e.wrongAmount = true
	case EffectLostError:
		e.lostError = true
	case EffectCode:
		e.code, e.acquirerCode, e.codeUnrecorded, e.codeApplied = f.Code, f.AcquirerCode, f.Unrecorded, f.Processed
	case EffectQueryLag:
		e.lag = delay
	case EffectQueryEmpty:
		e.empty = true
	case EffectQueryPartial:
		e.partial = true
	default:
		e.addNotification(f, delay)
	}
}

// join adds the effects of one element to those of the call.
func (e *effects) join(o *effects) {
	e.reset = e.reset || o.reset
	e.drop = e.drop || o.drop
	e.unauthorized = e.unauthorized || o.unauthorized
	e.broken = e.broken || o.broken
	e.wrongReference = e.wrongReference || o.wrongReference
	e.extraElement = e.extraElement || o.extraElement
	e.responses = e.responses || o.responses
	e.before += o.before
	e.after += o.after
	if o.httpStatus != 0 {
		e.httpStatus, e.httpProcessed = o.httpStatus, o.httpProcessed
	}
}

package gateway

import (
	"cmp"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// effects is what the faults that act on an element, or on all elements of a
// call, add up to.
type effects struct {
	reset, closeKept, drop                  bool
	unauthorized, broken                    bool
	wrongReference, extraElement, responses bool
	httpStatus                              int
	httpProcessed                           bool
	network                                 networkEffects
	before, after                           time.Duration
	bankError                               Effect
	held, wrongAmount                       bool
	lostError, wrongStatus                  string // a code, a settle status
	empty, partial                          bool
	doubt, lag                              time.Duration
	decision                                BankDecision
	code, acquirerCode                      string
	codeShape                               codeShape
	codeApplied                             bool
	notification                            notify.Faults
}

func (e *effects) add(f *Fault, delay time.Duration) {
	switch f.Effect {
	case EffectProcessThenDrop:
		e.drop = true
	case EffectProcessThenDelay:
		e.after += delay
	case EffectDelayThenProcess, EffectLatency:
		e.before += delay
	case EffectReset:
		e.reset = true
	case EffectCloseKept:
		e.closeKept = true
	case EffectHalfOpen, EffectCutAfter, EffectStallAfter, EffectTrickle:
		e.network.add(f, delay)
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
		e.lostError = cmp.Or(f.Code, codeUnknown)
	case EffectWrongStatus:
		e.wrongStatus = f.SettleStatus
	case EffectCode:
		e.code, e.acquirerCode, e.codeShape, e.codeApplied = f.Code, f.AcquirerCode, f.shape(), f.Processed
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
	e.closeKept = e.closeKept || o.closeKept
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
	if o.network.any() {
		e.network = o.network
	}
}

package chaos

import (
	"time"

	"github.com/chargehand/chargehand/testharness/gateway"
)

// fault is what the gateway does, by a name for the report. Lags are in the
// time of a real gateway; they are divided as the money clocks are.
type fault struct {
	name   string
	weight int // how often it is drawn
	make   func(scale float64) []gateway.Fault
}

func lag(there time.Duration, scale float64) gateway.Duration {
	return gateway.Duration(float64(there) / scale)
}

func one(f gateway.Fault) func(float64) []gateway.Fault {
	return func(float64) []gateway.Fault { return []gateway.Fault{f} }
}

// orderFaults are what happens to the call that charges an order.
var orderFaults = []fault{
	{"answer lost", 16, one(gateway.Fault{Effect: gateway.EffectProcessThenDrop})},
	{"answer lost, hidden from queries", 10, func(s float64) []gateway.Fault {
		return []gateway.Fault{
			{Effect: gateway.EffectProcessThenDrop},
			{Effect: gateway.EffectQueryLag, Delay: lag(2*time.Minute, s), Spread: lag(2*time.Minute, s)},
		}
	}},
	{"reset before", 10, one(gateway.Fault{Effect: gateway.EffectReset})},
	{"answered late", 8, func(s float64) []gateway.Fault {
		return []gateway.Fault{{Effect: gateway.EffectProcessThenDelay, Delay: lag(time.Minute, s), Spread: lag(time.Minute, s)}}
	}},
	{"charged late", 8, func(s float64) []gateway.Fault {
		return []gateway.Fault{{Effect: gateway.EffectDelayThenProcess, Delay: lag(time.Minute, s), Spread: lag(time.Minute, s)}}
	}},
	{"shown late", 8, func(s float64) []gateway.Fault {
		return []gateway.Fault{{Effect: gateway.EffectQueryLag, Delay: lag(time.Minute, s), Spread: lag(time.Minute, s)}}
	}},
	{"server error", 4, one(gateway.Fault{Effect: gateway.EffectServerError, Status: 503})},
	{"server error, charged", 4, one(gateway.Fault{Effect: gateway.EffectServerError, Status: 502, Processed: true})},
	{"half an answer", 4, one(gateway.Fault{Effect: gateway.EffectBrokenJSON})},
	{"another's answer", 3, one(gateway.Fault{Effect: gateway.EffectWrongReference})},
	{"an answer too many", 2, one(gateway.Fault{Effect: gateway.EffectExtraElement})},
	{"answers misnamed", 2, one(gateway.Fault{Effect: gateway.EffectResponsesKey})},
	{"another status answered", 1, one(gateway.Fault{Effect: gateway.EffectWrongStatus, SettleStatus: "3"})},
	{"another amount answered", 3, one(gateway.Fault{Effect: gateway.EffectWrongAmount})},
	{"error without a reference", 4, one(gateway.Fault{Effect: gateway.EffectLostError})},
	{"bank error, then paid", 5, func(s float64) []gateway.Fault {
		return []gateway.Fault{{Effect: gateway.EffectBankErrorThenPaid, Delay: lag(2*time.Minute, s), Spread: lag(2*time.Minute, s)}}
	}},
	{"bank error, then declined", 3, func(s float64) []gateway.Fault {
		return []gateway.Fault{{Effect: gateway.EffectBankErrorThenFailed, Delay: lag(2*time.Minute, s), Spread: lag(2*time.Minute, s)}}
	}},
	{"bank error for good", 1, one(gateway.Fault{Effect: gateway.EffectBankErrorStays})},
	{"held unasked", 2, one(gateway.Fault{Effect: gateway.EffectHeld})},
	{"declined", 3, one(gateway.Fault{Effect: gateway.EffectCode, Code: "70000"})},
	{"card unknown", 1, one(gateway.Fault{Effect: gateway.EffectCode, Code: "20004", Unrecorded: true})},
	{"credentials refused", 1, one(gateway.Fault{Effect: gateway.EffectUnauthorized})},
}

// windowFaults are what the gateway does for a while, to all that asks or
// updates, some of the time.
var windowFaults = []fault{
	{"down", 0, one(gateway.Fault{Effect: gateway.EffectDown})},
	{"slow", 0, func(s float64) []gateway.Fault {
		return []gateway.Fault{{Effect: gateway.EffectLatency, Delay: lag(5*time.Second, s), Spread: lag(30*time.Second, s)}}
	}},
	{"queries empty", 0, one(gateway.Fault{Effect: gateway.EffectQueryEmpty, Chance: 0.5})},
	{"queries in part", 0, one(gateway.Fault{Effect: gateway.EffectQueryPartial, Chance: 0.5})},
	{"queries lost", 0, one(gateway.Fault{Effect: gateway.EffectProcessThenDrop, Type: "TRANSACTIONQUERY", Chance: 0.5})},
	{"queries refused", 0, one(gateway.Fault{Effect: gateway.EffectServerError, Type: "TRANSACTIONQUERY", Chance: 0.5, Status: 500})},
	{"queries broken", 0, one(gateway.Fault{Effect: gateway.EffectBrokenJSON, Type: "TRANSACTIONQUERY", Chance: 0.5})},
	{"updates lost before", 0, one(gateway.Fault{Effect: gateway.EffectReset, Type: "TRANSACTIONUPDATE", Chance: 0.3})},
	{"updates lost after", 0, one(gateway.Fault{Effect: gateway.EffectProcessThenDrop, Type: "TRANSACTIONUPDATE", Chance: 0.3})},
	{"updates answered wrongly", 0, one(gateway.Fault{Effect: gateway.EffectCode, Code: "60017", Processed: true, Type: "TRANSACTIONUPDATE", Chance: 0.5})},
	{"updates without an answer", 0, one(gateway.Fault{Effect: gateway.EffectLostError, Type: "TRANSACTIONUPDATE", Chance: 0.5})},
	{"updates shown late", 0, func(s float64) []gateway.Fault {
		return []gateway.Fault{{Effect: gateway.EffectQueryLag, Type: "TRANSACTIONUPDATE", Chance: 0.5, Delay: lag(time.Minute, s)}}
	}},
	{"credentials refused for a while", 0, one(gateway.Fault{Effect: gateway.EffectUnauthorized, Chance: 0.2})},
}

// faultsOf finds what a name stands for.
func faultsOf(list []fault, name string, scale float64) []gateway.Fault {
	for _, f := range list {
		if f.name == name {
			return f.make(scale)
		}
	}
	return nil
}

// LongestLag is the longest time, at a real gateway, for which any of them
// keeps from a query what is there, or charges after it was asked to.
const LongestLag = 4 * time.Minute

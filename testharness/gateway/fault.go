package gateway

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

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
	// Amount in minor units: one, or a range.
	Amount *Amounts `json:"amount,omitempty"`

	// Nth is the first matching request to act on, 1 if zero.
	Nth int `json:"nth,omitempty"`
	// Times limits how often it acts; 0 is without end.
	Times int `json:"times,omitempty"`
	// Chance to act on a request, above 0 up to 1; 0 means always. Seed makes
	// it repeatable by itself; without one the gateway's seed decides.
	Chance float64 `json:"chance,omitempty"`
	Seed   uint64  `json:"seed,omitempty"`

	// Delay of the effects that wait or hide. With Spread it varies, as
	// Distribution says (uniform if empty), and never beyond Max.
	Delay        Duration     `json:"delay,omitempty"`
	Spread       Duration     `json:"spread,omitempty"`
	Distribution Distribution `json:"distribution,omitempty"`
	Max          Duration     `json:"max,omitempty"`
	// Code of EffectCode and EffectLostError, and the rest of EffectCode;
	// AcquirerCode is the acquirerresponsecode.
	Code         string `json:"code,omitempty"`
	AcquirerCode string `json:"acquirerresponsecode,omitempty"`
	Recorded     bool   `json:"recorded,omitempty"`
	Unrecorded   bool   `json:"unrecorded,omitempty"`
	// SettleStatus of EffectWrongStatus, as text: 0, 1, 2, 3, 10 or 100.
	SettleStatus string `json:"settlestatus,omitempty"`
	// Status of EffectServerError: 500 to 599.
	Status    int  `json:"status,omitempty"`
	Processed bool `json:"processed,omitempty"`
	// Bytes of an answer before it is cut or stalls, and BytesPerSecond of one
	// that trickles.
	Bytes          int `json:"bytes,omitempty"`
	BytesPerSecond int `json:"bytes_per_second,omitempty"`

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

// maxBytes bounds what is counted of an answer: more than any has.
const maxBytes = 1 << 30

// check refuses a fault that could never do what it says.
func (f *Fault) check() error {
	rule, known := effectRules[f.Effect]
	if !known {
		names := make([]string, 0, len(effectRules))
		for _, e := range Effects() {
			names = append(names, string(e))
		}
		return fmt.Errorf("effect %q is none of %s", f.Effect, strings.Join(names, ", "))
	}
	for _, member := range f.given() {
		if !rule.takes(member) {
			return fmt.Errorf("%s means nothing to the effect %s", member, f.Effect)
		}
	}
	switch {
	case f.Chance < 0 || f.Chance > 1:
		return fmt.Errorf("chance %v is not within 0 and 1", f.Chance)
	case f.Nth < 0 || f.Times < 0:
		return errors.New("nth and times are not less than zero")
	case f.Code != "" && (f.Code == codeOK || !rules.Digits(f.Code, 5)), f.Effect == EffectCode && f.Code == "":
		return fmt.Errorf("effect %s needs a code of 1 to 5 digits other than 0, not %q", f.Effect, f.Code)
	case f.Recorded && f.Unrecorded:
		return errors.New("recorded and unrecorded can't both be")
	case f.Status != 0 && (f.Status < 500 || f.Status > 599):
		return fmt.Errorf("status %d is not within 500 and 599", f.Status)
	case f.Effect == EffectWrongStatus && !slices.Contains([]string{"0", "1", "2", "3", "10", "100"}, f.SettleStatus):
		return fmt.Errorf("effect %s needs a settlestatus, one of 0, 1, 2, 3, 10, 100", f.Effect)
	case f.Bytes < 0 || f.Bytes > maxBytes:
		return fmt.Errorf("bytes are not within 0 and %d", maxBytes)
	case f.BytesPerSecond < 0 || f.BytesPerSecond > maxBytes, f.Effect == EffectTrickle && f.BytesPerSecond == 0:
		return fmt.Errorf("effect %s needs bytes_per_second, 1 to %d", EffectTrickle, maxBytes)
	case len(rule.types) > 0 && f.Type != "" && !slices.Contains(rule.types, f.Type):
		return fmt.Errorf("effect %s is for %s, not for %s", f.Effect, strings.Join(rule.types, ", "), f.Type)
	}
	if _, err := path.Match(f.OrderReference, ""); err != nil {
		return fmt.Errorf("orderreference %q: %w", f.OrderReference, err)
	}
	if err := f.checkDelay(); err != nil {
		return err
	}
	return f.checkNotification()
}

// subject is what a request element is about, as faults see it.
type subject struct {
	kind          string
	sites, orders []string
	amount        int64
	hasAmount     bool
	kept          bool // it came on a connection that has served a call before
	// event is the kind of event that a notification is about; empty means that
	// this is a request.
	event string
}

// matches tells whether the fault is for this request.
func (f *Fault) matches(s *subject) bool {
	rule := effectRules[f.Effect]
	return (rule.on == onNotification) == (s.event != "") &&
		rule.on != onConnection && rule.on != onPort &&
		(f.Effect != EffectCloseKept || s.kept) &&
		(f.Event == "" || f.Event == s.event) &&
		(len(rule.types) == 0 || slices.Contains(rule.types, s.kind)) &&
		(f.Type == "" || f.Type == s.kind) &&
		(f.Site == "" || slices.Contains(s.sites, f.Site)) &&
		(f.Amount == nil || s.hasAmount && f.Amount.has(s.amount)) &&
		(f.OrderReference == "" || slices.ContainsFunc(s.orders, f.matchesOrder))
}

func (f *Fault) matchesOrder(order string) bool {
	if order == f.OrderReference {
		return true
	}
	ok, err := path.Match(f.OrderReference, order)
	return ok && err == nil
}

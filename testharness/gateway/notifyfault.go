package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// Effects on one notification. Their conditions look at the transaction that it
// tells of, and Event at the kind of event; nth counts notifications. Delays are
// of the settlement clock.
const (
	// EffectNotificationLate sends it Delay later.
	EffectNotificationLate Effect = "notification_late"
	// EffectNotificationDuplicated sends it Copies times more.
	EffectNotificationDuplicated Effect = "notification_duplicated"
	// EffectNotificationReordered holds it back until the next one to the same
	// URL was tried, or for Delay (48 h if zero).
	EffectNotificationReordered Effect = "notification_reordered"
	// EffectNotificationForged changes it as Variant says; the hash stays that of
	// the truth unless Signed.
	EffectNotificationForged Effect = "notification_forged"
	// EffectNotificationTruncated sends a part of it, as Variant says.
	EffectNotificationTruncated Effect = "notification_truncated"
	// EffectNotificationLost never sends it.
	EffectNotificationLost Effect = "notification_lost"
)

// addNotification adds an effect on a notification.
func (e *effects) addNotification(f *Fault, delay time.Duration) {
	n := &e.notification
	switch f.Effect {
	case EffectNotificationLate:
		n.Late += delay
	case EffectNotificationDuplicated:
		n.Copies = min(n.Copies+max(f.Copies, 1), notify.MaxCopies)
	case EffectNotificationReordered:
		n.Reordered, n.HoldFor = true, delay
	case EffectNotificationForged:
		n.Forged, n.Signed = notify.Forgery(f.Variant), f.Signed
		if f.Variant == "" {
			n.Forged = notify.ForgedHash
		}
	case EffectNotificationTruncated:
		n.Cut = notify.Cut(f.Variant)
		if f.Variant == "" {
			n.Cut = notify.CutBody
		}
	case EffectNotificationLost:
		n.Lost = true
	}
}

// checkNotification checks the members that are for notifications alone.
func (f *Fault) checkNotification() error {
	if effectRules[f.Effect].on != onNotification {
		return nil
	}
	var e effects
	e.add(f, time.Duration(f.Delay))
	switch {
	case f.Event != "" && !slices.Contains(notify.Kinds(), f.Event):
		return fmt.Errorf("event %q is none of %s", f.Event, strings.Join(notify.Kinds(), ", "))
	case f.Copies < 0 || f.Copies > notify.MaxCopies:
		return fmt.Errorf("copies %d: 1 to %d", f.Copies, notify.MaxCopies)
	case f.Effect == EffectNotificationLate && f.Delay == 0:
		return errors.New("effect " + string(f.Effect) + " needs a delay")
	}
	return e.notification.Check() //nolint:wrapcheck // it says all there is to say
}

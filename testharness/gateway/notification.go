package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
	"github.com/chargehand/chargehand/testharness/gateway/rules"
	"github.com/chargehand/chargehand/testharness/gateway/wire"
)

// newSender makes what sends this gateway's notifications.
func (g *Gateway) newSender() (*notify.Sender, error) {
	return notify.New(notify.Config{ //nolint:wrapcheck // it says what it is about
		Now:     g.Now,
		Node:    g.node,
		Public:  g.public.Load,
		Faults:  g.notificationFaults,
		Order:   g.shuffle,
		Changed: g.keepChanged,
	})
}

// announce tells of what is new about a transaction: that it was booked, or that
// its settle status changed. g.mu is held.
func (g *Gateway) announce(t *transaction) {
	if t.told == 0 {
		t.told = max(1, len(t.history))
		g.tell(t, notify.Event{Kind: notify.Authorisation, At: t.started}, t.status)
		return
	}
	for ; t.told < len(t.history); t.told++ {
		// While a bank error stands in doubt, nobody is told how it ends.
		if c := t.history[t.told]; c.From != c.To && !c.At.Before(t.doubt) {
			g.tell(t, notify.Event{Kind: notify.Settlement, At: c.At, From: statusText(c.From)}, c.To)
		}
	}
}

// tell has the rules tell of an event, and keeps what is queued then. g.mu is
// held.
func (g *Gateway) tell(t *transaction, e notify.Event, status int) {
	if !g.sender.Listening() {
		return
	}
	e.Fields = t.notice(e.At, status)
	for _, id := range g.sender.Tell(&e) {
		g.keepQueued(id)
	}
}

// notice is all that notifications can tell of a transaction at that time, when
// it has that settle status.
func (t *transaction) notice(at time.Time, status int) map[string]string {
	shown := *t
	shown.status = status
	if at.Before(t.doubt) {
		shown.code, shown.status = t.shown(at)
		shown.authCode, shown.acquirerCode = "", ""
	}
	fields := map[string]string{}
	for _, f := range shown.record(merchantName(t.site)) {
		if f.Text != "" {
			fields[f.Name] = f.Text
		}
	}
	return fields
}

// notificationFaults asks the script what is to go wrong with a notification.
func (g *Gateway) notificationFaults(e *notify.Event) notify.Faults {
	if g.script.empty() {
		return notify.Faults{}
	}
	about := subject{
		kind: e.Fields["requesttypedescription"], sites: []string{e.Fields["sitereference"]},
		orders: []string{e.Fields["orderreference"]}, event: e.Kind,
	}
	about.amount, about.hasAmount = rules.Amount(e.Fields["baseamount"])
	fx := g.script.act(&about)
	return fx.notification
}

// shuffle gives the fields of a notification any order, since none is promised.
// g.mu is held.
func (g *Gateway) shuffle(names []string) {
	if !g.switches.Plain {
		g.rng.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
	}
}

// awaitNotifications waits for the notifications that callers wait for: those
// that online and failover rules want of what this call was about.
func (g *Gateway) awaitNotifications(ctx context.Context, c *call, answers []wire.Fields) {
	if !g.sender.Listening() {
		return
	}
	var refs []string
	for _, fields := range answers {
		for i := range fields {
			if fields[i].Name == "transactionreference" {
				refs = append(refs, fields[i].Text)
			}
		}
	}
	// The answer to an update names nothing.
	for i := range c.elements {
		if types, _ := c.elements[i].types(); !slices.Contains(types, typeUpdate) {
			continue
		}
		values, _ := filterValues(c.elements[i].Get("filter").Get("transactionreference"))
		refs = append(refs, values...)
	}
	g.sender.Wait(ctx, refs...)
}

// NotificationRules lists the rules in the order they were added.
func (g *Gateway) NotificationRules() []notify.Rule { return g.sender.Rules() }

// AddNotificationRules checks rules and adds all of them or none. It returns
// them with their ids.
func (g *Gateway) AddNotificationRules(given ...notify.Rule) ([]notify.Rule, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range given {
		if _, known := g.sites[given[i].Site]; !known {
			return nil, fmt.Errorf("notification rule %d: no site %q", i+1, given[i].Site)
		}
	}
	added, err := g.sender.AddRules(given...)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it is about
	}
	for i := range added {
		g.kept.write(journalLine{Rule: &added[i]})
	}
	return added, nil
}

// DeleteNotificationRule deletes a rule; what it queued is still sent. It
// returns notify.ErrNotFound if there is none with that id.
func (g *Gateway) DeleteNotificationRule(id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.sender.DeleteRule(id); err != nil {
		return err //nolint:wrapcheck // it says what it is about
	}
	g.kept.write(journalLine{RuleGone: id})
	return nil
}

// Notifications are the newest notifications, oldest first, each with its tries;
// with a transaction's reference only those about it.
func (g *Gateway) Notifications(transaction string) []notify.Notification {
	g.Now() // batches that are due first
	return g.sender.Log(transaction)
}

// AwaitNotifications waits until no notification is on its way or due. It
// returns notify.ErrClosed unless the gateway is serving.
func (g *Gateway) AwaitNotifications(ctx context.Context) error {
	return g.sender.Idle(ctx) //nolint:wrapcheck // it says what it is about
}

// ResendNotification sends one of the log once more and returns the new one's id.
func (g *Gateway) ResendNotification(id int64) (int64, error) {
	again, err := g.sender.Resend(id)
	if err != nil {
		return 0, err //nolint:wrapcheck // it says what it is about
	}
	g.keepChanged(again)
	return again, nil
}

// Forging is a notification to send that is a lie, or true but uncalled for.
type Forging struct {
	// Transaction is the one that it is made from, as it is now.
	Transaction string `json:"transactionreference"`
	// Rule whose URL, fields and password it has; empty means the first of the
	// transaction's site.
	Rule string `json:"rule,omitempty"`
	// Event is authorisation (if empty) or settlement.
	Event string `json:"event,omitempty"`
	// Variant is hash (if empty), amount, transaction or paid.
	Variant notify.Forgery `json:"variant,omitempty"`
	// Signed makes the hash fit.
	Signed bool `json:"signed,omitempty"`
}

// ForgeNotification sends a forged notification and returns the ids under which
// the log has it.
func (g *Gateway) ForgeNotification(f Forging) ([]int64, error) {
	if f.Event == "" {
		f.Event = notify.Authorisation
	}
	if f.Variant == "" {
		f.Variant = notify.ForgedHash
	}
	if f.Event != notify.Authorisation && f.Event != notify.Settlement {
		return nil, fmt.Errorf("forge a notification: event %q is neither %s nor %s", f.Event, notify.Authorisation, notify.Settlement)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.clock()
	t := g.book.byRef[f.Transaction]
	if t == nil {
		return nil, fmt.Errorf("forge a notification: transaction %q: %w", f.Transaction, notify.ErrNotFound)
	}
	e := notify.Event{Kind: f.Event, At: at, Fields: t.notice(at, t.status)}
	ids, err := g.sender.Send(f.Rule, &e, notify.Faults{Forged: f.Variant, Signed: f.Signed})
	if err != nil {
		return nil, fmt.Errorf("forge a notification: %w", err)
	}
	for _, id := range ids {
		g.keepQueued(id)
	}
	return ids, nil
}

// keepChanged keeps a queued notification as it is now.
func (g *Gateway) keepChanged(id int64) {
	if g.config.Journal == "" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keepQueued(id)
}

// keepQueued is keepChanged with g.mu held.
func (g *Gateway) keepQueued(id int64) {
	if g.kept == nil {
		return
	}
	if n, ok := g.sender.Queued(id); ok {
		g.kept.write(journalLine{Notification: &n})
	} else {
		g.kept.write(journalLine{NotificationGone: id})
	}
}

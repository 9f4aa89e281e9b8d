package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/notify"
)

// journal is the file in which a gateway keeps what a bank would not forget:
// its transactions, users, sites and settlement clock. One line for each
// change, written whole before anyone is answered, so that a gateway that is
// killed and started again knows all that it ever told. It is not synced: it
// outlives the process, not the machine.
//
// A nil journal keeps nothing. It has no lock: the Gateway's holds for it.
type journal struct {
	file *os.File
	// lines are in the file, of which so many were fresh when it was last written
	// anew.
	lines, fresh int
	// err is the first failure; after it nothing is processed any more.
	err error
}

// journalLine is one change. One member is set.
type journalLine struct {
	Transaction *keptTransaction `json:"transaction,omitempty"`
	User        *User            `json:"user,omitempty"`
	Site        *Site            `json:"site,omitempty"`
	Clock       *keptClock       `json:"clock,omitempty"`
	Token       *token           `json:"token,omitempty"`
	Call        *Call            `json:"call,omitempty"`
	Reset       bool             `json:"reset,omitempty"`
	// Forgotten sums the transactions that the journal does not hold any more.
	Forgotten []Total `json:"forgotten,omitempty"`

	Rule             *notify.Rule         `json:"rule,omitempty"`
	RuleGone         string               `json:"rule_gone,omitempty"`
	Notification     *notify.Notification `json:"notification,omitempty"`
	NotificationGone int64                `json:"notification_gone,omitempty"`
}

// keptClock is where the settlement clock stands.
type keptClock struct {
	Offset    time.Duration `json:"offset"`
	NextBatch time.Time     `json:"next_batch"`
	At        time.Time     `json:"at,omitzero"` // what it showed
}

// openJournal opens or makes the file and reads what it holds. A last line
// that was cut off counts as not written: nobody was told of it.
func openJournal(path string) (*journal, []journalLine, error) {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read the journal: %w", err)
	}
	content = content[:bytes.LastIndexByte(content, '\n')+1]
	var lines []journalLine
	for dec := json.NewDecoder(bytes.NewReader(content)); ; {
		var l journalLine
		switch err := dec.Decode(&l); {
		case errors.Is(err, io.EOF):
			file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
			if err != nil {
				return nil, nil, fmt.Errorf("open the journal: %w", err)
			}
			_, err = file.Seek(int64(len(content)), io.SeekStart)
			if err = errors.Join(err, file.Truncate(int64(len(content)))); err != nil {
				return nil, nil, errors.Join(fmt.Errorf("open the journal: %w", err), file.Close())
			}
			return &journal{file: file, lines: len(lines)}, lines, nil
		case err != nil:
			return nil, nil, fmt.Errorf("journal %s, line %d: %w", path, len(lines)+1, err)
		}
		lines = append(lines, l)
	}
}

func (j *journal) write(l journalLine) {
	if j == nil || j.err != nil {
		return
	}
	b, err := json.Marshal(l)
	if err == nil {
		_, err = j.file.Write(append(b, '\n'))
	}
	j.lines++
	j.err = err
}

func (j *journal) failed() bool { return j != nil && j.err != nil }

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}

// forgetful tells that the journal can't be written: what is processed now
// would not be known later, so nothing is.
func (g *Gateway) forgetful() bool {
	if g.config.Journal == "" {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept.failed()
}

func (g *Gateway) closeJournal() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept.close()
}

// replay takes in what a journal holds. g.mu is held.
func (g *Gateway) replay(lines []journalLine) error {
	queued := keptQueue{waiting: map[int64]*notify.Notification{}}
	for i := range lines {
		switch l := &lines[i]; {
		case l.Reset:
			if err := g.forget(); err != nil {
				return err
			}
			clear(queued.waiting)
		case l.Rule != nil:
			g.sender.RestoreRule(*l.Rule)
		case l.RuleGone != "":
			_ = g.sender.DeleteRule(l.RuleGone) // one of a Config that had more rules may be gone anyway
		case l.Notification != nil:
			queued.set(l.Notification.ID, l.Notification)
		case l.NotificationGone != 0:
			queued.set(l.NotificationGone, nil)
		case l.User != nil:
			u, err := newUser(*l.User)
			if err != nil {
				return err
			}
			g.users[u.Name] = u
		case l.Site != nil:
			g.sites[l.Site.Reference] = l.Site
		case l.Token != nil && l.Token.Spent:
			delete(g.tokens, l.Token.ID)
		case l.Token != nil:
			g.tokens[l.Token.ID] = l.Token
		case l.Clock != nil:
			g.offset, g.book.nextBatch = l.Clock.Offset, l.Clock.NextBatch
			g.showed(l.Clock.At)
		case l.Forgotten != nil:
			g.book.forgotten = totalsOf(l.Forgotten)
		case l.Call != nil:
			g.tape.add(*l.Call)
		case l.Transaction != nil:
			t := l.Transaction.transaction()
			g.showed(t.started)
			if old := g.book.byRef[t.ref]; old != nil {
				if g.book.replace(old, t); old.moves() {
					g.book.watch(old)
				}
			} else {
				g.book.add(t)
			}
			var sequence int64
			if _, err := fmt.Sscan(t.ref[strings.LastIndexByte(t.ref, '-')+1:], &sequence); err == nil {
				// What was refused with a reference is not kept: stay clear of those.
				g.sequence = max(g.sequence, sequence+1000)
			}
		}
	}
	g.sender.Restore(queued.list(), queued.last)
	return nil
}

// keptQueue is the queue of notifications while the journal is read.
type keptQueue struct {
	waiting map[int64]*notify.Notification
	last    int64
}

// set takes in a notification as it is now, nil if it is not queued any more.
func (k *keptQueue) set(id int64, n *notify.Notification) {
	k.last = max(k.last, id)
	if n == nil {
		delete(k.waiting, id)
		return
	}
	k.waiting[id] = n
}

func (k *keptQueue) list() []notify.Notification {
	out := make([]notify.Notification, 0, len(k.waiting))
	for _, id := range slices.Sorted(maps.Keys(k.waiting)) {
		out = append(out, *k.waiting[id])
	}
	return out
}

// keptTransaction is a transaction as the journal has it: all of it.
type keptTransaction struct {
	Ref, Parent, Order                   string
	Site, User, Kind                     string
	Account, Currency                    string
	Amount                               int64
	Code, Answered                       string
	Status                               int
	Masked, PaymentType, Country         string
	Declines                             bool
	Expiry, AuthCode, AcquirerCode       string
	CredentialsOnFile                    string
	SubscriptionType, SubscriptionNumber string
	AuthMethod, Origin                   string
	Checks                               [3]string
	Live                                 bool
	Started, Due, Settled                time.Time
	Visible, Doubt, Stale                time.Time
	StaleStatus                          int
	History                              []Change
	Message                              string    `json:",omitempty"`
	Details                              []detail  `json:",omitempty"`
	Transfer                             *transfer `json:",omitempty"`
	Lowered                              int64     `json:",omitempty"`
	Notes                                []detail  `json:",omitempty"`
	Plan                                 *plan     `json:",omitempty"`
}

func keep(t *transaction) journalLine {
	return journalLine{Transaction: &keptTransaction{
		Ref: t.ref, Parent: t.parent, Order: t.order, Site: t.site, User: t.user, Kind: t.kind, Account: t.account,
		Currency: t.currency, Amount: t.amount, Code: t.code, Answered: t.answered, Status: t.status, Masked: t.card.masked,
		PaymentType: t.card.paymentType, Country: t.card.country, Declines: t.card.declines, Expiry: t.expiry,
		AuthCode: t.authCode, AcquirerCode: t.acquirerCode, CredentialsOnFile: t.credentialsOnFile,
		SubscriptionType: t.subscriptionType, SubscriptionNumber: t.subscriptionNumber, AuthMethod: t.authMethod,
		Origin: t.origin, Checks: t.checks, Live: t.live, Started: t.started, Due: t.due, Settled: t.settled,
		Visible: t.visible, Doubt: t.doubt, Stale: t.stale, StaleStatus: t.staleStatus, History: t.history,
		Message: t.message, Details: t.details, Transfer: t.transfer, Lowered: t.lowered, Notes: t.notes, Plan: t.plan,
	}}
}

func (k *keptTransaction) transaction() *transaction {
	return &transaction{
		ref: k.Ref, parent: k.Parent, order: k.Order, site: k.Site, user: k.User, kind: k.Kind, account: k.Account,
		currency: k.Currency, amount: k.Amount, code: k.Code, answered: k.Answered, status: k.Status,
		card:   card{masked: k.Masked, paymentType: k.PaymentType, country: k.Country, declines: k.Declines},
		expiry: k.Expiry, authCode: k.AuthCode, acquirerCode: k.AcquirerCode, credentialsOnFile: k.CredentialsOnFile,
		subscriptionType: k.SubscriptionType, subscriptionNumber: k.SubscriptionNumber, authMethod: k.AuthMethod,
		origin: k.Origin, checks: k.Checks, live: k.Live, started: k.Started, due: k.Due, settled: k.Settled,
		visible: k.Visible, doubt: k.Doubt, stale: k.Stale, staleStatus: k.StaleStatus, history: k.History,
		message: k.Message, details: k.Details, transfer: k.Transfer, lowered: k.Lowered, notes: k.Notes, plan: k.Plan,
		told: max(1, len(k.History)),
	}
}

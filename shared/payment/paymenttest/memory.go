package paymenttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// What Memory takes as having a meaning.
const (
	Site     = "site1"
	Endpoint = "EU"
	// Stored is a stored transaction reference to charge. Any other works as
	// well, but MissingStored.
	Stored payment.TransactionID = "1-1-1"
	// MissingStored is a stored reference that the gateway doesn't know.
	MissingStored payment.TransactionID = "9-9-9"
	// Password is taken, WrongPassword is not. Any other works as well.
	Password      = "open-sesame-4711"
	WrongPassword = "wrong-sesame-4711"
	// DeclineMinor is the amount in minor units that is declined.
	DeclineMinor = 70000
)

// Values of the settings field FieldAnswer: what becomes of the answer to a
// charge.
const (
	FieldAnswer      = "answer"
	AnswerLostBefore = "lost_before" // the request never got there, and nobody knows
	AnswerLostAfter  = "lost_after"  // it was processed
)

// Memory is a payment.Gateway that keeps what it was sent. The zero value is
// ready. It forgets everything with the process.
type Memory struct {
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Mode is the mode of all transactions; payment.ModeTest if empty.
	Mode payment.Mode

	mu           sync.Mutex
	transactions []payment.Transaction
}

var _ payment.Gateway = (*Memory)(nil)

// Settings are settings that Memory takes.
func Settings() payment.Settings {
	return payment.Settings{
		"endpoint": Endpoint, "site": Site, "user": "user@example.com", "password": Password,
		"stored": string(Stored), "settle": string(payment.SettleRecorded),
	}
}

// Access is an access that fits Settings.
func Access() payment.Access {
	return payment.Access{Company: "company1", Settings: Settings(), Endpoint: Endpoint, Site: Site}
}

// Transactions gives what is there, oldest first.
func (m *Memory) Transactions() []payment.Transaction {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.transactions)
}

// Put adds a transaction, as if somebody else had made it.
func (m *Memory) Put(t payment.Transaction) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.transactions = append(m.transactions, t)
}

// Edit changes a transaction, as a person at the gateway or the passing of time
// would. It reports whether it is there.
func (m *Memory) Edit(id payment.TransactionID, edit func(*payment.Transaction)) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.find(id)
	if t == nil {
		return false
	}
	edit(t)
	return true
}

// Charge implements payment.Gateway.
func (m *Memory) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	if err := m.admit(ctx, "charge", r.Access); err != nil {
		return payment.ChargeResult{}, err
	}
	for _, err := range []error{r.Reference.Validate(), r.Amount.Validate(), r.Stored.Validate()} {
		if err != nil {
			return payment.ChargeResult{}, invalid("charge", "", err.Error())
		}
	}
	if r.Settle != payment.SettleRecorded && r.Settle != payment.SettleAtOnce {
		return payment.ChargeResult{}, invalid("charge", "", "how to settle is not said; say recorded or at once")
	}
	if !m.now().Before(r.SendBefore) {
		return payment.ChargeResult{Outcome: payment.OutcomeNotSent, Reason: "It was too late to send it."}, nil
	}
	lost := payment.ChargeResult{Outcome: payment.OutcomeUnknown, Fault: payment.FaultGateway, Reason: "The answer was lost."}
	answer := r.Access.Settings[FieldAnswer]
	switch {
	case answer == AnswerLostBefore:
		return lost, nil
	case r.Access.Settings["password"] == WrongPassword:
		return payment.ChargeResult{Outcome: payment.OutcomeRejected, Fault: payment.FaultSite, Code: "401", Reason: "User or password are wrong."}, nil
	case r.Stored == MissingStored:
		return payment.ChargeResult{
			Outcome: payment.OutcomeRejected, Fault: payment.FaultStoredReference, Code: "404", Reason: "The stored reference is not there.",
		}, nil
	}
	result := m.record(r)
	if answer == AnswerLostAfter {
		return lost, nil
	}
	return result, nil
}

// record makes the transaction, and says what it came to.
func (m *Memory) record(r payment.ChargeRequest) payment.ChargeResult {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := payment.Transaction{
		ID:        payment.TransactionID(fmt.Sprintf("2-%d", len(m.transactions)+1)),
		Parent:    r.Stored,
		Reference: r.Reference,
		Kind:      payment.KindAuthorisation,
		Amount:    r.Amount,
		Status:    payment.StatusSuspended,
		Outcome:   payment.OutcomeApproved,
		Code:      "0",
		Message:   "Ok",
		Site:      r.Access.Site,
		User:      r.Access.Settings["user"],
		Mode:      m.mode(),
		Card:      "411111######1111",
		Scheme:    "VISA",
		Expiry:    "2031-12",
		StartedAt: m.now().UTC(),
	}
	if r.Settle == payment.SettleAtOnce {
		t.Status = payment.StatusDue
	}
	if r.Amount.Minor == DeclineMinor {
		t.Status, t.Outcome, t.Decline = payment.StatusCancelled, payment.OutcomeDeclined, payment.DeclineSoft
		t.Code, t.Message = "70000", "Decline"
	}
	m.transactions = append(m.transactions, t)
	return payment.ChargeResult{
		Outcome: t.Outcome, Decline: t.Decline, Code: t.Code, Reason: t.Message,
		Transaction: &t, Evidence: fmt.Sprintf("transaction %s, code %s", t.ID, t.Code),
	}
}

// Query implements payment.Gateway.
func (m *Memory) Query(ctx context.Context, r payment.QueryRequest) (payment.QueryResult, error) {
	if err := m.admit(ctx, "query", r.Access); err != nil {
		return payment.QueryResult{}, err
	}
	if err := r.Validate(); err != nil {
		return payment.QueryResult{}, invalid("query", "", err.Error())
	}
	if r.Access.Settings["password"] == WrongPassword {
		return payment.QueryResult{}, &payment.Error{Kind: payment.ErrorUnauthorized, Op: "query", Text: "user or password are wrong"}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Window != nil {
		return m.page(r.Access, *r.Window)
	}
	var found []payment.Transaction
	for _, t := range m.transactions {
		if asked, ok := wanted(t, r.Lookups); ok && t.Site == r.Access.Site {
			if t.Status == payment.StatusSuspended {
				t.Outcome = suspended(asked)
			}
			found = append(found, t)
		}
	}
	return payment.QueryResult{Transactions: found}, nil
}

func wanted(t payment.Transaction, lookups []payment.Lookup) (asked payment.SettleMode, ok bool) {
	for _, l := range lookups {
		if (l.Reference == "" || l.Reference == t.Reference) && (l.ID == "" || l.ID == t.ID) {
			return l.Asked, true
		}
	}
	return "", false
}

// suspended is what a suspended authorisation came to.
func suspended(asked payment.SettleMode) payment.Outcome {
	switch asked {
	case payment.SettleRecorded:
		return payment.OutcomeApproved
	case payment.SettleAtOnce:
		return payment.OutcomeHeld
	}
	return payment.OutcomeUnknown
}

// Adjust implements payment.Gateway.
func (m *Memory) Adjust(ctx context.Context, r payment.AdjustRequest) (payment.AdjustResult, error) {
	if err := m.admit(ctx, "adjust", r.Access); err != nil {
		return payment.AdjustResult{}, err
	}
	if n := len(r.Adjustments); n == 0 || n > payment.MaxAdjustments {
		return payment.AdjustResult{}, invalid("adjust", "", fmt.Sprintf("%d adjustments; give 1 to %d", n, payment.MaxAdjustments))
	}
	for _, a := range r.Adjustments {
		if a.ID == "" || a.Action != payment.ActionRelease && a.Action != payment.ActionCancel {
			return payment.AdjustResult{}, invalid("adjust", "", "an adjustment needs a transaction, and release or cancel")
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var result payment.AdjustResult
	for _, a := range r.Adjustments {
		adjusted := payment.Adjusted{ID: a.ID, Accepted: true, Code: "0", Message: "Ok"}
		if t := m.find(a.ID); t == nil || t.Site != r.Access.Site || !adjust(t, a.Action) {
			adjusted.Accepted, adjusted.Code, adjusted.Message = false, "404", "There is nothing to adjust"
		}
		result.Adjusted = append(result.Adjusted, adjusted)
	}
	return result, nil
}

// adjust applies an action, and reports whether the transaction takes it.
func adjust(t *payment.Transaction, action payment.Action) bool {
	switch t.Status {
	case payment.StatusSuspended, payment.StatusDue, payment.StatusDueUnchecked:
	default:
		return false
	}
	if action == payment.ActionCancel {
		t.Status = payment.StatusCancelled
	} else if t.Status == payment.StatusSuspended {
		t.Status = payment.StatusDue
	}
	return true
}

func (m *Memory) find(id payment.TransactionID) *payment.Transaction {
	for i := range m.transactions {
		if m.transactions[i].ID == id {
			return &m.transactions[i]
		}
	}
	return nil
}

// admit refuses what would not get as far as a gateway.
func (m *Memory) admit(ctx context.Context, op string, a payment.Access) error {
	if err := ctx.Err(); err != nil {
		return &payment.Error{Kind: payment.ErrorUnavailable, Op: op, NotSent: true, Err: err, Text: "the call ended before it was sent"}
	}
	if a.Endpoint != a.Settings["endpoint"] {
		return invalid(op, "endpoint", "the settings lead to another endpoint than the work")
	}
	if a.Site != a.Settings["site"] {
		return invalid(op, "site", "the settings lead to another site than the work")
	}
	return nil
}

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

func (m *Memory) mode() payment.Mode {
	if m.Mode == payment.ModeUnspecified {
		return payment.ModeTest
	}
	return m.Mode
}

func invalid(op, field, text string) error {
	return &payment.Error{Kind: payment.ErrorInvalid, Op: op, Field: field, Text: text, NotSent: true}
}

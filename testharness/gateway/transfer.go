package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// transfer is a payment that the customer agrees to at the own bank. Exported
// members are for the journal.
type transfer struct {
	Session, Secret, Acquirer string
	Decision                  BankDecision
}

// path is the customer's way to the bank's page.
func (t *transfer) path(paymentType string) string {
	return "/" + strings.ToLower(paymentType) + "/" + t.Session
}

// BankDecision is what a customer does at the bank.
type BankDecision string

// What a customer can do at the bank.
const (
	// BankAgree pays: the money moves with the next batch. It may come after a
	// BankDecline: then the payment goes from 3 to 100.
	BankAgree BankDecision = "agree"
	// BankDecline cancels the payment at once.
	BankDecline BankDecision = "decline"
	// BankLeave walks away: the payment stays at 10 until someone decides.
	BankLeave BankDecision = "leave"
)

// Texts of acquirerresponsemessage on a bank transfer.
const (
	messagePending   = "PENDING"
	messageAgreed    = "AUTHORISED"
	messageCancelled = "CANCELLED"
)

// ErrNoBankSession says that there is no such bank session.
var ErrNoBankSession = errors.New("no such bank session")

// ErrBankSettled says that the money has moved: nothing is left to decide.
var ErrBankSettled = errors.New("the money of this bank session has moved already")

// BankSession is a customer's visit to the bank, begun by an AUTH that answered
// with a redirecturl.
type BankSession struct {
	// ID is the last part of the redirecturl.
	ID                   string `json:"id"`
	TransactionReference string `json:"transactionreference"`
	OrderReference       string `json:"orderreference"`
	Site                 string `json:"sitereference"`
	Merchant             string `json:"merchantname"`
	PaymentType          string `json:"paymenttypedescription"`
	// Amount in minor units of Currency (ISO 4217).
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	// Country is the customer's, ISO 3166. Name is the billing name.
	Country string    `json:"country"`
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	// SettleStatus is 10 until the money moved (100) or the payment was
	// declined (3).
	SettleStatus int `json:"settlestatus"`
	// Decision is empty until there is one.
	Decision BankDecision `json:"decision,omitempty"`
	// SuccessURL and ErrorURL are where the merchant wants the customer back.
	SuccessURL string `json:"successfulurlredirect"`
	ErrorURL   string `json:"errorurlredirect"`
}

// Redirect is where the customer goes after the decision; empty for one who
// walked away.
func (s *BankSession) Redirect() string {
	switch s.Decision {
	case BankAgree:
		return s.SuccessURL
	case BankDecline:
		return s.ErrorURL
	default:
		return ""
	}
}

// BankSession finds a session by its id, by its transaction reference, or by an
// order reference (the newest of the order).
func (g *Gateway) BankSession(id string) (BankSession, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock()
	t, err := g.book.bankSession(id)
	if err != nil {
		return BankSession{}, err
	}
	return t.bankSession(), nil
}

// BankSessions returns all sessions, oldest first.
func (g *Gateway) BankSessions() []BankSession {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock()
	out := []BankSession{}
	for _, t := range g.book.all {
		if t.transfer != nil && t.transfer.Session != "" {
			out = append(out, t.bankSession())
		}
	}
	return out
}

// DecideBank does what the customer of a session does; ids are as in
// BankSession. Deciding anew replaces what was decided before, as long as the
// money has not moved.
func (g *Gateway) DecideBank(id string, decision BankDecision) (BankSession, error) {
	if !slices.Contains([]BankDecision{BankAgree, BankDecline, BankLeave}, decision) {
		return BankSession{}, fmt.Errorf("decide bank session: %q is none of %s, %s, %s", decision, BankAgree, BankDecline, BankLeave)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.clock()
	t, err := g.book.bankSession(id)
	if err == nil {
		err = g.book.decide(t, decision, at)
	}
	if err != nil {
		return BankSession{}, fmt.Errorf("decide bank session %s: %w", id, err)
	}
	return t.bankSession(), nil
}

// bankSession finds a transfer.
func (b *book) bankSession(id string) (*transaction, error) {
	if t := b.byRef[id]; t != nil && t.transfer != nil && t.transfer.Session != "" {
		return t, nil
	}
	if t := b.bySession[id]; t != nil {
		return t, nil
	}
	for _, t := range slices.Backward(b.byOrder[id]) {
		if t.transfer != nil && t.transfer.Session != "" {
			return t, nil
		}
	}
	return nil, ErrNoBankSession
}

// decide writes down what the customer did, and what follows at once.
func (b *book) decide(t *transaction, decision BankDecision, at time.Time) error {
	if t.status == StatusSettled {
		return ErrBankSettled
	}
	// Transactions are copied where they are shown: what they share stays.
	changed := *t.transfer
	changed.Decision = decision
	t.transfer = &changed
	switch decision {
	case BankAgree:
		t.message = messageAgreed
		b.watch(t)
	case BankDecline:
		t.message = messageCancelled
		if t.status != StatusCancelled {
			t.move(StatusCancelled, at, "bank")
		}
	case BankLeave:
		t.message = messagePending
	}
	b.changed(t)
	return nil
}

func (t *transaction) bankSession() BankSession {
	name := strings.Join(strings.Fields(t.detail("billingfirstname")+" "+t.detail("billingmiddlename")+" "+t.detail("billinglastname")), " ")
	return BankSession{
		ID: t.transfer.Session, TransactionReference: t.ref, OrderReference: t.order, Site: t.site, Merchant: merchantName(t.site),
		PaymentType: t.card.paymentType, Amount: t.amount, Currency: t.currency, Country: t.detail("billingcountryiso2a"), Name: name,
		Started: t.started, SettleStatus: t.status, Decision: t.transfer.Decision, SuccessURL: t.detail("successfulurlredirect"), ErrorURL: t.detail("errorurlredirect"),
	}
}

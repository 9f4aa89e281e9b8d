package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/chargehand/chargehand/testharness/gateway/rules"
)

// Entered is a payment that staff types into the Virtual Terminal: a MOTO
// transaction, whose reference can then be stored and charged.
type Entered struct {
	Site string `json:"sitereference"`
	// Card is the number of a test card.
	Card string `json:"card"`
	// Expiry is MM/YYYY or MM/YY; empty means five years ahead.
	Expiry string `json:"expirydate,omitempty"`
	// Amount in minor units of Currency (ISO 4217); 0 is for ACCOUNTCHECK.
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	// Type is AUTH (if empty) or ACCOUNTCHECK.
	Type string `json:"type,omitempty"`
	// CredentialsOnFile is "", "0", "1" or "2"; 1 marks a card as stored.
	CredentialsOnFile string `json:"credentials_on_file,omitempty"`
	OrderReference    string `json:"orderreference,omitempty"`
	// SettleStatus is 0, 1 or 2.
	SettleStatus int `json:"settlestatus,omitempty"`
	// SettleDueDate is YYYY-MM-DD, at most 7 days ahead; empty means today.
	SettleDueDate string `json:"settleduedate,omitempty"`
	// Operator is the name of who typed it in.
	Operator string `json:"operator,omitempty"`
}

// Enter takes a payment in the Virtual Terminal. A decline is no error: look
// at the entry's code. Faults do not act here.
func (g *Gateway) Enter(e Entered) (Entry, error) {
	if e.Type == "" {
		e.Type = typeAuth
	}
	if e.Operator == "" {
		e.Operator = "virtual.terminal@example.com"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.clock()
	p, err := e.payment(at, g.switches.AnyCard)
	if err != nil {
		return Entry{}, fmt.Errorf("virtual terminal: %w", err)
	}
	operator := &user{User: User{Name: e.Operator, Sites: []string{e.Site}}}
	t, refused := g.authorise(operator, p, &effects{}, at)
	if refused != nil {
		return Entry{}, fmt.Errorf("virtual terminal: %s %s %v", refused.code, message(refused.code), refused.data)
	}
	return t.entry(), nil
}

func (e *Entered) payment(at time.Time, anyCard bool) (*payment, error) {
	p := &payment{
		kind: e.Type, site: e.Site, account: "MOTO", order: e.OrderReference, currency: e.Currency, amount: e.Amount,
		status: e.SettleStatus, due: startOfDay(at), credentialsOnFile: e.CredentialsOnFile, origin: "MYST-VT",
		checks: [3]string{"0", "0", "0"},
	}
	p.hasAmount, p.hasCard = true, true
	var ok bool
	if p.card, ok = findCard(e.Card, anyCard); !ok {
		return nil, errors.New("only test cards are taken, like 4111111111111111")
	}
	if e.Expiry == "" {
		e.Expiry = at.AddDate(5, 0, 0).Format("01/2006")
	}
	if p.expiry, ok = rules.Expiry(e.Expiry); !ok {
		return nil, fmt.Errorf("expiry date %q: write it as MM/YYYY", e.Expiry)
	}
	if e.SettleDueDate != "" {
		var err error
		if p.due, err = time.Parse(time.DateOnly, e.SettleDueDate); err != nil || p.due.Before(startOfDay(at)) || p.due.After(startOfDay(at).Add(7*day)) {
			return nil, fmt.Errorf("settle due date %q: write it as YYYY-MM-DD, from today to 7 days ahead", e.SettleDueDate)
		}
	}
	switch {
	case e.Type != typeAuth && e.Type != typeAccountCheck:
		return nil, fmt.Errorf("type %q: AUTH or ACCOUNTCHECK", e.Type)
	case e.Amount < 0 || e.Amount > 9_999_999_999_999 || e.Amount == 0 && e.Type == typeAuth:
		return nil, fmt.Errorf("amount %d: minor units, more than zero (an ACCOUNTCHECK may be zero)", e.Amount)
	case !rules.IsCurrency(e.Currency):
		return nil, fmt.Errorf("currency %q: three capital letters", e.Currency)
	case e.SettleStatus < StatusPending || e.SettleStatus > StatusSuspended:
		return nil, fmt.Errorf("settle status %d: 0, 1 or 2", e.SettleStatus)
	case len(e.OrderReference) > maxOrderReference:
		return nil, fmt.Errorf("the order reference is longer than %d characters", maxOrderReference)
	case e.CredentialsOnFile != "" && (len(e.CredentialsOnFile) != 1 || e.CredentialsOnFile > "2" || e.CredentialsOnFile < "0"):
		return nil, fmt.Errorf("credentials on file %q: 0, 1 or 2", e.CredentialsOnFile)
	}
	return p, nil
}

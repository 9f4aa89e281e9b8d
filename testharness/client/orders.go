package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// NewOrder is an order as the platform posts it.
type NewOrder struct {
	Channel   string    `json:"channel"`
	Reference string    `json:"reference"`
	PlacedAt  time.Time `json:"placed_at"`
	Parts     []Part    `json:"parts"`
}

// Part is what one fulfiller gets of an order.
type Part struct {
	Fulfiller string         `json:"fulfiller"`
	Amount    payment.Amount `json:"amount"`
}

// Order is an order with its charges.
type Order struct {
	ID        string   `json:"id"`
	Reference string   `json:"reference"`
	Charges   []Charge `json:"charges"`
}

// Charge is one obligation of an order towards one fulfiller.
type Charge struct {
	ID             string         `json:"id"`
	OrderID        string         `json:"order_id"`
	OrderReference string         `json:"order_reference"`
	Amount         payment.Amount `json:"amount"`
	State          string         `json:"state"`
	Produce        string         `json:"produce"`
	Reason         string         `json:"reason"`
	Text           string         `json:"text"`
	NeedsPerson    *NeedsPerson   `json:"needs_person"`
	Transaction    string         `json:"transaction"`
	Attempts       int            `json:"attempts"`
	// NextCheckAt is when something is due; zero means that nothing ever is.
	NextCheckAt time.Time `json:"next_check_at"`
}

// NeedsPerson says why a charge stands with a person and what to do.
type NeedsPerson struct {
	Case   string `json:"case"`
	Advice string `json:"advice"`
}

// Case is why the charge needs a person; empty if it does not.
func (c Charge) Case() string {
	if c.NeedsPerson == nil {
		return ""
	}
	return c.NeedsPerson.Case
}

// Detail is a charge with all that happened to it.
type Detail struct {
	Charge
	AttemptsDetail []Attempt `json:"attempts_detail"`
	Story          []Event   `json:"story"`
}

// Attempt is one try to collect a charge.
type Attempt struct {
	Number    int    `json:"number"`
	Reference string `json:"reference"`
	Stage     string `json:"stage"`
	Outcome   string `json:"outcome"`
	Code      string `json:"code"`
	// StartedAt is when it was written down as about to be sent; zero if it was not.
	StartedAt time.Time `json:"started_at"`
}

// Event is one thing that was learnt about a charge.
type Event struct {
	At      time.Time       `json:"at"`
	Class   string          `json:"class"`
	Text    string          `json:"text"`
	By      string          `json:"by"`
	Number  int             `json:"number"` // the attempt; 0 for the charge as a whole
	State   string          `json:"state"`
	Produce string          `json:"produce"`
	Body    json.RawMessage `json:"body"` // the gateway's answer, redacted; may be empty
}

// Post posts an order. The host keeps its answer back until it is decided, at
// most for the wait, which it counts in whole seconds. created is false if it
// has the order already.
func (c *Client) Post(ctx context.Context, o NewOrder, wait time.Duration) (order Order, created bool, err error) {
	var header []string
	if wait >= time.Second {
		header = []string{"Prefer", fmt.Sprintf("wait=%d", int(wait/time.Second))}
	}
	status, err := c.do(ctx, http.MethodPost, "/v1/orders", o, &order, header...)
	return order, status == http.StatusAccepted || status == http.StatusCreated, err
}

// BatchItem is the answer to one order of a batch.
type BatchItem struct {
	Status  int           `json:"status"`
	Order   *Order        `json:"order"`
	Problem *ProblemError `json:"problem"`
}

// PostBatch posts many orders in one request. Each has an answer of its own.
func (c *Client) PostBatch(ctx context.Context, orders []NewOrder) ([]BatchItem, error) {
	var out struct {
		Items []BatchItem `json:"items"`
	}
	_, err := c.do(ctx, http.MethodPost, "/v1/orders/batch", map[string]any{"orders": orders}, &out)
	return out.Items, err
}

// Order reads an order.
func (c *Client) Order(ctx context.Context, id string) (Order, error) {
	var out Order
	_, err := c.do(ctx, http.MethodGet, "/v1/orders/"+id, nil, &out)
	return out, err
}

// Cancel cancels an order.
func (c *Client) Cancel(ctx context.Context, id, reason string) (Order, error) {
	var out Order
	_, err := c.do(ctx, http.MethodPost, "/v1/orders/"+id+"/cancel", map[string]string{"reason": reason}, &out)
	return out, err
}

// Charges lists all charges.
func (c *Client) Charges(ctx context.Context) ([]Charge, error) {
	return all[Charge](ctx, c, "/v1/charges")
}

// ChargesIn lists the charges in that state.
func (c *Client) ChargesIn(ctx context.Context, state string) ([]Charge, error) {
	return all[Charge](ctx, c, "/v1/charges?state="+state)
}

// Retry allows one more attempt, as a person does who saw that many.
func (c *Client) Retry(ctx context.Context, charge string, attempts int, reason string) error {
	_, err := c.do(ctx, http.MethodPost, "/v1/charges/"+charge+"/retry", map[string]any{"attempts": attempts, "reason": reason}, nil)
	return err
}

// Pause is something that stops new attempts.
type Pause struct {
	Scope string `json:"scope"`
	Code  string `json:"code"`
	Text  string `json:"text"`
}

// Pauses lists what is paused.
func (c *Client) Pauses(ctx context.Context) ([]Pause, error) {
	var out page[Pause]
	_, err := c.do(ctx, http.MethodGet, "/v1/pauses", nil, &out)
	return out.Items, err
}

// AnyCharge tells whether there is a charge in that state.
func (c *Client) AnyCharge(ctx context.Context, state string) (bool, error) {
	var out page[Charge]
	_, err := c.do(ctx, http.MethodGet, "/v1/charges?limit=1&state="+state, nil, &out)
	return len(out.Items) > 0, err
}

// Charge reads one charge with its story.
func (c *Client) Charge(ctx context.Context, id string) (Detail, error) {
	var out Detail
	_, err := c.do(ctx, http.MethodGet, "/v1/charges/"+id, nil, &out)
	return out, err
}

// Entry is one movement of money in the host's books, from the credit account
// to the debit account.
type Entry struct {
	ID          string         `json:"id"`
	ChargeID    string         `json:"charge_id"`
	Transaction string         `json:"transaction"`
	Debit       string         `json:"debit"`
	Credit      string         `json:"credit"`
	Amount      payment.Amount `json:"amount"`
}

// Ledger reads the host's books from the first entry on.
func (c *Client) Ledger(ctx context.Context) ([]Entry, error) {
	return all[Entry](ctx, c, "/v1/ledger")
}

// Ready asks the host whether it can work. A nil error means that it can.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodGet, "/readyz", nil, nil)
	return err
}

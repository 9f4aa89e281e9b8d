package example

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// charge is a charge as the gateway writes it.
type charge struct {
	ID        string    `json:"id"`
	Reference string    `json:"reference"`
	Account   string    `json:"account"`
	Stored    string    `json:"stored"`
	Amount    int64     `json:"amount"`
	Currency  string    `json:"currency"`
	State     string    `json:"state"`
	Code      string    `json:"code"`
	Message   string    `json:"message"`
	Card      string    `json:"card"`
	At        time.Time `json:"at"`
}

// refusal is what the gateway answers instead, with a status of 4xx.
type refusal struct {
	Error string `json:"error"`
}

// Charge implements payment.Gateway by one POST, whose every doubt is
// OutcomeUnknown.
func (g *Gateway) Charge(ctx context.Context, r payment.ChargeRequest) (payment.ChargeResult, error) {
	if err := chargeable(r); err != nil {
		return payment.ChargeResult{}, err
	}
	got, err := g.post(ctx, request{
		path: "/charges", access: r.Access, sendBefore: r.SendBefore, within: r.AnswerWithin,
		body: map[string]any{
			"reference": r.Reference, "stored": r.Stored, "amount": r.Amount.Minor, "currency": r.Amount.Currency,
			"hold": r.Settle == payment.SettleRecorded,
		},
	})
	if err != nil {
		if !got.sent {
			return payment.ChargeResult{Outcome: payment.OutcomeNotSent, Fault: payment.FaultGateway, Reason: "It was not sent: " + err.Error()}, nil
		}
		return doubt("The request was sent, and no whole answer came back."), nil
	}
	return readCharge(r, got), nil
}

// chargeable refuses what could not be right, before anything is sent.
func chargeable(r payment.ChargeRequest) error {
	const op = "charge"
	if err := admit(op, r.Access); err != nil {
		return err
	}
	for _, err := range []error{r.Reference.Validate(), r.Amount.Validate(), r.Stored.Validate()} {
		if err != nil {
			return invalid(op, "", err.Error())
		}
	}
	switch {
	case r.SendBefore.IsZero():
		return invalid(op, "", "the moment to send by is missing")
	case r.Settle != payment.SettleRecorded && r.Settle != payment.SettleAtOnce:
		return invalid(op, "", "how to settle is not said; say recorded or at_once")
	case r.Mode != profile(r.Access.Settings).Mode:
		return invalid(op, fieldAccount, "the account is not of the mode that the charge is for")
	}
	return nil
}

func doubt(reason string) payment.ChargeResult {
	return payment.ChargeResult{Outcome: payment.OutcomeUnknown, Reason: reason + " It has to be looked up."}
}

// readCharge reads an answer that came whole.
func readCharge(r payment.ChargeRequest, got answer) payment.ChargeResult {
	var said struct {
		charge
		refusal
	}
	if err := json.Unmarshal(got.body, &said); err != nil {
		return doubt("The answer can't be read.")
	}
	result := payment.ChargeResult{Outcome: payment.OutcomeUnknown, Code: said.Error, Evidence: evidence(got, said.charge, said.refusal)}
	switch {
	case got.status == http.StatusOK:
	case got.status == http.StatusUnauthorized && said.Error == "unauthorized":
		result.Outcome, result.Fault = payment.OutcomeRejected, payment.FaultSite
		result.Reason = "The gateway refused the account or its key; enter them again."
		return result
	case got.status == http.StatusUnprocessableEntity && said.Error == "unknown_card":
		result.Outcome, result.Fault = payment.OutcomeRejected, payment.FaultStoredReference
		result.Reason = "The gateway does not know the stored card; store it again, and enter what the gateway calls it."
		return result
	case got.status == http.StatusUnprocessableEntity && said.Error == "amount_too_large":
		result.Outcome, result.Fault = payment.OutcomeRejected, payment.FaultOrder
		result.Reason = "The amount is above what the account may charge; collect this order in another way."
		return result
	default:
		return doubt("The gateway answered with an error that tells nothing of the charge.")
	}

	// An answer that is about something else is an answer to nobody.
	if said.Reference != string(r.Reference) || said.Amount != r.Amount.Minor || said.Currency != r.Amount.Currency ||
		said.Stored != string(r.Stored) || said.Account != r.Access.Site {
		return doubt("The answer does not fit what was sent.")
	}
	t := transaction(said.charge, r.Settle)
	if t.ID.Validate() != nil {
		return doubt("The answer names no charge.")
	}
	result.Transaction, result.Code = &t, t.Code
	result.Outcome, result.Decline, result.Reason = t.Outcome, t.Decline, t.Message
	return result
}

// states says what a state means, for each way to settle that was asked for.
// What is not in it is not known.
var states = map[string]map[payment.SettleMode]payment.Outcome{
	"held":      {payment.SettleRecorded: payment.OutcomeApproved, payment.SettleAtOnce: payment.OutcomeHeld},
	"due":       {payment.SettleRecorded: payment.OutcomeApproved, payment.SettleAtOnce: payment.OutcomeApproved},
	"settled":   {payment.SettleRecorded: payment.OutcomeApproved, payment.SettleAtOnce: payment.OutcomeApproved},
	"cancelled": {payment.SettleRecorded: payment.OutcomeApproved, payment.SettleAtOnce: payment.OutcomeApproved}, // once it was
	"declined":  {payment.SettleRecorded: payment.OutcomeDeclined, payment.SettleAtOnce: payment.OutcomeDeclined},
	"pending":   {payment.SettleRecorded: payment.OutcomePending, payment.SettleAtOnce: payment.OutcomePending},
}

var statuses = map[string]payment.Status{
	"held": payment.StatusSuspended, "due": payment.StatusDue, "settled": payment.StatusSettled,
	"cancelled": payment.StatusCancelled, "declined": payment.StatusCancelled, "pending": payment.StatusSettling,
}

// transaction reads a charge, in the answer to Charge and in that to Query
// alike.
func transaction(c charge, asked payment.SettleMode) payment.Transaction {
	t := payment.Transaction{
		ID: payment.TransactionID(c.ID), Parent: payment.TransactionID(c.Stored), Reference: payment.Reference(c.Reference),
		Kind: payment.KindAuthorisation, Amount: payment.Amount{Minor: c.Amount, Currency: c.Currency},
		Status: statuses[c.State], Outcome: states[c.State][asked], Code: c.Code, Message: c.Message,
		Site: c.Account, User: c.Account, Mode: profile(payment.Settings{fieldAccount: c.Account}).Mode, Card: c.Card, StartedAt: c.At.UTC(),
	}
	if t.Outcome == payment.OutcomeUnspecified {
		t.Outcome = payment.OutcomeUnknown
	}
	if t.Outcome == payment.OutcomeDeclined {
		t.Decline = payment.DeclineSoft
	}
	return t
}

// evidence is what a person may need of an answer: no secret, no personal data.
func evidence(got answer, c charge, refused refusal) string {
	text, err := json.Marshal(map[string]any{
		"http_status": got.status, "id": c.ID, "reference": c.Reference, "amount": c.Amount, "currency": c.Currency,
		"state": c.State, "code": c.Code, "error": refused.Error,
	})
	if err != nil || len(text) > payment.MaxEvidence {
		return ""
	}
	return string(text)
}

package trustpayments

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// The numbers of a recurring series: the first is the payment that stored the
// card, and the field takes five digits.
const (
	minSequence = 2
	maxSequence = 99999
)

// Charge implements payment.Gateway by one AUTH on the stored reference.
func (g *Gateway) Charge(ctx context.Context, req payment.ChargeRequest) (payment.ChargeResult, error) {
	const op = "charge"
	s, err := g.access(op, req.Access)
	if err != nil {
		return payment.ChargeResult{}, err
	}
	auth, err := authRequest(s, req)
	if err != nil {
		return payment.ChargeResult{}, invalid(op, "", err.Error())
	}
	answer, err := g.call(ctx, s, webservices.Call{
		Requests:     []webservices.Request{auth},
		SendBefore:   req.SendBefore,
		AnswerWithin: min(req.AnswerWithin, payment.AnswerLimit),
	})
	if err != nil {
		return chargeFailed(op, err)
	}
	return g.readCharge(answer, auth, req.Settle, s), nil
}

// authRequest builds the AUTH, or says what of the request is not acceptable.
func authRequest(s settings, req payment.ChargeRequest) (webservices.Request, error) {
	for _, err := range []error{req.Reference.Validate(), req.Amount.Validate(), req.Stored.Validate()} {
		if err != nil {
			return webservices.Request{}, err
		}
	}
	switch {
	case req.SendBefore.IsZero():
		return webservices.Request{}, errors.New("the moment to send by is missing")
	case req.Mode != s.mode():
		return webservices.Request{}, fmt.Errorf("the site %s is for %s mode, but the charge is for %q", s.Site, s.mode(), req.Mode)
	}
	auth := webservices.Request{
		Type:                       webservices.TypeAuth,
		SiteReference:              s.Site,
		AccountTypeDescription:     s.AccountType,
		ParentTransactionReference: string(req.Stored),
		BaseAmount:                 strconv.FormatInt(req.Amount.Minor, 10),
		CurrencyISO3A:              req.Amount.Currency,
		OrderReference:             string(req.Reference),
		CredentialsOnFile:          "2", // a card that was stored earlier is used again
	}
	switch req.Settle {
	case payment.SettleRecorded:
		auth.SettleStatus = "2"
	case payment.SettleAtOnce:
	default:
		return webservices.Request{}, fmt.Errorf("how to settle is %q; it must be %s or %s", req.Settle, payment.SettleRecorded, payment.SettleAtOnce)
	}
	if s.AccountType != accountRecur {
		auth.InitiationReason = s.InitiationReason
		return auth, nil
	}
	if req.Sequence < minSequence || req.Sequence > maxSequence {
		return webservices.Request{}, fmt.Errorf("the number %d in the recurring series is not within %d and %d", req.Sequence, minSequence, maxSequence)
	}
	auth.SubscriptionType = "RECURRING"
	auth.SubscriptionNumber = strconv.FormatInt(req.Sequence, 10)
	return auth, nil
}

// chargeFailed is the result where no envelope came back that can be read.
func chargeFailed(op string, err error) (payment.ChargeResult, error) {
	f := failureOf(err)
	if !f.sent && f.ours {
		return payment.ChargeResult{}, unusable(op, err, payment.ErrorInternal)
	}
	r := payment.ChargeResult{
		Outcome: payment.OutcomeUnknown, Fault: f.fault, Reason: f.text,
		Evidence: evidence{HTTPStatus: f.status, Failure: clip(err.Error(), maxText)}.String(),
	}
	if f.status != 0 && f.status != 200 {
		r.Code = strconv.Itoa(f.status)
	}
	switch {
	case !f.sent:
		r.Outcome = payment.OutcomeNotSent
	case f.status == 400, f.status == 401:
		r.Outcome = payment.OutcomeRejected
	}
	return r, nil
}

// readCharge reads the envelope that answers an AUTH.
func (g *Gateway) readCharge(answer webservices.Answer, sent webservices.Request, asked payment.SettleMode, s settings) payment.ChargeResult {
	result := payment.ChargeResult{
		Outcome: payment.OutcomeUnknown, Evidence: newEvidence(answer, s.Password).String(),
	}
	if n := len(answer.Elements); n != 1 {
		result.Reason = fmt.Sprintf("The answer has %d elements instead of one. %s", n, lookedUp)
		return result
	}
	e := answer.Elements[0]
	r := g.codes.read(e, asked)
	result.Code, result.Reason = r.code, r.reason
	if t := g.transaction(e, asked, s); t.ID != "" {
		result.Transaction = &t
	}
	if err := misfit(e, sent, s.mode()); err != nil {
		result.Reason = fmt.Sprintf("The answer does not fit what was sent: %v. %s", err, lookedUp)
	} else {
		result.Outcome, result.Decline, result.Fault = r.outcome, r.decline, r.fault
	}
	if result.Transaction != nil {
		// The answer as a whole was judged, and this is part of it.
		result.Transaction.Outcome, result.Transaction.Decline, result.Transaction.Fault = result.Outcome, result.Decline, result.Fault
	}
	return result
}

// misfit refuses an element that can't be the answer to the AUTH that was sent.
func misfit(e webservices.Element, sent webservices.Request, mode payment.Mode) error {
	kind, succeeded := e.Get("requesttypedescription"), e.Get("errorcode") == codeOK
	switch {
	case kind == webservices.TypeAuth:
	case !succeeded && (kind == webservices.TypeError || kind == ""):
	default:
		return fmt.Errorf("it is of the type %q", clip(kind, maxCode))
	}
	if err := contradiction(e, sent, mode); err != nil {
		return err
	}
	if succeeded && transactionID(e.Get("transactionreference")) == "" {
		return errors.New("it names no transaction")
	}
	if succeeded && statuses[e.Get("settlestatus")] == payment.StatusCancelled {
		return errors.New("it is authorised and cancelled in one")
	}
	return nil
}

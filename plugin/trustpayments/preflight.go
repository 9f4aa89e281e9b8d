package trustpayments

import (
	"context"
	"errors"
	"fmt"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// noTransaction is a reference that no transaction can have, to ask for where
// only the answer's manner matters.
const noTransaction = "0-0-0"

// The checks of a preflight.
const (
	checkCredentials = "credentials"
	checkSite        = "site"
	checkStored      = "stored_reference"
	checkCurrency    = "currency"
	checkCard        = "card"
	checkMode        = "mode"
)

// Preflight implements payment.Gateway by one TRANSACTIONQUERY of the stored
// reference on the site. It moves nothing.
func (g *Gateway) Preflight(ctx context.Context, req payment.PreflightRequest) (payment.PreflightReport, error) {
	const op = "preflight"
	s, err := g.access(op, req.Access)
	if err != nil {
		return payment.PreflightReport{}, err
	}
	target := payment.TransactionID(noTransaction)
	if req.Stored != "" {
		if err := req.Stored.Validate(); err != nil {
			return payment.PreflightReport{}, invalid(op, fieldStored, err.Error())
		}
		target = req.Stored
	}
	report := payment.PreflightReport{Mode: s.mode()}
	answer, err := g.call(ctx, s, webservices.Call{Requests: []webservices.Request{{
		Type: webservices.TypeTransactionQuery,
		Filter: &webservices.Filter{
			SiteReference:        webservices.Values{s.Site},
			TransactionReference: webservices.Values{string(target)},
		},
	}}})
	if unauthorised(err) {
		report.Findings = []payment.Finding{wrongCredentials()}
		return report, nil
	}
	if err != nil {
		return report, unusable(op, err, payment.ErrorUnavailable)
	}
	e, err := g.soleElement(op, answer)
	if err != nil {
		if finding, ok := g.setupFinding(answer); ok {
			report.Findings = []payment.Finding{finding}
			return report, nil
		}
		return report, err
	}
	if err := complete(e); err != nil {
		return report, unreadable(op, err)
	}
	report.Findings = []payment.Finding{
		ok(checkCredentials, fieldUser, "Trust Payments accepts the user name and password, and calls from this host."),
		ok(checkSite, fieldSite, fmt.Sprintf("Trust Payments answers this user about the site %s.", s.Site)),
		modeFinding(s),
	}
	if req.Stored == "" {
		return report, nil
	}
	if err := g.inspect(&report, e.Records, target, s); err != nil {
		return report, unreadable(op, err)
	}
	return report, nil
}

// unauthorised reports whether an error is the gateway's 401.
func unauthorised(err error) bool {
	call, ok := errors.AsType[*webservices.CallError](err)
	return ok && call.Sent && call.HTTPStatus == 401
}

// inspect adds what the record of the stored reference tells.
func (g *Gateway) inspect(report *payment.PreflightReport, records []webservices.Element, stored payment.TransactionID, s settings) error {
	if len(records) == 0 {
		report.Findings = append(report.Findings, payment.Finding{
			Check: checkStored, Level: payment.LevelProblem, Field: fieldStored, Fault: payment.FaultStoredReference, Code: "20004",
			Text: fmt.Sprintf("The transaction %s is not on the site %s, or does not exist.", stored, s.Site),
			Todo: "Compare it with MyST. If it is from another site, store the card again through the Virtual Terminal on this site, and enter the new reference.",
		})
		return nil
	}
	if len(records) > 1 || transactionID(records[0].Get("transactionreference")) != stored {
		return errors.New("it is not about the stored reference alone")
	}
	record := records[0]
	if site := record.Get("sitereference"); site != "" && site != s.Site {
		return errors.New("it is from another site")
	}
	t := g.transaction(record, payment.SettleRecorded, s)
	report.Card, report.Scheme, report.Expiry, report.Currency = t.Card, t.Scheme, t.Expiry, t.Amount.Currency
	report.Findings = append(report.Findings, g.parentFinding(record, t))
	if f, found := currencyFinding(t); found {
		report.Findings = append(report.Findings, f)
	}
	report.Findings = append(report.Findings, g.cardFindings(record, t)...)
	if t.Mode != payment.ModeUnspecified && t.Mode != s.mode() {
		report.Findings = append(report.Findings, payment.Finding{
			Check: checkMode, Level: payment.LevelProblem, Field: fieldStored, Fault: payment.FaultStoredReference,
			Text: fmt.Sprintf("The card was stored in %s mode, but the site is for %s mode.", t.Mode, s.mode()),
			Todo: "Store the card again through the Virtual Terminal on this site, and enter the new reference.",
		})
	}
	return nil
}

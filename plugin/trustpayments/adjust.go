package trustpayments

import (
	"context"
	"fmt"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// settleStatusOf is what an action sets the settle status to.
var settleStatusOf = map[payment.Action]string{
	payment.ActionRelease: "0",
	payment.ActionCancel:  "3",
}

// Adjust implements payment.Gateway by one TRANSACTIONUPDATE for each
// adjustment, all in one call. The gateway works them off one by one, and a
// failed one does not stop the next.
func (g *Gateway) Adjust(ctx context.Context, req payment.AdjustRequest) (payment.AdjustResult, error) {
	const op = "adjust"
	s, err := g.access(op, req.Access)
	if err != nil {
		return payment.AdjustResult{}, err
	}
	updates, err := updateRequests(s, req.Adjustments)
	if err != nil {
		return payment.AdjustResult{}, invalid(op, "", err.Error())
	}
	answer, err := g.call(ctx, s, webservices.Call{Requests: updates})
	if err != nil {
		return payment.AdjustResult{}, unusable(op, err, payment.ErrorUnknown)
	}
	if n := len(answer.Elements); n != len(updates) {
		return payment.AdjustResult{}, &payment.Error{
			Kind: payment.ErrorUnknown, Op: op,
			Text: fmt.Sprintf("Trust Payments answered %d changes with %d elements; look at each transaction%s", len(updates), n, g.soleReason(answer)),
		}
	}
	var result payment.AdjustResult
	for i, e := range answer.Elements {
		result.Adjusted = append(result.Adjusted, g.adjusted(req.Adjustments[i].ID, e, s))
	}
	return result, nil
}

func updateRequests(s settings, all []payment.Adjustment) ([]webservices.Request, error) {
	if n := len(all); n == 0 || n > payment.MaxAdjustments {
		return nil, fmt.Errorf("%d adjustments; give 1 to %d", n, payment.MaxAdjustments)
	}
	seen := map[payment.TransactionID]bool{}
	var requests []webservices.Request
	for _, a := range all {
		status, ok := settleStatusOf[a.Action]
		switch {
		case !ok:
			return nil, fmt.Errorf("the action %q; it must be %s or %s", a.Action, payment.ActionRelease, payment.ActionCancel)
		case seen[a.ID]:
			return nil, fmt.Errorf("the transaction %s is named twice", a.ID)
		}
		if err := a.ID.Validate(); err != nil {
			return nil, err
		}
		seen[a.ID] = true
		requests = append(requests, webservices.Request{
			Type: webservices.TypeTransactionUpdate,
			Filter: &webservices.Filter{
				SiteReference:        webservices.Values{s.Site},
				TransactionReference: webservices.Values{string(a.ID)},
			},
			Updates: &webservices.Updates{SettleStatus: status},
		})
	}
	return requests, nil
}

// adjusted reads one element. One that names another transaction, or is of
// another type, is not this one's answer.
func (g *Gateway) adjusted(id payment.TransactionID, e webservices.Element, s settings) payment.Adjusted {
	code := e.Get("errorcode")
	a := payment.Adjusted{ID: id, Code: clip(code, maxCode), Message: cleaned(e.Get("errormessage"), []string{s.Password})}
	if row, known := g.codes[code]; known && a.Message == "" {
		a.Message = row.message
	}
	named := e.Get("transactionreference")
	a.Accepted = code == codeOK && e.Get("requesttypedescription") == webservices.TypeTransactionUpdate && (named == "" || named == string(id))
	return a
}

// soleReason adds what one element says that stands for all.
func (g *Gateway) soleReason(answer webservices.Answer) string {
	if len(answer.Elements) != 1 {
		return ""
	}
	code := answer.Elements[0].Get("errorcode")
	row, known := g.codes[code]
	if !known || code == codeOK {
		return ""
	}
	return ". " + explain(row, code, answer.Elements[0])
}

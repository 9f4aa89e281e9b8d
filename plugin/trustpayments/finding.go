package trustpayments

import (
	"fmt"
	"time"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// expirySoon is how long before its end a card is reported, so that there is
// time to ask the retailer for a new one.
const expirySoon = 60 * 24 * time.Hour

const todoNewCard = "Ask the retailer for a card that is valid, store it through the Virtual Terminal on this site, and enter the new reference."

func ok(check, field, text string) payment.Finding {
	return payment.Finding{Check: check, Level: payment.LevelOK, Field: field, Text: text}
}

func wrongCredentials() payment.Finding {
	return payment.Finding{
		Check: checkCredentials, Level: payment.LevelProblem, Field: fieldPassword, Fault: payment.FaultSite, Code: "401",
		Text: "Trust Payments refused the user name and password. A locked user, an address that is not allowed and the other region look the same.",
		Todo: todo401,
	}
}

// setupFinding explains a query that the gateway refused for the settings' sake.
func (g *Gateway) setupFinding(answer webservices.Answer) (payment.Finding, bool) {
	if len(answer.Elements) != 1 {
		return payment.Finding{}, false
	}
	e := answer.Elements[0]
	code := e.Get("errorcode")
	row, known := g.codes[code]
	fault := row.faultOf(code, e.ErrorData)
	if !known || fault != payment.FaultSite && fault != payment.FaultStoredReference {
		return payment.Finding{}, false
	}
	f := payment.Finding{
		Check: checkSite, Level: payment.LevelProblem, Field: fieldSite, Fault: fault, Code: code, Text: row.meaning, Todo: row.todo,
	}
	switch {
	case fault == payment.FaultStoredReference:
		f.Check, f.Field = checkStored, fieldStored
	case credentialCodes[code]:
		f.Check, f.Field = checkCredentials, fieldUser
	case code == codeInvalidField:
		f.Text, f.Todo = "Trust Payments does not accept the site reference.", "Compare it with MyST, letter by letter."
	}
	return f, true
}

// credentialCodes are the codes that are about the user rather than the site.
var credentialCodes = map[string]bool{
	"21002": true, "21005": true, "21007": true, "21041": true, "25000": true, "25002": true, "30008": true, "61002": true,
}

func modeFinding(s settings) payment.Finding {
	if s.mode() == payment.ModeTest {
		return ok(checkMode, fieldSite, "Test mode: no money moves.")
	}
	return ok(checkMode, fieldSite, "Live mode: charges move money.")
}

// parentFinding judges whether the transaction can be charged again.
func (g *Gateway) parentFinding(record webservices.Element, t payment.Transaction) payment.Finding {
	bad := payment.Finding{Check: checkStored, Level: payment.LevelProblem, Field: fieldStored, Fault: payment.FaultStoredReference, Code: t.Code}
	switch {
	case t.Kind != payment.KindAuthorisation && t.Kind != payment.KindAccountCheck:
		bad.Text = fmt.Sprintf("The transaction %s is neither a payment (AUTH) nor an account check (ACCOUNTCHECK).", t.ID)
		bad.Todo = "Enter the reference of the payment or account check by which the card was stored."
		return bad
	case t.Code != codeOK:
		bad.Text = fmt.Sprintf("The transaction %s did not succeed (gateway code %s).", t.ID, t.Code)
		bad.Todo = "Store the card again through the Virtual Terminal on this site until it succeeds, and enter that reference."
		return bad
	case !t.Outcome.Known():
		bad.Text = fmt.Sprintf("What became of the transaction %s is not clear.", t.ID)
		bad.Todo = "Look at it in MyST, or store the card again through the Virtual Terminal on this site."
		return bad
	case !byCard(record):
		bad.Code = "20028"
		bad.Text = fmt.Sprintf("The transaction %s was made with a means of payment that can't be charged again.", t.ID)
		bad.Todo = "Store a card through the Virtual Terminal on this site, and enter its transaction reference."
		return bad
	case t.Kind == payment.KindAuthorisation && t.Status == payment.StatusCancelled:
		return payment.Finding{
			Check: checkStored, Level: payment.LevelWarning, Field: fieldStored,
			Text: fmt.Sprintf("The payment %s was cancelled. Some banks refuse to charge a card that was stored by it.", t.ID),
			Todo: "If charges are refused, store the card again through the Virtual Terminal, and let that payment settle; refund it afterwards if you like.",
		}
	case record.Get("credentialsonfile") == "0":
		return payment.Finding{
			Check: checkStored, Level: payment.LevelWarning, Field: fieldStored,
			Text: fmt.Sprintf("The transaction %s can be charged, but was not marked as storing the card. Banks may decline more often.", t.ID),
			Todo: "When the card is stored next, confirm in the Virtual Terminal that it is stored for later charges.",
		}
	}
	return ok(checkStored, fieldStored, fmt.Sprintf("The transaction %s succeeded on this site, and can be charged.", t.ID))
}

func currencyFinding(t payment.Transaction) (payment.Finding, bool) {
	if t.Amount.Currency == "" {
		return payment.Finding{}, false
	}
	return ok(checkCurrency, fieldStored, fmt.Sprintf("The card was stored in %s. Orders in other currencies may be refused.", t.Amount.Currency)), true
}

// cardFindings tells which card it is and how long it lasts. A card is valid
// to the last day of its month.
func (g *Gateway) cardFindings(record webservices.Element, t payment.Transaction) []payment.Finding {
	if !byCard(record) || t.Card == "" && t.Expiry == "" {
		return nil
	}
	card := t.Card
	if card == "" {
		card = "which the gateway does not show"
	}
	month, err := time.Parse("2006-01", t.Expiry)
	if err != nil {
		return []payment.Finding{ok(checkCard, fieldStored, fmt.Sprintf("The card is %s.", card))}
	}
	end, now := month.AddDate(0, 1, 0), g.now()
	switch {
	case !now.Before(end):
		return []payment.Finding{{
			Check: checkCard, Level: payment.LevelProblem, Field: fieldStored, Fault: payment.FaultStoredReference,
			Text: fmt.Sprintf("The card %s expired at the end of %s.", card, t.Expiry), Todo: todoNewCard,
		}}
	case now.Add(expirySoon).After(end):
		return []payment.Finding{{
			Check: checkCard, Level: payment.LevelWarning, Field: fieldStored,
			Text: fmt.Sprintf("The card %s expires at the end of %s.", card, t.Expiry), Todo: todoNewCard,
		}}
	}
	return []payment.Finding{ok(checkCard, fieldStored, fmt.Sprintf("The card is %s, valid to the end of %s.", card, t.Expiry))}
}

package trustpayments

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// kinds are the request types by their name on the wire.
var kinds = map[string]payment.Kind{
	"":                           payment.KindUnspecified,
	webservices.TypeAuth:         payment.KindAuthorisation,
	webservices.TypeAccountCheck: payment.KindAccountCheck,
	webservices.TypeRefund:       payment.KindRefund,
}

func kindOf(e webservices.Element) payment.Kind {
	if k, ok := kinds[e.Get("requesttypedescription")]; ok {
		return k
	}
	return payment.KindOther
}

// transaction reads what the gateway holds. What it does not tell, or tells in
// a form that can't be read, stays empty.
func (g *Gateway) transaction(e webservices.Element, asked payment.SettleMode, s settings) payment.Transaction {
	r := g.readKind(e, asked)
	t := payment.Transaction{
		ID:        transactionID(e.Get("transactionreference")),
		Parent:    transactionID(e.Get("parenttransactionreference")),
		Reference: payment.Reference(clip(e.Get("orderreference"), maxText)),
		Kind:      kindOf(e),
		Amount:    amountOf(e),
		Status:    statuses[e.Get("settlestatus")],
		Outcome:   r.outcome, Decline: r.decline, Fault: r.fault, Code: r.code,
		Message:   cleaned(e.Get("errormessage"), []string{s.Password}),
		Site:      clip(e.Get("sitereference"), maxText),
		User:      clip(e.Get("operatorname"), maxText),
		Mode:      modes[e.Get("livestatus")],
		Card:      maskedCard(e.Get("maskedpan")),
		Scheme:    clip(e.Get("paymenttypedescription"), maxText),
		Expiry:    expiryOf(e.Get("expirydate")),
		StartedAt: timeOf(time.DateTime, e.Get("transactionstartedtimestamp")),
		SettleDue: timeOf(time.DateOnly, e.Get("settleduedate")),
		SettledAt: timeOf(time.DateTime, e.Get("settledtimestamp")),
	}
	if strings.EqualFold(t.User, s.User) {
		t.User = s.User // user names are e-mail addresses: their case carries nothing
	}
	return t
}

// readKind reads an element by the rules for its kind.
func (g *Gateway) readKind(e webservices.Element, asked payment.SettleMode) reading {
	switch kindOf(e) {
	case payment.KindAccountCheck:
		// An account check moves no money, and its settle status is noise: test
		// banks give 0 to a decline, real ones 2 to a success.
		return g.codes.read(withSettle(e, e.Get("errorcode")), asked)
	case payment.KindOther:
		r := g.codes.read(e, asked)
		if r.outcome == payment.OutcomeApproved || r.outcome == payment.OutcomeHeld || r.outcome == payment.OutcomePending {
			r.outcome = payment.OutcomeUnknown // that it succeeded means something else for it
		}
		return r
	}
	return g.codes.read(e, asked)
}

// withSettle gives the element the settle status that its code alone implies.
func withSettle(e webservices.Element, code string) webservices.Element {
	fields := make(map[string]string, len(e.Fields)+1)
	for name, value := range e.Fields {
		fields[name] = value
	}
	fields["settlestatus"] = "3"
	if code == codeOK {
		fields["settlestatus"] = "0"
	}
	return webservices.Element{Fields: fields, ErrorData: e.ErrorData}
}

// modes are the modes by their name on the wire.
var modes = map[string]payment.Mode{"0": payment.ModeTest, "1": payment.ModeLive}

func transactionID(s string) payment.TransactionID {
	id := payment.TransactionID(s)
	if id.Validate() != nil {
		return ""
	}
	return id
}

// amountOf reads an amount and its currency, each as far as it is told.
func amountOf(e webservices.Element) payment.Amount {
	a := payment.Amount{Currency: e.Get("currencyiso3a")}
	if (payment.Amount{Minor: 1, Currency: a.Currency}).Validate() != nil {
		a.Currency = ""
	}
	text := e.Get("baseamount")
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && allDigits(text) && n <= payment.MaxMinor {
		a.Minor = n
	}
	return a
}

// expiryOf turns 12/2027 or 12/27 into 2027-12.
func expiryOf(s string) string {
	for _, layout := range []string{"01/2006", "01/06"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format("2006-01")
		}
	}
	return ""
}

func timeOf(layout, s string) time.Time {
	t, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}
	}
	return t // the gateway's times are GMT, which is what Parse assumes
}

// contradiction compares an answer with what was sent, wherever the answer
// tells anything. It compares the texts of the wire: a value that can't be
// read contradicts too.
func contradiction(e webservices.Element, sent webservices.Request, mode payment.Mode) error {
	for _, pair := range []struct{ name, want string }{
		{"orderreference", sent.OrderReference},
		{"baseamount", sent.BaseAmount},
		{"currencyiso3a", sent.CurrencyISO3A},
		{"parenttransactionreference", sent.ParentTransactionReference},
		{"sitereference", sent.SiteReference},
	} {
		if got := e.Get(pair.name); got != "" && got != pair.want {
			return fmt.Errorf("its %s is %q, but %q was sent", pair.name, clip(got, maxText), pair.want)
		}
	}
	if live := e.Get("livestatus"); live != "" && modes[live] != mode {
		return fmt.Errorf("its livestatus is %q, but the settings are for %s mode", clip(live, maxCode), mode)
	}
	return nil
}

package trustpayments

import (
	"fmt"
	"strings"

	"github.com/chargehand/chargehand/plugin/trustpayments/webservices"
	"github.com/chargehand/chargehand/shared/payment"
)

// reading is what one response element or record says happened.
type reading struct {
	outcome payment.Outcome
	decline payment.Decline
	fault   payment.Fault
	code    string
	reason  string
}

// statuses are the settle statuses by their name on the wire.
var statuses = map[string]payment.Status{
	"0":   payment.StatusDue,
	"1":   payment.StatusDueUnchecked,
	"2":   payment.StatusSuspended,
	"3":   payment.StatusCancelled,
	"10":  payment.StatusSettling,
	"100": payment.StatusSettled,
}

// cardSchemes are the payment types that are cards. With any other the status
// 10 means that somebody else has yet to decide.
var cardSchemes = map[string]bool{
	"AMEX": true, "DELTA": true, "DINERS": true, "DISCOVER": true, "ELECTRON": true, "JCB": true, "MAESTRO": true,
	"MASTERCARD": true, "MASTERCARDDEBIT": true, "PURCHASING": true, "SOLO": true, "VISA": true, "VPAY": true,
}

// byCard reports whether a payment was made by card, which is what a payment
// whose type is not told is taken for: only cards can be stored.
func byCard(e webservices.Element) bool {
	scheme := e.Get("paymenttypedescription")
	return e.Get("redirecturl") == "" && (scheme == "" || cardSchemes[strings.ToUpper(scheme)])
}

// read says what became of an authorisation or refund that was sent to be
// settled as asked. It is the one place where codes and statuses get a meaning.
func (t codeTable) read(e webservices.Element, asked payment.SettleMode) reading {
	code, settle := e.Get("errorcode"), e.Get("settlestatus")
	row, known := t[code]
	r := reading{outcome: payment.OutcomeUnknown, code: clip(code, maxCode)}
	switch {
	case code == "":
		r.reason = "The answer has no code."
	case !known:
		r.reason = fmt.Sprintf("The gateway answered with the code %q, which this plugin does not know. "+lookedUp, r.code)
	case row.class == classSuccess:
		r.outcome, r.reason = readSettle(settle, asked, byCard(e))
	case settle != "" && statuses[settle] != payment.StatusCancelled:
		r.reason = fmt.Sprintf("The gateway answered with code %s, a failure, and with settle status %q, which a failure does not have. "+lookedUp,
			r.code, clip(settle, maxCode))
	default:
		t.readFailure(&r, row, e)
	}
	return r
}

// lookedUp is the end of every reason for doubt.
const lookedUp = "The transaction is looked up until its state is clear."

// readSettle reads the settle status of what succeeded.
func readSettle(settle string, asked payment.SettleMode, card bool) (payment.Outcome, string) {
	switch statuses[settle] {
	case payment.StatusDue, payment.StatusDueUnchecked, payment.StatusSettled:
		return payment.OutcomeApproved, "Authorised."
	case payment.StatusSettling:
		if !card {
			return payment.OutcomePending, "Started; the bank or the payer has yet to decide."
		}
		return payment.OutcomeApproved, "Authorised."
	case payment.StatusSuspended:
		switch asked {
		case payment.SettleRecorded:
			return payment.OutcomeApproved, "Authorised, and held until it is released."
		case payment.SettleAtOnce:
			return payment.OutcomeHeld, "Authorised, but suspended by the gateway's own checks. Release or cancel it in MyST."
		}
		return payment.OutcomeUnknown, "Authorised and suspended, and it is not told whether that was asked for."
	case payment.StatusCancelled:
		return payment.OutcomeApproved, "Authorised, and cancelled since."
	}
	return payment.OutcomeUnknown, fmt.Sprintf("The gateway answered code 0 with the settle status %q, which says nothing. "+lookedUp, clip(settle, maxCode))
}

// readFailure reads a code that is known and not 0.
func (t codeTable) readFailure(r *reading, row codeRow, e webservices.Element) {
	r.fault = row.fault
	switch row.class {
	case classDeclinedHard:
		r.outcome, r.decline = payment.OutcomeDeclined, payment.DeclineHard
	case classDeclinedSoft:
		r.outcome, r.decline = payment.OutcomeDeclined, payment.DeclineSoft
	case classConfig, classInvalidRequest:
		r.outcome, r.fault = payment.OutcomeRejected, row.faultOf(r.code, e.ErrorData)
	}
	r.reason = explain(row, r.code, e)
}

// explain puts a code into words: what it means, the gateway's details, what
// to do.
func explain(row codeRow, code string, e webservices.Element) string {
	var b strings.Builder
	b.WriteString(row.meaning)
	fmt.Fprintf(&b, " (Gateway code %s", code)
	if bank := e.Get("acquirerresponsecode"); bank != "" {
		fmt.Fprintf(&b, ", bank code %s", clip(bank, maxCode))
	}
	if fields := fieldNames(e.ErrorData); len(fields) > 0 {
		fmt.Fprintf(&b, ", about %s", strings.Join(fields, ", "))
	}
	b.WriteString(")")
	if row.todo != "" {
		b.WriteString(" " + row.todo)
	}
	return b.String()
}

// maxCode is the longest code that is passed on, in bytes. Real ones have five.
const maxCode = 16

// fieldNames keeps of the error data what looks like the name of a field: it
// may as well hold what was entered.
func fieldNames(data []string) []string {
	const most = 5
	var names []string
	for _, d := range data {
		if len(d) <= 50 && d != "" && strings.Trim(d, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && !allDigits(d) && len(names) < most {
			names = append(names, d)
		}
	}
	return names
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

package gateway

import (
	"slices"
	"strconv"
	"time"
)

// Amounts (minor units) that the test bank answers in its own way, in any
// currency.
const (
	amountDecline   = 70000
	amountBankError = 60010
)

// duplicateWindow is how far back the duplicate check looks.
const duplicateWindow = 15 * time.Minute

// bank decides about a payment and writes it into the record. What the bank is
// not asked about is approved. g.mu is held.
func (g *Gateway) bank(t *transaction, site *Site, fx *effects) {
	if !kinds[t.kind].bank {
		t.code, t.acquirerCode = codeOK, ""
		if fx.code != "" {
			t.code, t.acquirerCode = fx.code, fx.acquirerCode
		}
		if t.answered = t.code; fx.lostError != "" {
			t.answered = fx.lostError
		}
		return
	}
	t.code, t.acquirerCode = codeOK, "00"
	switch {
	case fx.code != "":
		t.code, t.acquirerCode = fx.code, fx.acquirerCode
	case t.amount == amountBankError, fx.bankError == EffectBankErrorStays:
		t.code, t.acquirerCode = codeBankError, ""
	case t.amount == amountDecline, t.card.declines, site.Live && t.card.masked != "", fx.bankError == EffectBankErrorThenFailed:
		t.code, t.acquirerCode = codeDecline, "05"
	case g.switches.ExpiredDeclined && expired(t.expiry, g.latest):
		t.code, t.acquirerCode = codeDecline, "54"
	}
	t.answered = t.code
	switch fx.bankError {
	case EffectBankErrorThenPaid, EffectBankErrorThenFailed:
		t.answered, t.doubt = codeBankError, g.latest.Add(fx.doubt)
	}
	switch t.code {
	case codeOK:
		t.authCode = "TEST" + strconv.Itoa(10+g.rng.IntN(90))
	case codeDecline:
		t.authCode = "DECLINED"
	}
	// A failed AUTH is a cancelled one. An ACCOUNTCHECK keeps 0 even then.
	if t.code != codeOK {
		t.checks = [3]string{"1", "1", "1"}
		if kinds[t.kind].money {
			t.status = StatusCancelled
		}
	}
	if fx.lostError != "" {
		t.answered = fx.lostError
	}
}

// fail makes a failure of what the bank would have approved.
func (t *transaction) fail(code string) {
	t.code, t.answered, t.status = code, code, StatusCancelled
	t.authCode, t.acquirerCode = "", ""
}

// expired says whether the month MM/YYYY is over.
func expired(expiry string, now time.Time) bool {
	month, err := time.Parse("01/2006", expiry)
	return err == nil && !now.Before(month.AddDate(0, 1, 0))
}

// suspend holds an authorisation that a check or a fault stops. A payment that
// asks for settle status 1 passes the checks. g.mu is held.
func (g *Gateway) suspend(t *transaction, asked int, site *Site, fx *effects) {
	checked := t.kind == typeAuth && asked != StatusManual
	if fx.held || checked && (site.FraudSuspend || site.DuplicateCheck && g.isDuplicate(t)) {
		t.status = StatusSuspended
	}
}

// isDuplicate looks for a payment like it. g.mu is held.
func (g *Gateway) isDuplicate(t *transaction) bool {
	return slices.ContainsFunc(g.book.since(t.started.Add(-duplicateWindow)), func(o *transaction) bool {
		return o.kind == t.kind && o.site == t.site && o.code == codeOK && o.account == t.account && o.amount == t.amount &&
			o.currency == t.currency && o.card.masked == t.card.masked && o.expiry == t.expiry
	})
}

package paymenttest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

// Harness is a gateway with what the suite has to know to use it. What is not
// marked optional must be given.
type Harness struct {
	Gateway payment.Gateway
	// Access works, and its Settings are complete and right.
	Access payment.Access
	// Stored can be charged; MissingStored is not there.
	Stored        payment.TransactionID
	MissingStored payment.TransactionID
	// Amount is approved, and Mode is what the answers say.
	Amount payment.Amount
	Mode   payment.Mode
	// Declined is an amount that is declined; optional.
	Declined payment.Amount
	// Wrong are settings with one thing wrong in each.
	Wrong []Wrong
	// BadAccess has credentials that the gateway refuses.
	BadAccess payment.Access
	// WindowPage is the most transactions that one page of a window may have.
	// The suite charges one more than that.
	WindowPage int
	// Pass lets time pass at the gateway, so that transactions differ in it;
	// nil if it passes by itself.
	Pass func(t *testing.T, d time.Duration)
	// Secrets are the values, of any settings used, that must never come back.
	Secrets []string
	// LoseAnswer arranges that the answer to the charge is lost, before or after
	// it was processed, and gives the request to send; optional.
	LoseAnswer func(r payment.ChargeRequest, processed bool) payment.ChargeRequest
}

// Wrong are settings with one thing wrong.
type Wrong struct {
	Name     string
	Settings payment.Settings
	Field    string // the one at fault
}

// callLimit bounds each call of the suite.
const callLimit = time.Minute

// Run checks a gateway against the contract of payment.Gateway. setup is called
// once; what it returns is used by many goroutines at a time.
func Run(t *testing.T, setup func(t *testing.T) Harness) {
	t.Helper()
	h := setup(t)
	s := &suite{Harness: h, gw: watch{gateway: h.Gateway, secrets: h.Secrets}}
	t.Run("Describe", s.describe)
	t.Run("ValidateSettings", s.validate)
	t.Run("Preflight", s.preflight)
	t.Run("Charge", s.charge)
	t.Run("Query", s.query)
	t.Run("QueryWindow", s.window)
	t.Run("Adjust", s.adjust)
	t.Run("Doubt", s.doubt)
	t.Run("Concurrent", s.concurrent)
}

// MemoryHarness is the harness for a Memory, or a Fake, wherever it runs behind
// gateway.
func MemoryHarness(gateway payment.Gateway) Harness {
	bad := Access()
	bad.Settings["password"] = WrongPassword
	wrong := Settings()
	wrong["site"] = "site 1"
	return Harness{
		Gateway: gateway, Access: Access(), BadAccess: bad, Stored: Stored, MissingStored: MissingStored,
		Amount: payment.Amount{Minor: 1050, Currency: "GBP"}, Mode: payment.ModeTest,
		Declined:   payment.Amount{Minor: DeclineMinor, Currency: "GBP"},
		WindowPage: WindowPage,
		Wrong:      []Wrong{{Name: "site with a space", Settings: wrong, Field: "site"}},
		Secrets:    []string{Password, WrongPassword},
		LoseAnswer: LoseAnswer,
	}
}

// suite is a harness in use.
type suite struct {
	Harness
	gw watch
}

// NewReference gives a reference that nobody else has.
func NewReference() payment.Reference {
	return payment.Reference(rand.Text()[:payment.MaxReference])
}

// request is a charge that is approved.
func (s *suite) request(settle payment.SettleMode) payment.ChargeRequest {
	return payment.ChargeRequest{
		Access: s.Access, Reference: NewReference(), Amount: s.Amount, Stored: s.Stored, Settle: settle,
		Mode: s.Mode, Sequence: 2, SendBefore: time.Now().Add(callLimit),
	}
}

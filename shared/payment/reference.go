package payment

import (
	"errors"
	"fmt"
)

// MaxReference is the length of the longest attempt reference: what gateways
// and the banks behind them keep whole.
const MaxReference = 25

// MaxTransactionID is the length of the longest transaction name a gateway
// may give.
const MaxTransactionID = 25

// Reference is our own name of one attempt. It goes to the gateway with the
// charge and is the only way back to it when an answer was lost, so it is
// used for one call and never again.
type Reference string

// TransactionID is the gateway's name of one transaction. It is opaque.
type TransactionID string

// ErrReference is what every refusal of a reference wraps.
var ErrReference = errors.New("reference not acceptable")

// Validate refuses a reference that some gateway or bank might alter.
func (r Reference) Validate() error {
	return checkReference(string(r), MaxReference)
}

// Validate refuses what can't be a gateway's name of a transaction.
func (t TransactionID) Validate() error {
	return checkReference(string(t), MaxTransactionID)
}

func checkReference(s string, most int) error {
	if s == "" {
		return fmt.Errorf("%w: it is empty", ErrReference)
	}
	if len(s) > most {
		return fmt.Errorf("%w: %d characters; the most is %d", ErrReference, len(s), most)
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return fmt.Errorf("%w: character %q; letters, digits and hyphens only", ErrReference, c)
		}
	}
	return nil
}
